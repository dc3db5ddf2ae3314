/** Reads the parameters of a search for Observations. Every one is understood, or the search is refused. */
import {
  bloodPressurePanel,
  bloodPressureParts,
  categorySystem,
  companionCodes,
  defaultSearchCount,
  fhirSearchParameters,
  heartRateLoinc,
  loincCodes,
  loincProblem,
  loincSystem,
  maxSearchCount,
} from '@carillon/contracts/fhir';
import { isId } from '@carillon/contracts/schema';
import { vitalSigns, type NumericVital } from '@carillon/contracts/vital-signs';
import { idOfReference } from './element.ts';
import type { Wanted } from './observation-out.ts';
import { refusal, type FhirRefusal } from './outcome.ts';

/** Where the page before ended: its last moment, and the last group of that moment. */
export type Place = { atMs: number; key: string };
export type Search = {
  patientId: string;
  wanted: Wanted;
  /** From, inclusive, to exclusive, in ms since the epoch. */
  fromMs: number;
  toMs: number;
  count: number;
  after: Place | undefined;
  /** What was understood, for the `self` link. */
  understood: [name: string, value: string][];
  /** Parameters that were left out because the client asked for lenient handling. */
  ignored: string[];
};

const bad = (name: string, text: string): FhirRefusal => refusal('bad_parameter', `${name}: ${text}`, `http.${name}`);

const parts: readonly NumericVital[] = bloodPressureParts;
export const everything: Wanted = {
  isPanelWanted: true,
  vitals: new Set((Object.keys(vitalSigns) as NumericVital[]).filter((vital) => !parts.includes(vital))),
};

const nothing: Wanted = { isPanelWanted: false, vitals: new Set() };

function readPatient(name: string, text: string): string {
  const id = isId(text) ? text : idOfReference(text, 'Patient');
  if (id === undefined || !isId(id)) throw bad(name, 'Expected <id> or Patient/<id>, of one patient');
  return id;
}

type Token = { system: string | undefined; code: string };
/** Tokens between commas, which mean or. */
const readTokens = (name: string, text: string): Token[] =>
  text.split(',').map((token) => {
    const bar = token.indexOf('|');
    const code = token.slice(bar + 1);
    if (code === '') throw bad(name, 'Expected <code> or <system>|<code>');
    return { system: bar === -1 ? undefined : token.slice(0, bar), code };
  });

const isCategoryOfAll = (text: string): boolean =>
  readTokens('category', text).some(
    ({ system = categorySystem, code }) => system === categorySystem && code === 'vital-signs',
  );

/** Both search by the same table that observations are read with. A code that nothing carries finds nothing. */
function readCodes(text: string): Wanted {
  const vitals = new Set<NumericVital>();
  let isPanelWanted = false;
  for (const { system, code } of readTokens('code', text)) {
    const isLoinc = system === loincSystem || (system === undefined && /^\d+-\d+$/.test(code));
    const problem = isLoinc ? loincProblem(code) : undefined;
    if (problem !== undefined) throw bad('code', problem);
    const fits = (each: { system: string; code: string }): boolean =>
      each.code === code && (system === undefined || each.system === system);
    if (fits({ system: loincSystem, code: bloodPressurePanel.code })) isPanelWanted = true;
    for (const { vital } of [...loincCodes, ...companionCodes].filter(fits)) vitals.add(vital);
    // A pulse carries the code of the heart rate too.
    if (fits({ system: loincSystem, code: heartRateLoinc })) vitals.add('pulse');
  }
  return { isPanelWanted, vitals };
}

const dateShape =
  /^(eq|ge|gt|le|lt)?(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?)?)?$/;

/** The period that a date of whatever precision stands for: [start, end). Without a zone it is of UTC. */
function readDate(text: string): { prefix: string; startMs: number; endMs: number } {
  // A plus that was not escaped in the address arrives as a space.
  const match = dateShape.exec(text.replace(/ (\d{2}:\d{2})$/, '+$1'));
  if (match === null) throw bad('date', 'Expected a date, or a time with a zone, after one of eq, ge, gt, le, lt');
  const [, prefix = 'eq', year = '', month, day, hour, minute, second, fraction, zone = 'Z'] = match;
  const start = `${year}-${month ?? '01'}-${day ?? '01'}T${hour ?? '00'}:${minute ?? '00'}:${second ?? '00'}${(fraction ?? '').slice(0, 4)}${zone}`;
  const startMs = Date.parse(start);
  const days = new Date(Date.UTC(Number(year), Number(month ?? '01'), 0)).getUTCDate();
  if (Number.isNaN(startMs) || Number(day ?? '01') > days) throw bad('date', 'There is no such date');
  const next = new Date(startMs);
  if (fraction !== undefined) next.setTime(startMs + 1);
  else if (second !== undefined) next.setTime(startMs + 1_000);
  else if (minute !== undefined) next.setTime(startMs + 60_000);
  else if (day !== undefined) next.setUTCDate(next.getUTCDate() + 1);
  else if (month !== undefined) next.setUTCMonth(next.getUTCMonth() + 1);
  else next.setUTCFullYear(next.getUTCFullYear() + 1);
  return { prefix, startMs, endMs: next.getTime() };
}

/** All times that a reading can have; each date cuts away from it. */
const firstMs = 0;
const lastMs = Date.UTC(9999, 11, 31);

function readDates(texts: readonly string[]): { fromMs: number; toMs: number } {
  if (texts.length > 2) throw bad('date', 'At most two');
  let fromMs = firstMs;
  let toMs = lastMs;
  for (const text of texts) {
    const { prefix, startMs, endMs } = readDate(text);
    if (prefix === 'eq' || prefix === 'ge') fromMs = Math.max(fromMs, startMs);
    if (prefix === 'gt') fromMs = Math.max(fromMs, endMs);
    if (prefix === 'eq' || prefix === 'le') toMs = Math.min(toMs, endMs);
    if (prefix === 'lt') toMs = Math.min(toMs, startMs);
  }
  // Nothing lies between: an empty span asks for nothing, and still for the right to ask.
  const from = Math.min(fromMs, lastMs);
  return { fromMs: from, toMs: Math.max(from, toMs) };
}

function readCount(text: string | undefined): number {
  if (text === undefined) return defaultSearchCount;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw bad('_count', `Expected 1 to ${maxSearchCount}`);
  return Math.min(Number(text), maxSearchCount);
}

export const writeCursor = ({ atMs, key }: Place): string => Buffer.from(`${atMs} ${key}`).toString('base64url');
function readCursor(text: string | undefined): Place | undefined {
  if (text === undefined) return undefined;
  const plain = Buffer.from(text, 'base64url').toString();
  const [, at, key] = /^(\d{1,15}) ([A-Za-z0-9-]{1,32} [A-Za-z0-9_-]{0,64})$/.exec(plain) ?? [];
  if (at === undefined || key === undefined || Number(at) > lastMs) {
    throw bad('cursor', 'Expected what a next link says');
  }
  return { atMs: Number(at), key };
}

const once = (name: string, values: readonly string[]): string | undefined => {
  if (values.length > 1) throw bad(name, 'May be given once');
  return values[0];
};

/** Of how the answer is written, not of what is found; `_format` was read before, and no other layout is made. */
const ofAnyRequest: ReadonlySet<string> = new Set(['_format', '_pretty']);

/**
 * A parameter that is ignored would find more than was asked for; so an unknown one is refused, unless the client
 * prefers lenient handling (`Prefer: handling=lenient`), and is then told.
 * @throws FhirRefusal
 */
export function readSearch(query: Readonly<Record<string, unknown>>, isLenient: boolean): Search {
  const values = new Map<string, string[]>();
  const ignored: string[] = [];
  for (const [name, value] of Object.entries(query)) {
    if (ofAnyRequest.has(name)) continue;
    const texts = (Array.isArray(value) ? value : [value]).filter((text) => typeof text === 'string');
    if (Object.hasOwn(fhirSearchParameters, name)) values.set(name, texts);
    else if (isLenient) ignored.push(name);
    else
      throw refusal('unknown_parameter', `No search parameter ${name.slice(0, 64)} here`, `http.${name.slice(0, 64)}`);
  }
  const of = (name: string): string[] => values.get(name) ?? [];
  const patients = ['patient', 'subject'].flatMap((name) => of(name).map((text) => readPatient(name, text)));
  const [patientId] = patients;
  if (patientId === undefined) throw bad('patient', 'Which patient must be said');
  if (patients.some((other) => other !== patientId)) throw bad('patient', 'Only one patient at a time');
  const category = once('category', of('category'));
  const isOurs = category === undefined || isCategoryOfAll(category);
  const code = once('code', of('code'));
  const coded = code === undefined ? everything : readCodes(code);
  const count = readCount(once('_count', of('_count')));
  const cursor = once('cursor', of('cursor'));
  return {
    patientId,
    wanted: isOurs ? coded : nothing,
    ...readDates(of('date')),
    count,
    after: readCursor(cursor),
    understood: [
      ['patient', patientId],
      ...(category === undefined ? [] : [['category', category] as [string, string]]),
      ...(code === undefined ? [] : [['code', code] as [string, string]]),
      ...of('date').map((text): [string, string] => ['date', text]),
      ['_count', String(count)],
      ...(cursor === undefined ? [] : [['cursor', cursor] as [string, string]]),
    ],
    ignored,
  };
}
