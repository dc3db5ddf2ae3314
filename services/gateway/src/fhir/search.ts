/** Answers a search with pages of `vitals:list`: moment by moment, so that the parts of a blood pressure meet. */
import type { Actor, InputOf, ResultOf } from '@carillon/contracts/define';
import { bloodPressureParts } from '@carillon/contracts/fhir';
import { listVitals } from '@carillon/contracts/monitoring';
import type { NumericVital } from '@carillon/contracts/vital-signs';
import type { Caller } from '../calls.ts';
import {
  groupMoment,
  isNumeric,
  toObservation,
  type Group,
  type NumericReading,
  type Wanted,
} from './observation-out.ts';
import { operationOutcome } from './outcome.ts';
import { everything, writeCursor, type Search } from './search-parameters.ts';

export type Searching = { actor: Actor; caller: Caller; traceparent: string; base: string };

const isoOf = (ms: number): string => new Date(ms).toISOString();
/** `vitals:list` gives more, though with the longest ids more would not fit into one answer. */
const maxPage = 1_500;

/** One sequence for all vital signs, or one for each that is wanted: long histories of others are not read through. */
function vitalsToAsk(wanted: Wanted): (NumericVital | undefined)[] {
  if (wanted === everything) return [undefined];
  return [...new Set([...wanted.vitals, ...(wanted.isPanelWanted ? bloodPressureParts : [])])];
}

async function* readingsOf(search: Search, vital: NumericVital | undefined, searching: Searching) {
  // Of everything, an observation may take as many readings as a blood pressure has parts.
  const readings = vital === undefined ? bloodPressureParts.length : 1;
  const limit = Math.min(maxPage, readings * (search.count + 1));
  let cursor: string | undefined;
  do {
    const data: InputOf<typeof listVitals> = {
      patientId: search.patientId,
      from: isoOf(search.fromMs),
      to: isoOf(search.toMs),
      limit,
      ...(vital === undefined ? {} : { vital }),
      ...(cursor === undefined ? {} : { cursor }),
    };
    const { actor, caller, traceparent } = searching;
    const answer = await caller.call({ actor, operation: listVitals.name, data, key: undefined, traceparent });
    if (!('data' in answer)) throw new Error('a query was accepted as if it were a command');
    const page = answer.data as ResultOf<typeof listVitals>;
    for (const item of page.items) if (isNumeric(item)) yield item;
    cursor = page.next;
  } while (cursor !== undefined);
}

/** Merges sequences that are each in order of time, and gives the readings of one moment together. */
async function* momentsOf(sources: readonly AsyncGenerator<NumericReading>[]) {
  const heads = await Promise.all(sources.map(async (source) => ({ source, next: await source.next() })));
  for (;;) {
    const times = heads.flatMap(({ next }) => (next.done === true ? [] : [next.value.measuredAt]));
    const [first] = times.sort();
    if (first === undefined) return;
    const readings: NumericReading[] = [];
    for (const head of heads) {
      while (head.next.done !== true && head.next.value.measuredAt === first) {
        readings.push(head.next.value);
        head.next = await head.source.next();
      }
    }
    yield { measuredAt: first, readings };
  }
}

type Found = { group: Group; atMs: number };

async function findGroups(search: Search, searching: Searching): Promise<{ found: Found[]; hasMore: boolean }> {
  const { wanted, after, count } = search;
  // The page before ended within a moment: that moment is read again, and what was given out is left out.
  const fromMs = after === undefined ? search.fromMs : Math.min(Math.max(search.fromMs, after.atMs), search.toMs);
  const asked = vitalsToAsk(wanted);
  const isNothing = asked.length === 0;
  // A code that nothing carries, and a category that nothing is of, find nothing, but only for who may look.
  const span = isNothing ? { fromMs, toMs: fromMs } : { fromMs };
  const sources = (isNothing ? [undefined] : asked).map((vital) =>
    readingsOf({ ...search, ...span }, vital, searching),
  );
  const found: Found[] = [];
  for await (const { measuredAt, readings } of momentsOf(sources)) {
    const atMs = Date.parse(measuredAt);
    for (const group of groupMoment(readings, wanted)) {
      if (after !== undefined && atMs === after.atMs && group.key <= after.key) continue;
      if (found.length === count) return { found, hasMore: true };
      found.push({ group, atMs });
    }
  }
  return { found, hasMore: false };
}

const addressOf = (base: string, parameters: readonly (readonly [string, string])[]): string =>
  `${base}?${new URLSearchParams(parameters.map(([name, value]): [string, string] => [name, value])).toString()}`;

/** @throws CodedError as `vitals:list` does */
export async function searchObservations(search: Search, searching: Searching): Promise<Record<string, unknown>> {
  const { found, hasMore } = await findGroups(search, searching);
  const owner = { hospital: searching.actor.hospital, patientId: search.patientId };
  const last = found.at(-1);
  const link = [{ relation: 'self', url: addressOf(searching.base, search.understood) }];
  if (hasMore && last !== undefined) {
    const rest = search.understood.filter(([name]) => name !== 'cursor');
    const cursor = writeCursor({ atMs: last.atMs, key: last.group.key });
    link.push({ relation: 'next', url: addressOf(searching.base, [...rest, ['cursor', cursor]]) });
  }
  const matches = found.map(({ group }) => {
    const resource = toObservation(owner, group);
    return { fullUrl: `urn:uuid:${String(resource['id'])}`, resource, search: { mode: 'match' } };
  });
  const ignored = search.ignored.map((name) => ({
    code: 'unknown_parameter' as const,
    diagnostics: `Ignored: ${name.slice(0, 64)}`,
  }));
  const outcome =
    ignored.length === 0 ? [] : [{ resource: operationOutcome(ignored, 'warning'), search: { mode: 'outcome' } }];
  const entry = [...matches, ...outcome];
  // FHIR allows no empty list.
  return { resourceType: 'Bundle', type: 'searchset', link, ...(entry.length === 0 ? {} : { entry }) };
}
