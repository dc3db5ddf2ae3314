/** One scenario: clients behind lines that can be disturbed, what is published meanwhile, and the judgement at the end. */
import type { Environment } from '@carillon/runtime/config';
import { eventually } from '@carillon/testkit/eventually';
import { startFaultProxy, type FaultProxy } from '@carillon/testkit/fault-proxy';
import { patience } from '@carillon/testkit/patience';
import { startClient, type ClientOptions, type ScenarioClient } from './client.ts';
import { alertOf, type Desk, type EventSpec, type RunningGateway } from '../desk.ts';
import type { Journal } from './journal.ts';
import { judge, judgeLateness, lossesOf, type Ended, type Lateness } from './judge.ts';
import { createLoad, type Load } from './load.ts';
import { createRandom, seedOf, type Random } from './random.ts';
import { createTruth, type Truth } from './truth.ts';

type Given = Pick<ClientOptions, 'person'> & Partial<ClientOptions>;

export type World = Load & {
  desk: Desk;
  random: Random;
  truth: Truth;
  clients: readonly ScenarioClient[];
  /** Another gateway, that must be empty at the end. */
  gateway(more?: Environment): Promise<RunningGateway>;
  line(to: { port: number }): Promise<FaultProxy>;
  client(options: Given): ScenarioClient;
  /** A client of another kind is judged, too. `has` tells whether it has a message. */
  watch(journal: Journal, has: (room: string, id: string) => boolean, rooms: readonly string[]): void;
  /** All of these live, in all of their rooms. */
  live(clients: readonly ScenarioClient[], withinMs?: number): Promise<void>;
  ended(end: Ended): void;
  /** These were never disturbed: what is critical must have been there in time. */
  healthy(clients: readonly ScenarioClient[], lateness: Lateness): void;
  /** This one cannot be judged by its end. */
  excuse(client: ScenarioClient): void;
  /** To do at the end, whatever happens. */
  onEnd(act: () => unknown): void;
};

/** What was swallowed is missing in the middle of a connection, which TCP never does: with the fault such a one ends, too. */
function cuttingWhatSwallowed(line: FaultProxy): FaultProxy {
  let hasSwallowed = false;
  return {
    ...line,
    inject(direction, faults) {
      if (faults.isSwallowing === true) hasSwallowed = true;
      line.inject(direction, faults);
    },
    heal() {
      if (hasSwallowed) line.cut('reset');
      hasSwallowed = false;
      line.heal();
    },
  };
}

/** Everything that is still on its way when the load ends. */
const settleMs = 15_000;

const gauges = ['carillon_connections', 'carillon_rooms', 'carillon_subscriptions', 'carillon_send_queue_bytes'];
/** A link that vanished at the very end is noticed by the next ping (15 s), the wait for its answer and the close. */
const deadLinkMs = 24_000;

/** Waits until a gateway holds nothing any more of those who have gone. @throws with what is left */
async function untilEmpty(desk: Desk, gateway: RunningGateway): Promise<void> {
  let left: string[] = [];
  const look = async (): Promise<true | undefined> => {
    const values = await Promise.all(gauges.map(async (name) => ({ name, value: await desk.metric(name, gateway) })));
    left = values.filter(({ value }) => value !== 0).map(({ name, value }) => `${name} ${value}`);
    return left.length === 0 || undefined;
  };
  await eventually(look, { withinMs: deadLinkMs + patience(5_000) }).catch(() => {
    throw new Error(`held for clients that have gone: ${left.join(', ')}`);
  });
}

/** The last message of each room: whoever has it has all before, or has a hole. */
const lastOf = (room: string): EventSpec => {
  const [kind = '', id = '', part] = room.split(':');
  if (kind === 'person') return { subject: `person.h1.${id}.critical.page.new`, event: 'page:new' };
  // In no ward of which anybody is in the room.
  if (kind === 'patient') return alertOf(id, {}, 'w9');
  if (part === 'vitals') return { subject: `vitals.h1.${id}.p1`, event: 'vitals:recorded', key: 'last' };
  return alertOf('p1', {}, id);
};

export type ScenarioOptions = {
  seed?: number;
  /** False where others use the desk's own gateway meanwhile, so that it is not empty at the end. */
  isAlone?: boolean;
  /** Clients may be told that something is missing. Else every resume must be complete. */
  mayLose?: boolean;
};

/**
 * Runs a scenario and judges it: every message once and in order, or where it may be so the word that some are missing; nothing after a right
 * has ended; what is critical in time; nothing left in the gateways. A failure names the seed.
 */
export async function runScenario(
  desk: Desk,
  play: (world: World) => Promise<void>,
  { seed = seedOf(), isAlone = true, mayLose = false }: ScenarioOptions = {},
): Promise<void> {
  const random = createRandom(seed);
  const load = createLoad(desk.bus);
  const truth = createTruth(desk.bus, ['CARE', 'VITALS', 'PERSON']);
  const gateways = isAlone ? [desk.gateway] : [];
  const clients: ScenarioClient[] = [];
  const excused = new Set<ScenarioClient>();
  const lines: FaultProxy[] = [];
  const watched: { journal: Journal; has: (room: string, id: string) => boolean; rooms: readonly string[] }[] = [];
  const ended: Ended[] = [];
  const healthy: { clients: readonly ScenarioClient[]; lateness: Lateness }[] = [];
  const ends: (() => unknown)[] = [];

  const world: World = {
    ...load,
    desk,
    random,
    truth,
    clients,
    async gateway(more) {
      const gateway = await desk.startGateway(more);
      gateways.push(gateway);
      return gateway;
    },
    async line({ port }) {
      const line = cuttingWhatSwallowed(await startFaultProxy({ port }));
      lines.push(line);
      return line;
    },
    client(options) {
      const client = startClient({
        name: `client ${clients.length}`,
        rooms: ['ward:w1:alerts'],
        port: () => desk.gateway.port,
        token: () => desk.tokenOf(options.person),
        random: random.fork(),
        ...options,
      });
      clients.push(client);
      return client;
    },
    watch: (journal, has, rooms) => void watched.push({ journal, has, rooms }),
    live: async (some, withinMs = settleMs) => {
      await eventually(() => some.every((client) => client.isLive()) || undefined, {
        withinMs: patience(withinMs),
        what: 'that all live',
      });
    },
    ended: (end) => void ended.push(end),
    healthy: (some, lateness) => void healthy.push({ clients: some, lateness }),
    excuse: (client) => void excused.add(client),
    onEnd: (act) => void ends.push(act),
  };

  const settle = async (): Promise<void> => {
    for (const line of lines) {
      line.heal();
      await line.accept();
    }
    const current = clients.filter((client) => !excused.has(client) && !client.isStopped());
    await world.live(current);
    const rooms = [
      ...new Set([...current.flatMap((client) => client.rooms()), ...watched.flatMap((each) => each.rooms)]),
    ];
    const last = new Map(await Promise.all(rooms.map(async (room) => [room, await load.emit(lastOf(room))] as const)));
    const all = [...current.map(({ has, rooms: of }) => ({ has, rooms: of() })), ...watched];
    const waiting = (): string[] =>
      all.flatMap(({ has, rooms: his }) => his.filter((room) => !has(room, last.get(room) ?? '')));
    await eventually(() => waiting().length === 0 || undefined, {
      withinMs: patience(settleMs),
      what: 'the last message of every room at every client',
    }).catch(() => {});
  };
  const judgeAll = async (): Promise<string[]> => {
    await truth.capture();
    const journals = [
      ...clients.map((client) => ({
        journal: client.journal,
        isCurrent: !excused.has(client) && !client.isStopped(),
      })),
      ...watched.map(({ journal }) => ({ journal, isCurrent: true })),
    ];
    return [
      ...journals.flatMap(({ journal, isCurrent }) => judge(journal, { truth, isCurrent, ended })),
      ...(mayLose ? [] : journals.flatMap(({ journal }) => lossesOf(journal))),
      ...healthy.flatMap((each) => each.clients.flatMap(({ journal }) => judgeLateness(journal, each.lateness))),
    ];
  };

  try {
    await play(world);
    await settle();
    const faults = await judgeAll();
    if (faults.length > 0) throw new Error(`${faults.length} faults:\n${faults.slice(0, 20).join('\n')}`);
    for (const end of ends.splice(0)) await end();
    await Promise.all(clients.map((client) => client.stop()));
    for (const gateway of gateways) await untilEmpty(desk, gateway);
  } catch (error) {
    throw new Error(`CARILLON_SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  } finally {
    for (const end of ends) await end();
    await Promise.all(clients.map((client) => client.stop()));
    await Promise.all(lines.map((line) => line.close()));
  }
}
