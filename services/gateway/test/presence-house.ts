/** Presence modules of several gateways on one nats-server, each with a connection of its own that can be cut off. */
import type { Role } from '@carillon/contracts/define';
import type { PersonEntry } from '@carillon/contracts/directory';
import type { PersonPresence, PresenceSnapshot } from '@carillon/contracts/presence';
import { peopleBucket } from '@carillon/contracts/streams';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { provisionAccess, provisionPeople } from '@carillon/bus/provision';
import { encode } from '@carillon/bus/request';
import { createLogger } from '@carillon/runtime/log';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { watchPeople } from '../src/people.ts';
import { createPresence, type Presence, type PresenceTiming } from '../src/presence/presence.ts';
import type { Identity } from '../src/tokens.ts';

type PersonSpec = Partial<PersonEntry> & Pick<PersonEntry, 'person' | 'roles'>;
export type Frame = { ev: string; version: number; data: PersonPresence & PresenceSnapshot };
export type Listener = { snapshot: PresenceSnapshot; frames: Frame[]; keys: string[]; leave(): void };

export type HouseGateway = {
  name: string;
  presence: Presence;
  bus: Bus;
  /** At once nothing of it reaches anybody; what it wrote stays. */
  kill(): Promise<void>;
  listen(person: string, room: string): Listener;
  stateOf(person: string): Promise<string>;
  stop(): Promise<void>;
};

export type House = {
  infrastructure: Infrastructure;
  administrator: Bus;
  who(person: string): Identity;
  putPerson(person: PersonSpec): Promise<void>;
  startGateway(name: string): Promise<HouseGateway>;
  /** Every gateway of the house says so of the person. */
  agreed(person: string, state: string): Promise<void>;
  /** Keys of the bucket that stand for something. */
  keys(): Promise<string[]>;
  /** For the next test: no gateway, and nothing in the bucket. */
  clear(): Promise<void>;
  stop(): Promise<void>;
};

/** Long enough that a busy machine does not take the living for dead. */
export const timing: PresenceTiming = {
  graceMs: 1_500,
  heartbeatMs: 200,
  deadAfterMs: 2_000,
  restMs: 50,
  gatherMs: 20,
  writeAgainMs: 600_000,
};

export async function startHouse(people: readonly PersonSpec[], more: Partial<PresenceTiming> = {}): Promise<House> {
  const infrastructure = await startInfrastructure();
  const administrator = await connectBus({ url: infrastructure.nats.url, name: 'administrator' });
  await provisionPeople(administrator, { replicas: 1 });
  await provisionAccess(administrator, { replicas: 1 });
  const log = createLogger('test', { level: 'silent', file: '' });
  const roles = new Map<string, readonly Role[]>();
  const gateways = new Set<HouseGateway>();
  const dying = new Set<Promise<void>>();
  const versions = new Map<string, number>();

  const house: House = {
    infrastructure,
    administrator,
    who: (person) => ({
      person,
      hospital: 'h1',
      roles: roles.get(person) ?? ['patient'],
      name: person,
      expiresAt: Date.now() + 60_000,
    }),
    async putPerson(spec) {
      const version = (versions.get(spec.person) ?? 0) + 1;
      versions.set(spec.person, version);
      roles.set(spec.person, spec.roles);
      const defaults = { hospital: 'h1', name: spec.person, wards: [], caregiverOf: [], placement: null, version };
      const bucket = await administrator.js.views.kv(peopleBucket);
      await bucket.put(`h1.${spec.person}`, encode({ ...defaults, ...spec }));
    },
    async startGateway(name) {
      const bus = await connectBus({ url: infrastructure.nats.urlOf('gateway'), name: 'gateway' });
      const directory = await watchPeople(bus, log);
      const instance = `${name}-${crypto.randomUUID().slice(0, 8)}`;
      const presence = await createPresence({
        bus,
        people: directory,
        instance,
        replicas: 1,
        now: Date.now,
        log,
        timing: { ...timing, ...more },
      });
      const gateway: HouseGateway = {
        name: instance,
        presence,
        bus,
        async kill() {
          gateways.delete(gateway);
          await bus.nc.close();
          directory.stop();
          dying.add(presence.stop());
        },
        listen(person, name) {
          const room = presence.openRoom(name, house.who(person));
          if (room === undefined) throw new Error(`${person} may not enter ${name}`);
          const frames: Frame[] = [];
          const keys: string[] = [];
          const { snapshot, leave } = room.join({
            deliver(changes) {
              for (const { text, key } of changes) {
                frames.push(JSON.parse(text.toString()) as Frame);
                keys.push(key);
              }
            },
          });
          return { snapshot: structuredClone(snapshot), frames, keys, leave };
        },
        async stateOf(person) {
          const data = { persons: [person] };
          const operator = { ...house.who('o1'), roles: ['operator'] as const };
          const answer = await presence.call({ who: operator, connection: undefined, operation: 'presence:get', data });
          return (answer as { people: PersonPresence[] }).people[0]?.state ?? 'unseen';
        },
        async stop() {
          gateways.delete(gateway);
          await presence.stop();
          directory.stop();
          await bus.close();
        },
      };
      gateways.add(gateway);
      return gateway;
    },
    async agreed(person, state) {
      await eventually(
        async () => {
          const states = await Promise.all([...gateways].map((gateway) => gateway.stateOf(person)));
          if (states.some((each) => each !== state))
            throw new Error(`${states.join(', ')} on ${gateways.size} gateways`);
          return true;
        },
        { what: `${person} ${state} on all gateways` },
      );
    },
    async keys() {
      const info = await administrator.jsm.streams.info('KV_presence', { subjects_filter: '>' });
      return Object.keys(info.state.subjects ?? {}).map((subject) => subject.slice('$KV.presence.'.length));
    },
    async clear() {
      for (const gateway of gateways) await gateway.stop();
      await Promise.all(dying);
      // A request that went down with a server is not answered, and may still be done: in the next test, if it were left so.
      await eventually(async () => {
        const names = await administrator.jsm.streams.names('$KV.presence.>').next();
        if (names.includes('KV_presence')) await administrator.jsm.streams.delete('KV_presence');
        return true;
      });
    },
    async stop() {
      await house.clear();
      await administrator.close();
      await infrastructure.stop();
    },
  };
  for (const person of people) await house.putPerson(person);
  return house;
}
