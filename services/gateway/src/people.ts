/** The gateway's view of the directory: one entry a person, in memory, kept by a watch. A check is a look-up. */
import { personEntrySchema, type PersonEntry } from '@carillon/contracts/directory';
import type { Relations } from '@carillon/contracts/permission';
import { validate } from '@carillon/contracts/schema';
import { peopleBucket } from '@carillon/contracts/streams';
import type { Bus } from '@carillon/bus/connection';
import { watchBucket } from '@carillon/bus/key-value';
import { decode } from '@carillon/bus/request';
import type { Logger } from '@carillon/runtime/log';

/** Whose entry is another one, is gone, or has lost break-glass access by its time. */
export type PersonChange = { hospital: string; person: string };

type Placed = { wardId: string | undefined; heardAt: number };

export type People = {
  find(hospital: string, person: string): PersonEntry | undefined;
  /** Of every hospital; for the list of demo people. */
  all(): PersonEntry[];
  relations(hospital: string): Relations;
  /** In which ward somebody lies, and when (ms since the epoch) this gateway heard of it. */
  placementOf(hospital: string, person: string): Placed | undefined;
  /** Called for each change, when `find` and `relations` say it already. @returns how to stop that */
  onChange(listener: (change: PersonChange) => void): () => void;
  /** False from the loss of the connection until everything was seen that happened meanwhile. */
  isCaughtUp(): boolean;
  /** @returns how to stop that */
  onCaughtUp(listener: () => void): () => void;
  stop(): void;
};

const none: ReadonlySet<string> = new Set();
/** The longest that a timer can wait. */
const longestMs = 2 ** 31 - 1;

/** One entry that is no JSON must not end the watch, and with it the gateway. */
export function parseEntry(value: Uint8Array): unknown {
  try {
    return decode(value);
  } catch {
    return undefined;
  }
}

const endsOf = ({ breakGlass = [] }: PersonEntry): number[] => breakGlass.map(({ until }) => Date.parse(until));

export async function watchPeople(bus: Bus, log: Logger, now: () => number = Date.now): Promise<People> {
  const entries = new Map<string, PersonEntry>();
  const listeners = new Set<(change: PersonChange) => void>();
  const timers = new Map<string, NodeJS.Timeout>();
  /** Of patients; told again, a placement is as old as before. */
  const placed = new Map<string, Placed>();
  const notePlacement = (key: string, entry: PersonEntry | undefined): void => {
    if (entry?.roles.includes('patient') !== true) return void placed.delete(key);
    const wardId = entry.placement?.wardId;
    const known = placed.get(key);
    if (known === undefined || known.wardId !== wardId) placed.set(key, { wardId, heardAt: now() });
  };
  const tell = (key: string): void => {
    const [hospital = '', person = ''] = key.split('.');
    for (const listener of listeners) listener({ hospital, person });
  };
  /** The directory ends it, too; but nobody waits for the news where the time is known. */
  const awaitEnd = (key: string): void => {
    clearTimeout(timers.get(key));
    timers.delete(key);
    const entry = entries.get(key);
    const at = now();
    const ends = entry === undefined ? [] : endsOf(entry).filter((end) => end > at);
    if (ends.length === 0) return;
    const end = Math.min(...ends);
    const timer = setTimeout(
      () => {
        awaitEnd(key);
        if (end <= now()) tell(key);
      },
      Math.min(end - at, longestMs),
    );
    timers.set(key, timer.unref());
  };

  const watch = await watchBucket(bus, peopleBucket, ({ key, value, revision }) => {
    if (value === undefined) entries.delete(key);
    else {
      const entry = validate(personEntrySchema, parseEntry(value));
      // The key names a person, and a log names nobody.
      if (!entry.ok) return log.error({ revision }, 'an entry of the directory breaks its contract');
      if (entry.value.version < (entries.get(key)?.version ?? 0)) return undefined;
      entries.set(key, entry.value);
    }
    notePlacement(key, entries.get(key));
    awaitEnd(key);
    return tell(key);
  });
  const find = (hospital: string, person: string): PersonEntry | undefined => entries.get(`${hospital}.${person}`);
  return {
    find,
    all: () => [...entries.values()],
    relations: (hospital) => ({
      wardsOf: (person) => new Set(find(hospital, person)?.wards),
      wardOfPatient: (patientId) => find(hospital, patientId)?.placement?.wardId,
      patientsCaredForBy: (person) => {
        const caredFor = find(hospital, person)?.caregiverOf;
        return caredFor === undefined ? none : new Set(caredFor);
      },
      brokenGlassOf: (person) => {
        const broken = find(hospital, person)?.breakGlass;
        if (broken === undefined) return none;
        const at = now();
        return new Set(broken.filter(({ until }) => Date.parse(until) > at).map(({ patientId }) => patientId));
      },
    }),
    placementOf: (hospital, person) => placed.get(`${hospital}.${person}`),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    isCaughtUp: watch.isCaughtUp,
    onCaughtUp: watch.onCaughtUp,
    stop() {
      watch.stop();
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}
