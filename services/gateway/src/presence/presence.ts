/**
 * Presence: which people are connected, over all gateways. A gateway knows its own devices at once, tells the others by the
 * bucket `presence`, and hears of theirs by watching it; so every question is answered from memory, on any gateway.
 *
 * What must always hold: what is in the bucket is never trusted for longer than its gateway's heartbeat comes, and whatever
 * is lost (the connection, the bucket, our good name) is mended by writing all of one's own anew.
 */
import type { Actor } from '@carillon/contracts/define';
import { lastSeenBucket, presenceBucket, presenceMaxAgeMs, presentRoles } from '@carillon/contracts/presence';
import type { Bus } from '@carillon/bus/connection';
import { provisionPresence } from '@carillon/bus/provision';
import type { Logger } from '@carillon/runtime/log';
import type { OwnCall } from '../calls.ts';
import type { People } from '../people.ts';
import { openPresenceBucket, readLastSeen, readPresenceEntry } from './bucket.ts';
import { createPresenceCalls } from './calls.ts';
import { createGateways } from './gateways.ts';
import { createHeartbeat } from './heartbeat.ts';
import { createKeyWriter } from './key-writer.ts';
import { createOwnDevices, type Arrival } from './own-devices.ts';
import { createPresenceRooms, type StateRoom } from './rooms.ts';
import { createRoster } from './roster.ts';
import { personKey } from './sight.ts';
import { watchEntries, type Entry } from './watch.ts';

export type Presence = {
  /** A connection is open and known. */
  arrive(who: Actor, connection: Arrival): void;
  /** It is closed; of one that never arrived this says nothing. */
  leave(who: Actor, connection: string): void;
  /** Answers `presence:set`, `presence:get` and `presence:list`. @throws CodedError */
  call(call: OwnCall): Promise<unknown>;
  /** @returns the room, if there is such a room and he may enter it */
  openRoom(name: string, who: Actor): StateRoom | undefined;
  counts(): PresenceFigures;
  /** This gateway goes in order: its people stay as they are for the grace, in which they come to another one. */
  stop(): Promise<void>;
};
export type PresenceFigures = {
  /** Over all gateways. */
  people: number;
  /** Others that live. */
  gateways: number;
  rooms: number;
  members: number;
  /** Entries that are still to be written. */
  pending: number;
};

/** All in milliseconds. */
export type PresenceTiming = {
  graceMs: number;
  /** Between two heartbeats, more or less. */
  heartbeatMs: number;
  /** A gateway that was silent for so long is dead. */
  deadAfterMs: number;
  /** Between two writes of one person. */
  restMs: number;
  /** How long changes of a room are gathered. */
  gatherMs: number;
  /** How often an entry is written that does not change. */
  writeAgainMs: number;
};
export const presenceTiming = (graceMs: number): PresenceTiming => ({
  graceMs,
  heartbeatMs: 3_000,
  deadAfterMs: 12_000,
  restMs: 1_000,
  gatherMs: 100,
  writeAgainMs: presenceMaxAgeMs / 3,
});

export type PresenceOptions = {
  bus: Bus;
  people: Pick<People, 'find' | 'all' | 'relations' | 'onChange'>;
  /** Names this life of this gateway, of letters, digits, _ and -: another one after each start. */
  instance: string;
  /** 1 on one server, 3 on a cluster. */
  replicas: number;
  now: () => number;
  log: Logger;
  timing: PresenceTiming;
};

/** More at once would only make longer turns of the event loop. */
const maxInFlight = 16;
/** The bucket of those last seen is on the disk that alerts are written to, and nobody waits for it. */
const maxLastSeenInFlight = 4;
const stopWithinMs = 2_000;
const maxDeparturesAtOnce = 1_000;

/** What was asked over a connection that was closed meanwhile is never answered; whoever stops does not wait for it. */
async function inTime(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, stopWithinMs)));
  await Promise.race([work.catch(() => {}), timeout]);
  clearTimeout(timer);
}

/** @throws when NATS denies this user the buckets */
export async function createPresence(options: PresenceOptions): Promise<Presence> {
  const { bus, people, instance, replicas, now, log, timing } = options;
  const elapsed = (): number => performance.now();
  const bucket = openPresenceBucket(bus);
  const gateways = createGateways({ instance, deadAfterMs: timing.deadAfterMs, elapsed });
  const sweepMs = Math.max(20, Math.min(500, timing.graceMs / 4, timing.deadAfterMs / 4));
  let isStopping = false;

  const roster = createRoster({
    graceMs: timing.graceMs,
    now,
    elapsed,
    onChanged: (key) => rooms.changed(key),
    onDeparted(departure) {
      // His gateway remembers it, or where that is gone, one of those that are left.
      const isOurs = gateways.isLive(departure.instance) ? departure.instance === instance : gateways.isFirst();
      if (isOurs) lastSeenWriter.touch(departure.key);
    },
  });
  const rooms = createPresenceRooms({ people, roster, now, gatherMs: timing.gatherMs, instance });
  const own = createOwnDevices({
    now,
    findDevice: roster.findDevice,
    onChanged(key) {
      roster.put(instance, key, own.devicesOf(key));
      writer.touch(key);
    },
  });
  const writer = createKeyWriter({
    write: (key) => bucket.putDevices(instance, key, own.devicesOf(key)),
    restMs: timing.restMs,
    maxInFlight,
  });
  const lastSeenWriter = createKeyWriter({
    write: (key) => bucket.putLastSeen(key, roster.lastSeen(key) ?? now()),
    restMs: timing.restMs,
    maxInFlight: maxLastSeenInFlight,
  });
  const writeAnew = (): void => {
    for (const key of own.keys()) writer.touch(key);
  };
  let round = own.keys();
  /** A few at each look, so that each entry is written again long before it goes by age. */
  const writeSomeAnew = (): void => {
    for (let few = Math.ceil((own.size() * sweepMs) / timing.writeAgainMs); few > 0; few--) {
      const next = round.next();
      if (next.done === true) {
        round = own.keys();
        return;
      }
      writer.touch(next.value);
    }
  };
  const heartbeat = createHeartbeat({
    everyMs: timing.heartbeatMs,
    // Others may have thought us dead, and have removed what we had written.
    lateAfterMs: timing.deadAfterMs / 2,
    beat: (n) => bucket.beat(instance, n, now()),
    repair: () => provisionPresence(bus, { replicas }),
    onMended: writeAnew,
    isConnected: bus.isConnected,
  });

  const lastHeardAt = (other: string): number => gateways.lastHeartbeatAt(other) ?? now();
  let isCaughtUp = false;
  const onBuried = (gone: string, at: number): void => {
    // Whom we meet at our start may have been gone for long.
    const isLate = !isCaughtUp && now() - at > timing.graceMs;
    roster.removeGateway(gone, at, isLate ? 'at once' : 'after grace');
    gateways.forget(gone);
  };

  const burying = new Set<string>();
  const bury = (dead: string): void => {
    if (burying.has(dead)) return;
    burying.add(dead);
    // Told to ourselves as well, which ends it; a failure is tried again at the next look.
    void bucket
      .bury(dead, lastHeardAt(dead))
      .catch(() => {})
      .then(() => burying.delete(dead));
  };
  const heard = (other: string, at?: number): void => {
    if (!gateways.heard(other, at)) return;
    // We have dropped its people. It writes them anew when it hears that it was taken for dead.
    log.warn({ gateway: other }, 'a gateway that was silent is back');
    bury(other);
  };

  const onEntry = (entry: Entry): void => {
    const said = readPresenceEntry(entry);
    if (said?.kind === 'set') return own.setAll(said.key, said.entry);
    if (said === undefined) return undefined;
    const hasEnded = said.kind === 'heartbeat' && said.hasEnded;
    if (said.instance === instance) {
      if (hasEnded && !isStopping) heartbeat.restore();
      return undefined;
    }
    if (hasEnded) return onBuried(said.instance, said.at ?? lastHeardAt(said.instance));
    heard(said.instance, said.kind === 'heartbeat' ? said.at : undefined);
    if (said.kind === 'devices') roster.put(said.instance, said.key, said.devices);
    return undefined;
  };
  /** The others are saying everything anew, as we do; until then their people linger. */
  const onAnew = (): void => {
    for (const other of gateways.known()) {
      roster.removeGateway(other, lastHeardAt(other), 'after grace');
      gateways.forget(other);
    }
    heartbeat.restore();
  };
  const onLastSeen = ({ key, value }: Entry): void => {
    const at = readLastSeen(value);
    if (at !== undefined) roster.rememberLastSeen(key, at);
  };
  /** What it held is known here. */
  const onLastSeenAnew = (): void => {
    if (gateways.isFirst()) for (const key of roster.everSeen()) lastSeenWriter.touch(key);
  };

  await provisionPresence(bus, { replicas });
  const lastSeenWatch = await watchEntries(bus, lastSeenBucket, { onEntry: onLastSeen, onAnew: onLastSeenAnew });
  const watch = await watchEntries(bus, presenceBucket, { onEntry, onAnew });
  isCaughtUp = true;

  let sweptAt = elapsed();
  /** When thousands go together they go bit by bit, and others are served in between. */
  const endLingering = (): void => {
    if (roster.sweep(maxDeparturesAtOnce)) setImmediate(endLingering);
  };
  const sweep = (): void => {
    const isLate = elapsed() - sweptAt > timing.deadAfterMs / 2;
    sweptAt = elapsed();
    own.sweep();
    endLingering();
    writeSomeAnew();
    if (isLate || !bus.isConnected()) gateways.startAnew();
    for (const dead of gateways.takeDead()) {
      log.warn({ gateway: dead }, 'a gateway is silent: its people count as gone');
      roster.removeGateway(dead, lastHeardAt(dead), 'after grace');
    }
    if (gateways.isFirst()) gateways.unburied().forEach(bury);
  };
  const sweeping = setInterval(sweep, sweepMs).unref();
  const stops = [
    () => clearInterval(sweeping),
    people.onChange(({ hospital, person }) => rooms.personChanged(hospital, person)),
    bus.onReconnect(heartbeat.restore),
    () => watch.stop(),
    () => lastSeenWatch.stop(),
    () => rooms.stop(),
  ];
  heartbeat.start();

  /** With nobody left to see them go, their going is remembered now. */
  const rememberAll = (): void => {
    for (const { key, at } of roster.departuresOf(instance)) {
      roster.rememberLastSeen(key, at);
      lastSeenWriter.touch(key);
    }
  };

  return {
    arrive(who, connection) {
      if (!who.roles.some((role) => presentRoles.includes(role))) return;
      own.arrive(personKey(who.hospital, who.person), connection);
    },
    leave: (who, connection) => own.leave(personKey(who.hospital, who.person), connection),
    call: createPresenceCalls({
      people,
      roster,
      own,
      rooms,
      now,
      announce: (key, { state, until }) =>
        bucket.putWord(key, { state, at: now(), ...(until === undefined ? {} : { until }) }),
    }),
    openRoom: (name, who) => rooms.open(name, who),
    counts: () => ({
      people: roster.size(),
      gateways: gateways.others(),
      ...rooms.counts(),
      pending: writer.pending() + lastSeenWriter.pending(),
    }),
    async stop() {
      isStopping = true;
      if (gateways.others() === 0) rememberAll();
      for (const stop of stops) stop();
      const written = [writer.stop(stopWithinMs), lastSeenWriter.stop(stopWithinMs), inTime(heartbeat.stop())];
      await Promise.all(written);
      if (bus.isConnected()) await inTime(bucket.bury(instance, now()));
    },
  };
}
