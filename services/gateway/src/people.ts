/** The gateway's view of the directory: one entry a person, in memory, kept by a watch. A check is a look-up. */
import { personEntrySchema, type PersonEntry } from '@carillon/contracts/directory';
import type { Relations } from '@carillon/contracts/permission';
import { validate } from '@carillon/contracts/schema';
import { peopleBucket } from '@carillon/contracts/streams';
import type { Bus } from '@carillon/bus/connection';
import { watchBucket } from '@carillon/bus/key-value';
import { decode } from '@carillon/bus/request';
import type { Logger } from '@carillon/runtime/log';

export type People = {
  find(hospital: string, person: string): PersonEntry | undefined;
  /** Of every hospital; for the list of demo people. */
  all(): PersonEntry[];
  relations(hospital: string): Relations;
  stop(): void;
};

const none: ReadonlySet<string> = new Set();

/** One entry that is no JSON must not end the watch, and with it the gateway. */
function parse(value: Uint8Array): unknown {
  try {
    return decode(value);
  } catch {
    return undefined;
  }
}

export async function watchPeople(bus: Bus, log: Logger): Promise<People> {
  const entries = new Map<string, PersonEntry>();
  const watch = await watchBucket(bus, peopleBucket, ({ key, value }) => {
    if (value === undefined) {
      entries.delete(key);
      return;
    }
    const entry = validate(personEntrySchema, parse(value));
    if (!entry.ok) log.error({ key }, 'an entry of the directory breaks its contract');
    else if (entry.value.version >= (entries.get(key)?.version ?? 0)) entries.set(key, entry.value);
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
    }),
    stop: watch.stop,
  };
}
