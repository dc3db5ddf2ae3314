/**
 * A gateway in this process on servers of the test's own. The other services are a few lines on the bus, so that a test
 * decides what they answer, and when they do not.
 */
import type { Role } from '@carillon/contracts/define';
import type { PersonEntry } from '@carillon/contracts/directory';
import { eventHeaders, operationOfSubject, peopleBucket, queryFilter } from '@carillon/contracts/streams';
import { connectBus, type Bus, type BusOptions } from '@carillon/bus/connection';
import { consumeDurable } from '@carillon/bus/consume';
import { provisionPeople, provisionStreams } from '@carillon/bus/provision';
import { publish } from '@carillon/bus/publish';
import { decode, encode, respond, sendReply, type Reply } from '@carillon/bus/request';
import type { CommandEnvelope } from '@carillon/runtime/commands';
import type { Environment } from '@carillon/runtime/config';
import { openRealtime, type ConnectOptions, type RealtimeClient } from '@carillon/testkit/client';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { start } from '../src/service.ts';
import { jwtSecret } from './config.ts';
import { claimsOf, signed, type Claims } from './tokens.ts';

type Person = Pick<PersonEntry, 'person' | 'roles'> & Partial<PersonEntry>;

const lies = (wardId: string) => ({ wardId, bedId: `${wardId}-b1` });
const people: readonly Person[] = [
  { person: 'n1', roles: ['nurse'], wards: ['w1'] },
  { person: 'n3', roles: ['nurse'], wards: ['w2'] },
  { person: 'd1', roles: ['doctor'], wards: ['w1'] },
  { person: 'p1', roles: ['patient'], placement: lies('w1') },
  { person: 'p2', roles: ['patient'], placement: lies('w1') },
  { person: 'p7', roles: ['patient'], placement: lies('w2') },
  { person: 'c1', roles: ['caregiver'], caregiverOf: ['p1'] },
  { person: 'o1', roles: ['operator'] },
  { person: 'a1', roles: ['admin'] },
  { person: 'dev1', roles: ['device'] },
  ...Array.from({ length: 150 }, (_, index): Person => ({
    person: `q${index}`,
    roles: ['patient'],
    placement: lies('w1'),
  })),
];
const rolesOf = (person: string): readonly Role[] =>
  people.find((each) => each.person === person)?.roles ?? ['patient'];

export type RunningGateway = Awaited<ReturnType<typeof start>> & { baseUrl: string };
export type EventSpec = { subject: string; event?: string; data?: unknown; version?: number; key?: string };

export type Desk = {
  infrastructure: Infrastructure;
  bus: Bus;
  gateway: RunningGateway;
  baseUrl: string;
  /** Another gateway on the same servers, over a bus that the test may change; stopped with the desk. */
  startGateway(more?: Environment, change?: (bus: Bus) => Bus): Promise<RunningGateway>;
  tokenOf(person: string, more?: Claims): Promise<string>;
  connect(person: string, options?: ConnectOptions & { baseUrl?: string }): Promise<RealtimeClient>;
  emit(event: EventSpec): Promise<void>;
  /** Commands of `alert-escalation` that came; each is answered with what `answerCommand` gives, if it gives anything. */
  commands: (CommandEnvelope & { operation: string })[];
  answerCommand: (operation: string, envelope: CommandEnvelope) => Reply | undefined;
  answerQuery: (operation: string) => Reply;
  metric(name: string, of?: RunningGateway): Promise<number>;
  stop(): Promise<void>;
};

const defaults: Environment = {
  CARILLON_HTTP_PORT: '0',
  CARILLON_JWT_SECRET: jwtSecret,
  CARILLON_DEV_TOKENS: 'on',
  // Tests are quicker than people.
  CARILLON_LIMIT_HANDSHAKES: '10000',
  CARILLON_LIMIT_CALLS_STAFF: '6000',
  CARILLON_LIMIT_CALLS_DEVICE: '6000',
  CARILLON_LIMIT_CONNECTIONS_STAFF: '500',
  CARILLON_LIMIT_FAILED_HANDSHAKES: '1000',
};

export async function startDesk(more: Environment = {}): Promise<Desk> {
  const infrastructure = await startInfrastructure({ hasTestEvents: true });
  const environment = infrastructure.environmentOf('gateway');
  const bus = await connectBus({ url: infrastructure.nats.url, name: 'alert-escalation' });
  await provisionStreams(bus, ['COMMANDS', 'INTAKE', 'VITALS', 'CARE', 'PERSON'], { replicas: 1 });
  await provisionPeople(bus, { replicas: 1 });
  const bucket = await bus.js.views.kv(peopleBucket);
  await Promise.all(
    people.map((person) => {
      const entry: PersonEntry = {
        hospital: 'h1',
        name: person.person,
        wards: [],
        caregiverOf: [],
        placement: null,
        version: 1,
        ...person,
      };
      return bucket.put(`${entry.hospital}.${entry.person}`, encode(entry));
    }),
  );

  const gateways: RunningGateway[] = [];
  const startGateway: Desk['startGateway'] = async (other = {}, change = (own) => own) => {
    const connect = async (options: BusOptions): Promise<Bus> => change(await connectBus(options));
    const started = await start({ ...environment, ...defaults, ...more, ...other }, { connectBus: connect });
    const gateway = { ...started, baseUrl: `http://127.0.0.1:${started.port}` };
    gateways.push(gateway);
    return gateway;
  };
  const gateway = await startGateway();

  const desk: Desk = {
    infrastructure,
    bus,
    gateway,
    baseUrl: gateway.baseUrl,
    startGateway,
    tokenOf: (person, claims) => signed(claimsOf(person, rolesOf(person), claims)),
    connect: async (person, { baseUrl = gateway.baseUrl, ...options } = {}) =>
      openRealtime(baseUrl, { token: await desk.tokenOf(person), ...options }),
    emit: ({ subject, event = 'alert:raised', data = {}, version = 1, key }) =>
      publish(bus, {
        subject,
        body: encode(data),
        headers: {
          [eventHeaders.id]: crypto.randomUUID(),
          [eventHeaders.event]: event,
          [eventHeaders.at]: new Date().toISOString(),
          [eventHeaders.version]: String(version),
          ...(key === undefined ? {} : { [eventHeaders.key]: key }),
        },
      }),
    commands: [],
    answerCommand: (operation, { data }) => ({ ok: true, data: { operation, data } }),
    answerQuery: (operation) => ({ ok: true, data: { operation } }),
    async metric(name, of = gateway) {
      const found = await of.metrics.registry.getSingleMetric(name)?.get();
      return (found?.values ?? []).reduce((sum, each) => sum + each.value, 0);
    },
    async stop() {
      await Promise.all(gateways.map((each) => each.stop()));
      await consumption.stop(0);
      await bus.close();
      await infrastructure.stop();
    },
  };
  const consumption = await consumeDurable(bus, {
    stream: 'COMMANDS',
    durable: 'desk',
    filter: 'cmd.alert-escalation.>',
    ackWaitMs: 10_000,
    maxInFlight: 64,
    onDelivery(delivery) {
      const envelope = decode(delivery.body) as CommandEnvelope;
      const operation = operationOfSubject(delivery.subject);
      desk.commands.push({ ...envelope, operation });
      const reply = desk.answerCommand(operation, envelope);
      if (reply !== undefined && envelope.replyTo !== undefined) sendReply(bus, envelope.replyTo, reply);
      delivery.ack();
    },
  });
  respond(bus, queryFilter('alert-escalation'), 'desk', ({ subject }) =>
    Promise.resolve(desk.answerQuery(operationOfSubject(subject))),
  );
  return desk;
}

/** An alert of a ward and a patient, told to all who may see it. */
export const alertOf = (patient: string, data: unknown = {}, ward = 'w1'): EventSpec => ({
  subject: `care.h1.${ward}.${patient}.critical.alert.raised`,
  data,
});

export const sequenceOf = (position: unknown): number => Number(String(position).split('-')[1]);
