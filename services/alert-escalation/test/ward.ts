/**
 * A ward with the whole service on a real nats-server and a real PostgreSQL, seen from outside: what directory and
 * monitoring publish goes in, commands go in, and what is published comes out.
 */
import { randomUUID } from 'node:crypto';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { publish } from '@carillon/bus/publish';
import { provisionStreams } from '@carillon/bus/provision';
import { createCommandSender, decode, encode, request, type Reply } from '@carillon/bus/request';
import { readStream } from '@carillon/bus/stream-reader';
import type { Alert, AlertSummary } from '@carillon/contracts/alert-escalation';
import type {
  Actor,
  CommandDefinition,
  DataOf,
  EventDefinition,
  QueryDefinition,
  Role,
} from '@carillon/contracts/define';
import { admissionChanged, careTeamChanged, personChanged, shiftChanged } from '@carillon/contracts/directory';
import { conditionCleared, conditionRaised, type Priority } from '@carillon/contracts/monitoring';
import { recordReceipts, type Receipt } from '@carillon/contracts/receipts';
import { commandSubject, eventHeaders, eventSubject, querySubject } from '@carillon/contracts/streams';
import { openDatabase } from '@carillon/database/database';
import type { Clock } from '@carillon/runtime/clock';
import type { CommandEnvelope } from '@carillon/runtime/commands';
import type { QueryEnvelope } from '@carillon/runtime/queries';
import type { RunningService } from '@carillon/runtime/service';
import { createVirtualClock } from '@carillon/testkit/clock';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { createMortal, type Mortal } from '@carillon/testkit/mortal';
import { start } from '../src/service.ts';
import { actorOf, gatewayActor, hospital, people, rolesOf, ward } from './world.ts';

/** A message of CARE or PERSON; `person` only of the latter. */
export type Heard = { mid: string; event: string; person: string; alert: AlertSummary; level: number; at: number };
export type Engine = { service: RunningService; mortal: Mortal };
export type CommandOptions = { key?: string; issuedAt?: number; deadlineMs?: number };

export type WardStory = {
  readonly infrastructure: Infrastructure;
  /** Everything that was published for the room of the ward and for people, in order. */
  readonly heard: readonly Heard[];
  now(): number;
  /** Time also goes on by itself, as fast as ever. */
  leap(seconds: number): void;
  /** The clock is set forward: it has not become later. */
  stepClock(seconds: number): void;
  /** @param clock its own, instead of the time of the ward */
  startEngine(clock?: Clock): Promise<Engine>;
  /** What `directory` publishes; the hospital is told before, with version 1. */
  tell<E extends EventDefinition>(event: E, id: string, data: DataOf<E> & { version: number }): Promise<void>;
  /** What `directory` tells; done when the engines know it. A person on shift is of the ward, and new ones are staff of it. */
  shift(person: string, at: { from: number; until?: number; wardId?: string; role?: Role }): Promise<void>;
  bedNurses(nurses: readonly string[]): Promise<void>;
  /** @param wardId null: p1 is discharged */
  moveTo(wardId: string | null): Promise<void>;
  /** What `monitoring` publishes about p1. */
  condition(verb: 'raised' | 'cleared', kind: string, priority?: Priority): Promise<void>;
  /** @returns the reply, or undefined when the command is stored and not done in time */
  send(person: string, command: CommandDefinition, data: unknown, options?: CommandOptions): Promise<Reply | undefined>;
  ask(person: string, query: QueryDefinition, data: unknown): Promise<Reply>;
  /** What a gateway tells. */
  receive(items: readonly Receipt[], options?: CommandOptions & { hospital?: string }): Promise<Reply | undefined>;
  /** The first, past or to come, that fits. */
  expect(fits: (heard: Heard) => boolean, what: string): Promise<Heard>;
  page(person: string, level: number): Promise<Heard>;
  stop(): Promise<void>;
};

/** Bed nurse n1 of patient p1; n2, n3, doctor d1 and responder r1 in the ward; operator o1. All round the clock. */
async function publishDirectory(
  tell: <E extends EventDefinition>(event: E, id: string, data: DataOf<E>) => Promise<void>,
) {
  const since = '2026-01-01T00:00:00Z';
  const isStaff = (person: string): boolean => !['operator', 'admin'].includes(rolesOf[person] ?? '');
  await tell(admissionChanged, 'p1', { patientId: 'p1', wardId: ward, bedId: 'b1', version: 1 });
  await tell(careTeamChanged, 'p1', { patientId: 'p1', bedNurses: ['n1'], caregivers: [], version: 1 });
  for (const personId of people) {
    const role = rolesOf[personId] ?? 'nurse';
    const wards = isStaff(personId) ? [ward] : [];
    await tell(personChanged, personId, { personId, name: personId, roles: [role], wards, version: 1 });
    const shift = { shiftId: `s-${personId}`, personId, wardId: wards[0] ?? null, role };
    await tell(shiftChanged, shift.shiftId, { ...shift, startsAt: since, endsAt: null, version: 1 });
  }
  await tell(personChanged, 'p1', { personId: 'p1', name: 'p1', roles: ['patient'], wards: [], version: 1 });
}

const mutable = ({ roles, ...actor }: Actor) => ({ ...actor, roles: [...roles] });

/** @param options.receives whether each call comes at once to a device of whom it calls, as in a ward with its phones on */
export async function openWard({ receives = true } = {}): Promise<WardStory> {
  const infrastructure = await startInfrastructure();
  const { url } = infrastructure.nats;
  const bus: Bus = await connectBus({ url, name: 'outside' });
  await provisionStreams(bus, ['COMMANDS', 'CARE', 'PERSON', 'DIRECTORY', 'DEADLETTERS'], { replicas: 1 });
  const clock = createVirtualClock(Date.UTC(2026, 10, 21, 8));
  let seen = performance.now();
  const flow = setInterval(() => {
    const passed = Math.floor(performance.now() - seen);
    seen += passed;
    clock.advance(passed);
  }, 10);

  const heard: Heard[] = [];
  const waiters = new Set<() => void>();
  /** Of each message that came to a device, that the engines were told. */
  const received = new Map<string, Promise<unknown>>();
  const readers = (['CARE', 'PERSON'] as const).map((stream) =>
    readStream(bus, {
      stream,
      afterSequence: 0,
      onMessage({ subject, body, header }) {
        const event = header(eventHeaders.event) ?? '';
        if (event.startsWith('condition:')) return;
        const data = decode(body) as AlertSummary & { alert?: AlertSummary };
        const person = stream === 'PERSON' ? (subject.split('.')[2] ?? '') : '';
        const at = Date.parse(header(eventHeaders.at) ?? '');
        const mid = header(eventHeaders.id) ?? '';
        if (receives && event === 'page:new' && !received.has(mid)) {
          const item: Receipt = { mid, person, level: 'delivered', at: new Date(clock.now()).toISOString() };
          // An engine that dies may have taken it with it: another is told later, and nobody waits for that.
          const telling = tellReceipts([item], { deadlineMs: 1_500 }).catch(() => {});
          received.set(mid, telling);
        }
        heard.push({
          mid,
          event,
          person,
          alert: data.alert ?? data,
          level: data.level,
          at,
        });
        for (const waiter of waiters) waiter();
      },
    }),
  );
  const sender = createCommandSender(bus);
  const publishEvent = (event: EventDefinition, tokens: Record<string, string>, version: number, data: unknown) =>
    publish(bus, {
      subject: eventSubject(event, tokens),
      body: encode(data),
      headers: {
        [eventHeaders.id]: randomUUID(),
        [eventHeaders.event]: event.name,
        [eventHeaders.at]: new Date(clock.now()).toISOString(),
        [eventHeaders.version]: String(version),
      },
    });
  await publishDirectory((event, id, data) => publishEvent(event, { hospital, id }, 1, data));

  const sendAs = (
    actor: Actor,
    subject: string,
    data: unknown,
    { key = randomUUID(), issuedAt = clock.now(), deadlineMs = 10_000 }: CommandOptions = {},
  ): Promise<Reply | undefined> => {
    const envelope: CommandEnvelope = { actor: mutable(actor), key, issuedAt, data };
    return sender.send(subject, (replyTo) => encode({ ...envelope, replyTo }), { headers: {}, deadlineMs });
  };

  const tellReceipts = (
    items: readonly Receipt[],
    { hospital = gatewayActor.hospital, ...options }: CommandOptions & { hospital?: string } = {},
  ): Promise<Reply | undefined> =>
    sendAs(
      { ...gatewayActor, hospital },
      commandSubject(recordReceipts, 'alert-escalation'),
      { service: 'alert-escalation', items },
      options,
    );

  const engines: Engine[] = [];
  let directoryVersion = 1;
  /** Publishes it, and waits until its row in the projection is as new. */
  const tell = async <E extends EventDefinition>(event: E, id: string, data: DataOf<E>, row: string): Promise<void> => {
    const version = ++directoryVersion;
    await publishEvent(event, { hospital, id }, version, { ...(data as object), version });
    const database = openDatabase({ url: infrastructure.postgres.url, service: 'alert-escalation', maxConnections: 1 });
    await eventually(
      async () => (await database.query(`select from ${row} = $1 and version >= $2`, [id, version])).rows[0],
      { what: `${event.name} in the projection` },
    ).finally(() => database.close());
  };
  let conditionVersion = 0;
  const story: WardStory = {
    infrastructure,
    heard,
    now: clock.now,
    leap: (seconds) => clock.advance(seconds * 1000),
    stepClock: (seconds) => clock.step(seconds * 1000),
    async startEngine(own: Clock = clock) {
      const mortal = createMortal({ clock: own });
      const engine = {
        service: await start(infrastructure.environmentOf('alert-escalation'), mortal.dependencies),
        mortal,
      };
      engines.push(engine);
      const database = openDatabase({ url: infrastructure.postgres.url, service: 'alert-escalation' });
      await eventually(
        async () => {
          // The last that `directory` tells.
          const { rows } = await database.query("select from directory_person where person_id = 'p1'");
          return rows[0];
        },
        { what: 'the projection of the directory' },
      );
      await database.close();
      return engine;
    },
    tell: (event, id, data) => publishEvent(event, { hospital, id }, data.version, data),
    async shift(person, { from, until, wardId = ward, role = rolesOf[person] ?? 'nurse' }) {
      const known = { personId: person, name: person, roles: [role], wards: [wardId], version: 0 };
      if (rolesOf[person] === undefined) await tell(personChanged, person, known, 'directory_person where person_id');
      const times = {
        startsAt: new Date(from).toISOString(),
        endsAt: until === undefined ? null : new Date(until).toISOString(),
      };
      const shift = { shiftId: `s-${person}`, personId: person, wardId, role, ...times, version: 0 };
      await tell(shiftChanged, shift.shiftId, shift, 'directory_shift where shift_id');
    },
    bedNurses: (nurses) =>
      tell(
        careTeamChanged,
        'p1',
        { patientId: 'p1', bedNurses: [...nurses], caregivers: [], version: 0 },
        'directory_care_team where patient_id',
      ),
    moveTo: (wardId) =>
      tell(
        admissionChanged,
        'p1',
        { patientId: 'p1', wardId, bedId: null, version: 0 },
        'directory_admission where patient_id',
      ),
    condition(verb, kind, priority = 'high') {
      const event = verb === 'raised' ? conditionRaised : conditionCleared;
      const lane = priority === 'high' ? 'critical' : 'normal';
      const at = new Date(clock.now()).toISOString();
      const data = { patientId: 'p1', wardId: ward, kind, priority, message: `${kind} of p1`, at };
      return publishEvent(event, { hospital, ward, patient: 'p1', lane }, ++conditionVersion, data);
    },
    send: (person, command, data, options) => sendAs(actorOf(person), commandSubject(command), data, options),
    receive: tellReceipts,
    ask(person, query, data) {
      const envelope: QueryEnvelope = { actor: mutable(actorOf(person)), data };
      return request(bus, querySubject(query), encode(envelope), { headers: {}, deadlineMs: 5_000 });
    },
    expect(fits, what) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiters.delete(look);
          const all = heard.map(({ event, person, level }) => `${event} ${person} ${level}`).join('; ');
          reject(new Error(`${what} did not come; heard: ${all}`));
        }, 15_000);
        const look = (): void => {
          const found = heard.find(fits);
          if (found === undefined) return;
          clearTimeout(timer);
          waiters.delete(look);
          // So that time may leap from here on.
          void Promise.resolve(received.get(found.mid)).then(() => resolve(found));
        };
        waiters.add(look);
        look();
      });
    },
    page: (person, level) =>
      story.expect(
        (one) => one.event === 'page:new' && one.person === person && one.level === level,
        `the page of level ${level} to ${person}`,
      ),
    async stop() {
      for (const reader of readers) reader.stop();
      await Promise.all(engines.map(({ service }) => service.stop()));
      sender.close();
      clearInterval(flow);
      await bus.close();
      await infrastructure.stop();
    },
  };
  return story;
}

/** The alert of a reply that must be one. */
export function alertOf(reply: Reply | undefined): Alert {
  if (reply?.ok !== true) throw new Error(`no alert, but ${JSON.stringify(reply)}`);
  return reply.data as Alert;
}
