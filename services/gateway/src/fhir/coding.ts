/** What a CodeableConcept means: a vital sign, a panel, or why it means nothing to us. */
import {
  companionCodes,
  heartRateLoinc,
  loincCodes,
  loincProblem,
  loincSystem,
  panelCodes,
  type VitalCode,
} from '@carillon/contracts/fhir';
import type { NumericVital } from '@carillon/contracts/vital-signs';
import { isRecord, type Report } from './element.ts';

export type Meaning =
  | { kind: 'vital'; vital: NumericVital; units: readonly string[] | undefined }
  | { kind: 'panel'; panel: string }
  /** Nothing that we record. */
  | { kind: 'other'; code: 'no_loinc' | 'unknown_vital'; text: string };

const tableOf = (codes: readonly VitalCode[]): ReadonlyMap<string, VitalCode> =>
  new Map(codes.map((known) => [`${known.system}|${known.code}`, known]));
const known = tableOf([...loincCodes, ...companionCodes]);
const vitalByLoinc = tableOf(loincCodes);

type Coding = { system: string | undefined; code: string; at: string };

function readCodings(concept: unknown, at: string, report: Report): Coding[] | undefined {
  if (concept === undefined) return report('missing', at);
  if (!isRecord(concept)) return report('bad_element', at, 'Expected a CodeableConcept');
  const { coding = [] } = concept;
  if (!Array.isArray(coding)) return report('bad_element', `${at}.coding`, 'Expected a list');
  const read: Coding[] = [];
  for (const [index, each] of coding.entries()) {
    const place = `${at}.coding[${index}]`;
    if (!isRecord(each)) return report('bad_element', place, 'Expected a Coding');
    const { system, code } = each;
    if (system !== undefined && typeof system !== 'string') {
      return report('bad_element', `${place}.system`, 'Expected a text');
    }
    if (code !== undefined && typeof code !== 'string') {
      return report('bad_element', `${place}.code`, 'Expected a text');
    }
    if (code !== undefined) read.push({ system, code, at: place });
  }
  return read;
}

/** A pulse is an 8867-4 like every heart rate; a coding beside it says which of the two it is. */
function mergePulse(codings: readonly Coding[], vitals: Set<NumericVital>): void {
  const heartRateCodes = codings.filter(({ system, code }) => known.get(`${system}|${code}`)?.vital === 'heartRate');
  const isGeneric = heartRateCodes.every(({ system, code }) => system === loincSystem && code === heartRateLoinc);
  if (vitals.has('pulse') && isGeneric) vitals.delete('heartRate');
}

/** Codes in a message. */
const maxNamed = 5;

/** @returns undefined where something is wrong, which was reported then */
export function readMeaning(concept: unknown, at: string, report: Report): Meaning | undefined {
  const codings = readCodings(concept, at, report);
  if (codings === undefined) return undefined;
  const loincs = codings.filter(({ system }) => system === loincSystem);
  if (loincs.length === 0) return { kind: 'other', code: 'no_loinc', text: `Expected a coding of ${loincSystem}` };
  const impossible = loincs.flatMap(({ code, at: place }) => {
    const problem = loincProblem(code);
    return problem === undefined ? [] : [{ place, problem }];
  });
  for (const { place, problem } of impossible) report('bad_loinc', `${place}.code`, problem);
  if (impossible.length > 0) return undefined;

  const panels = new Set(loincs.map(({ code }) => code).filter((code) => panelCodes.includes(code)));
  const isNamed = loincs.some(({ system, code }) => vitalByLoinc.has(`${system}|${code}`));
  const meant = codings.flatMap(({ system, code }) => known.get(`${system}|${code}`) ?? []);
  const vitals = new Set(meant.map(({ vital }) => vital));
  mergePulse(codings, vitals);
  if (panels.size + vitals.size > 1) {
    return report('conflicting_codes', at, `The codings mean ${[...panels, ...vitals].join(' and ')}`);
  }
  const [panel] = panels;
  if (panel !== undefined) return { kind: 'panel', panel };
  const [vital] = vitals;
  if (vital === undefined || !isNamed) {
    const given = loincs.slice(0, maxNamed).map(({ code }) => code);
    return { kind: 'other', code: 'unknown_vital', text: `Not a vital sign that we know: ${given.join(', ')}` };
  }
  const bound = meant.filter(({ units }) => units !== undefined).flatMap(({ units }) => units ?? []);
  return { kind: 'vital', vital, units: bound.length === 0 ? undefined : bound };
}
