/** Observations and Bundles into INTAKE, by the path that `POST /v1/vitals` takes. */
import type { VitalItemErrorCode } from '@carillon/contracts/errors';
import { fhirIssues, maxBundleEntries, type FhirIssueCode } from '@carillon/contracts/fhir';
import type { Reading } from '@carillon/contracts/monitoring';
import type { Bus } from '@carillon/bus/connection';
import { assertMayRecord, isReading, judgeItem, storeTaken, type Judging, type Taken } from '../vital-intake.ts';
import { createReport, isRecord } from './element.ts';
import { readObservation, type PlacedItem } from './observation-in.ts';
import {
  FhirRefusal,
  issueOf,
  operationOutcome,
  refusal,
  statusOf,
  type Issue,
  type OperationOutcome,
} from './outcome.ts';

/** The token of the source in the subject of INTAKE. */
const source = 'fhir';

export type Taking = Judging & { bus: Bus; traceparent: string };
/** What becomes of one Observation: all of its readings, or what is wrong with it. */
type Judged = { taken: Taken[]; notes: Issue[] } | { problems: readonly Issue[] };

const issueOfItem: Readonly<Record<VitalItemErrorCode, { code: FhirIssueCode; place: string }>> = {
  unknown_patient: { code: 'unknown_patient', place: '.subject' },
  unknown_vital: { code: 'unknown_vital', place: '.code' },
  bad_unit: { code: 'bad_unit', place: '.value.code' },
  impossible_value: { code: 'impossible_value', place: '.value.value' },
  bad_time: { code: 'bad_time', place: '.effective' },
  bad_input: { code: 'bad_input', place: '' },
};

function describe({ item: { vital, value, unit } }: PlacedItem, reading: Reading): string {
  const device = reading.deviceId === null ? '' : ` by ${reading.deviceId}`;
  return `${vital} ${value} ${unit ?? ''} of ${new Date(reading.measuredAt).toISOString()}${device}`;
}

export function judgeObservation(resource: unknown, judging: Judging, at = 'Observation'): Judged {
  const { items, problems, notes } = readObservation(resource, at);
  if (problems.length > 0) return { problems };
  const wrong: Issue[] = [];
  const report = createReport(wrong);
  const taken: Taken[] = [];
  for (const placed of items) {
    const judged = judgeItem(placed.item, { ...judging, isTimeStated: true });
    if ('code' in judged) {
      const { code, place } = issueOfItem[judged.code];
      const isOfAll = place === '.subject' || place === '.effective';
      report(code, `${isOfAll ? at : placed.at}${place}`, judged.message);
      // The patient is the same for all.
      if (isOfAll) break;
      continue;
    }
    taken.push(judged.taken);
    // Its absence is noted already.
    if (!isReading(judged.taken)) continue;
    notes.push({ code: 'taken', expression: placed.at, diagnostics: describe(placed, judged.taken) });
    if (judged.taken.quality === 'suspect') notes.push({ code: 'suspect', expression: placed.at });
  }
  return wrong.length > 0 ? { problems: wrong } : { taken, notes };
}

/** @throws FhirRefusal; CodedError `forbidden` */
export async function takeObservation(resource: unknown, taking: Taking): Promise<OperationOutcome> {
  assertMayRecord(taking.actor);
  const judged = judgeObservation(resource, taking);
  if ('problems' in judged) throw new FhirRefusal(judged.problems);
  const failed = await storeTaken(taking.bus, judged.taken, { ...taking, source });
  for (const error of failed.values()) throw error;
  return operationOutcome(judged.notes);
}

const statusTexts: Readonly<Record<number, string>> = {
  201: 'Created',
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Payload Too Large',
  422: 'Unprocessable Entity',
  503: 'Service Unavailable',
};
const statusLine = (status: number): string => `${status} ${statusTexts[status] ?? 'Error'}`;

/** What the entry itself is refused for, before its resource is looked at. */
function entryProblem(entry: unknown): { code: FhirIssueCode; place: string; text: string } | undefined {
  if (!isRecord(entry)) return { code: 'bad_element', place: '', text: 'Expected an entry' };
  if (entry['modifierExtension'] !== undefined) {
    return { code: 'not_understood', place: '.modifierExtension', text: fhirIssues.not_understood.description };
  }
  const { request, resource } = entry;
  if (request === undefined) return { code: 'missing', place: '.request', text: 'Expected POST Observation' };
  if (!isRecord(request)) return { code: 'bad_element', place: '.request', text: 'Expected POST Observation' };
  const { method, url, ifNoneExist } = request;
  if (typeof method !== 'string') return { code: 'missing', place: '.request.method', text: 'Expected POST' };
  if (typeof url !== 'string') return { code: 'missing', place: '.request.url', text: 'Expected Observation' };
  if (method !== 'POST') return { code: 'bad_method', place: '.request.method', text: 'Only POST is taken' };
  if (url !== 'Observation') {
    return { code: 'unknown_interaction', place: '.request.url', text: 'Only Observation is taken' };
  }
  if (ifNoneExist !== undefined) {
    return { code: 'conditional', place: '.request.ifNoneExist', text: fhirIssues.conditional.description };
  }
  if (resource === undefined) return { code: 'missing', place: '.resource', text: 'Expected an Observation' };
  return undefined;
}

/** @param at places of issues: from the Bundle for a transaction, from the resource for an entry's own outcome */
function judgeEntry(entry: unknown, judging: Judging, at: { entry: string; resource: string }): Judged {
  const problem = entryProblem(entry);
  if (problem !== undefined) {
    const { code, place, text } = problem;
    return { problems: [{ code, expression: `${at.entry}${place}`, diagnostics: text }] };
  }
  return judgeObservation((entry as { resource: unknown }).resource, judging, at.resource);
}

function readBundle(bundle: unknown): { type: 'batch' | 'transaction'; entries: readonly unknown[] } {
  if (!isRecord(bundle) || bundle['resourceType'] !== 'Bundle') {
    throw refusal('bad_resource', 'Expected a resource of type Bundle', 'Bundle');
  }
  const { type, entry } = bundle;
  if (type === undefined) throw refusal('missing', undefined, 'Bundle.type');
  if (type !== 'batch' && type !== 'transaction') throw refusal('bad_bundle', undefined, 'Bundle.type');
  if (bundle['implicitRules'] !== undefined) throw refusal('not_understood', undefined, 'Bundle.implicitRules');
  if (entry === undefined) throw refusal('missing', `Expected 1 to ${maxBundleEntries} entries`, 'Bundle.entry');
  if (!Array.isArray(entry) || entry.length === 0) throw refusal('bad_element', 'Expected a list', 'Bundle.entry');
  if (entry.length > maxBundleEntries) {
    throw refusal(
      'too_large',
      `${entry.length} entries; at most ${maxBundleEntries} fit in one Bundle`,
      'Bundle.entry',
    );
  }
  return { type, entries: entry };
}

type ResponseEntry = { response: { status: string; outcome: OperationOutcome } };
export type ResponseBundle = {
  resourceType: 'Bundle';
  type: 'batch-response' | 'transaction-response';
  entry: ResponseEntry[];
};
const created = (notes: readonly Issue[]): ResponseEntry => ({
  response: { status: statusLine(201), outcome: operationOutcome(notes) },
});
const refused = (issues: readonly Issue[]): ResponseEntry => ({
  response: { status: statusLine(statusOf(issues)), outcome: operationOutcome(issues) },
});

async function takeBatch(entries: readonly unknown[], taking: Taking): Promise<ResponseBundle> {
  const judged = entries.map((entry, index) =>
    judgeEntry(entry, taking, { entry: `Bundle.entry[${index}]`, resource: 'Observation' }),
  );
  const all = judged.flatMap((each) => ('taken' in each ? each.taken : []));
  const failed = await storeTaken(taking.bus, all, { ...taking, source });
  // Nothing at all was stored: senders that look at no entry must hear it too.
  const [error] = failed.values();
  if (error !== undefined && failed.size === all.length) throw error;
  return {
    resourceType: 'Bundle',
    type: 'batch-response',
    entry: judged.map((each) => {
      if ('problems' in each) return refused(each.problems);
      const [reason] = each.taken.flatMap((one) => failed.get(one) ?? []);
      return reason === undefined ? created(each.notes) : refused([issueOf(reason)]);
    }),
  };
}

/** An entry's 404 or 405 would say of the Bundle that there is no such place, or no POST to it. */
const statusOfWhole = (problems: readonly Issue[]): number =>
  statusOf(problems) === fhirIssues.bad_element.status ? fhirIssues.bad_element.status : fhirIssues.bad_bundle.status;

/** Of a thousand bad entries each is named, though not all that is wrong with each. */
const issuesOfEntry = 5;

/**
 * All are judged before anything is stored. Up to a thousand readings of one partition are one message, stored or not;
 * of several messages some may be stored when the answer is `unavailable`: then the same again completes it.
 */
async function takeTransaction(entries: readonly unknown[], taking: Taking): Promise<ResponseBundle> {
  const judged = entries.map((entry, index) => {
    const at = `Bundle.entry[${index}]`;
    return judgeEntry(entry, taking, { entry: at, resource: `${at}.resource` });
  });
  const problems = judged.flatMap((each) => ('problems' in each ? each.problems.slice(0, issuesOfEntry) : []));
  if (problems.length > 0) throw new FhirRefusal(problems, statusOfWhole(problems));
  const all = judged.flatMap((each) => ('taken' in each ? each.taken : []));
  const failed = await storeTaken(taking.bus, all, { ...taking, source });
  for (const error of failed.values()) throw error;
  return {
    resourceType: 'Bundle',
    type: 'transaction-response',
    entry: judged.map((each) => created('notes' in each ? each.notes : [])),
  };
}

/** @throws FhirRefusal; CodedError `forbidden`; `unavailable` when nothing was stored, or not all of a transaction */
export async function takeBundle(bundle: unknown, taking: Taking): Promise<ResponseBundle> {
  assertMayRecord(taking.actor);
  const { type, entries } = readBundle(bundle);
  return type === 'batch' ? takeBatch(entries, taking) : takeTransaction(entries, taking);
}
