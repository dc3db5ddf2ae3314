/** A ward whose patients are known, and the bus as the gateway and the directory use it. */
import type { EventDefinition } from '@carillon/contracts/define';
import { edgeBeatSubject } from '@carillon/contracts/devices';
import { admissionChanged, personChanged } from '@carillon/contracts/directory';
import type { Absence, Reading } from '@carillon/contracts/monitoring';
import { commandSubject, eventSubject, intakeSubject, partitionOf, querySubject } from '@carillon/contracts/streams';
import type { Actor, CommandDefinition, QueryDefinition, StreamName } from '@carillon/contracts/define';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { provisionStreams } from '@carillon/bus/provision';
import { publish } from '@carillon/bus/publish';
import { createCommandSender, decode, encode, request, type Reply } from '@carillon/bus/request';
import { readStream } from '@carillon/bus/stream-reader';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';

export type Told = { subject: string; event: string; version: number; data: Record<string, unknown> };
export type Ward = {
  infrastructure: Infrastructure;
  bus: Bus;
  /** Events of VITALS and CARE as they came. */
  told: Told[];
  post(readings: readonly Partial<Reading>[], receivedAt?: number): Promise<void>;
  /** Whether a gateway says that it takes readings in. */
  setEdge(isThere: boolean): void;
  /** What a device says instead of a value. */
  postAbsence(absence: Absence, receivedAt: number): Promise<void>;
  /** By the nurse, or by whom it names. */
  ask(query: QueryDefinition, data: unknown, by?: Actor): Promise<Reply>;
  /** By the admin, or by whom it names. */
  command(command: CommandDefinition, data: unknown, by?: Actor, issuedAt?: number): Promise<Reply | undefined>;
  stop(): Promise<void>;
};

const patients = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6'];
const admin: Actor = { person: 'a1', hospital: 'h1', roles: ['admin'] };
export const nurse: Actor = { person: 'n1', hospital: 'h1', roles: ['nurse'] };
export const doctor: Actor = { person: 'd1', hospital: 'h1', roles: ['doctor'] };

export async function startWard(): Promise<Ward> {
  const infrastructure = await startInfrastructure();
  const bus = await connectBus({ url: infrastructure.nats.url, name: 'gateway' });
  await provisionStreams(bus, ['COMMANDS', 'INTAKE', 'VITALS', 'CARE', 'DIRECTORY'], { replicas: 1 });
  const tell = (event: EventDefinition, id: string, data: object): Promise<void> =>
    publish(bus, {
      subject: eventSubject(event, { hospital: 'h1', id }),
      headers: { 'Nats-Msg-Id': `${event.name}-${id}`, 'Carillon-Event': event.name, 'Carillon-Version': '1' },
      body: encode({ ...data, version: 1 }),
    });
  for (const patientId of patients) {
    await tell(admissionChanged, patientId, { patientId, wardId: 'w1', bedId: `b-${patientId}` });
    await tell(personChanged, patientId, { personId: patientId, name: patientId, roles: ['patient'], wards: [] });
  }
  const child = { personId: 'c1', name: 'c1', roles: ['patient'], wards: [], birthDate: '2020-02-29' };
  await tell(personChanged, 'c1', child);
  await tell(admissionChanged, 'c1', { patientId: 'c1', wardId: 'w1', bedId: 'b-c1' });
  await tell(personChanged, 'n1', { personId: 'n1', name: 'n1', roles: ['nurse'], wards: ['w1'] });
  await tell(personChanged, 'd1', { personId: 'd1', name: 'd1', roles: ['doctor'], wards: ['w1'] });
  const told: Told[] = [];
  const readers = (['VITALS', 'CARE'] satisfies StreamName[]).map((stream) =>
    readStream(bus, {
      stream,
      afterSequence: 0,
      onMessage: ({ subject, body, header }) =>
        told.push({
          subject,
          event: header('Carillon-Event') ?? '',
          version: Number(header('Carillon-Version')),
          data: decode(body) as Record<string, unknown>,
        }),
    }),
  );
  const sender = createCommandSender(bus);
  let isEdgeThere = true;
  const edge = setInterval(() => {
    if (isEdgeThere) bus.nc.publish(edgeBeatSubject);
  }, 200);
  let keys = 0;
  return {
    setEdge: (isThere) => void (isEdgeThere = isThere),
    infrastructure,
    bus,
    told,
    post: (readings, receivedAt = Date.now()) => {
      const whole = readings.map((reading) => ({
        patientId: 'p1',
        receivedValue: reading.value ?? 0,
        receivedUnit: null,
        statedAt: null,
        quality: 'good',
        deviceId: 'dev1',
        ...reading,
      }));
      const partition = partitionOf(whole[0]?.patientId ?? '');
      return publish(bus, {
        subject: intakeSubject('h1', partition, 'device'),
        headers: {},
        body: encode({ hospital: 'h1', by: 'dev1', receivedAt, readings: whole }),
      });
    },
    postAbsence: (absence, receivedAt) =>
      publish(bus, {
        subject: intakeSubject('h1', partitionOf(absence.patientId), 'device'),
        headers: {},
        body: encode({ hospital: 'h1', by: 'dev1', receivedAt, readings: [], absences: [absence] }),
      }),
    ask: (query, data, by = nurse) =>
      request(bus, querySubject(query), encode({ actor: by, data }), { headers: {}, deadlineMs: 5_000 }),
    command: (command, data, by = admin, issuedAt = Date.now()) => {
      const envelope = { actor: by, key: `key-${keys++}`, issuedAt, data };
      return sender.send(commandSubject(command), (replyTo) => encode({ ...envelope, replyTo }), {
        headers: {},
        deadlineMs: 5_000,
      });
    },
    async stop() {
      for (const reader of readers) reader.stop();
      clearInterval(edge);
      sender.close();
      await bus.close();
      await infrastructure.stop();
    },
  };
}

/** One value of a vital sign a second, from `startAt` on. */
export const everySecond = (
  patientId: string,
  vital: Reading['vital'],
  values: readonly number[],
  startAt: number,
): Partial<Reading>[] =>
  values.map((value, index) => ({ patientId, vital, value, measuredAt: startAt + index * 1_000 }));
