import {
  calculateNews2 as calculateContract,
  getPatientStatus as patientStatusContract,
  getWardStatus as wardStatusContract,
  listVitals as listContract,
} from '@carillon/contracts/monitoring';
import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { badInput } from '@carillon/contracts/errors';
import { parseInstant } from '@carillon/contracts/schema';
import type { Sql } from '@carillon/database/database';
import { assertPermitted, findPatientsOfWard } from '@carillon/runtime/directory-projection';
import type { QueryWork } from '@carillon/runtime/queries';
import { scoreNews2 } from '../domain/news2.ts';
import { withheldAt } from '../domain/decisions.ts';
import { activeConditions, emptyPatientState } from '../domain/patient-state.ts';
import { troubledSignals } from '../domain/signal-part.ts';
import { longestValidityMs, scoreValidUntilMs, scoredVitals } from '../domain/score-input.ts';
import { findCharted, findScored, type ChartedRow } from '../store-scores.ts';
import { findMonitors, findNewestVitals, listVitals as selectVitals, type VitalPlace } from '../store.ts';

const defaultSpanMs = 3_600_000;

function decodeCursor(cursor: string | undefined): VitalPlace | undefined {
  if (cursor === undefined) return undefined;
  const [measuredAt, vital, deviceId = ''] = Buffer.from(cursor, 'base64url').toString().split(' ');
  if (vital === undefined || Number.isNaN(new Date(Number(measuredAt)).getTime())) {
    throw badInput([{ path: 'cursor', message: 'Not a cursor of this list' }]);
  }
  return { measuredAt: Number(measuredAt), vital, deviceId };
}

export async function listVitals(
  { sql, actor, now }: QueryWork,
  input: InputOf<typeof listContract>,
): Promise<ResultOf<typeof listContract>> {
  await assertPermitted(sql, listContract.allow, { actor, now }, input);
  const to = input.to === undefined ? now + 1 : (parseInstant(input.to) ?? now);
  const from = input.from === undefined ? to - defaultSpanMs : (parseInstant(input.from) ?? now);
  if (from > to) throw badInput([{ path: 'from', message: 'Must not be later than `to`' }]);
  const limit = input.limit ?? 1000;
  const { patientId, vital } = input;
  const found = await selectVitals(sql, {
    hospital: actor.hospital,
    patientId,
    vital,
    from,
    to,
    after: decodeCursor(input.cursor),
    limit: limit + 1,
  });
  const items = found.slice(0, limit);
  const last = items.at(-1);
  if (found.length <= limit || last === undefined) return { items };
  const next = `${Date.parse(last.measuredAt)} ${last.vital} ${last.deviceId ?? ''}`;
  return { items, next: Buffer.from(next).toString('base64url') };
}

type Status = ResultOf<typeof patientStatusContract>;

/** Of each patient in the order given. */
export async function statusOf(
  sql: Sql,
  { hospital, now }: { hospital: string; now: number },
  patientIds: readonly string[],
): Promise<Status[]> {
  const monitors = new Map((await findMonitors(sql, hospital, patientIds)).map((row) => [row.patientId, row]));
  const vitals = await findNewestVitals(sql, { hospital, now }, patientIds);
  const scored = await findScored(sql, hospital, patientIds);
  const charted = await findCharted(sql, hospital, patientIds, {
    vitals: scoredVitals,
    sinceMs: now - longestValidityMs,
  });
  return patientIds.map((patientId) => {
    const { version = 0, state = emptyPatientState } = monitors.get(patientId) ?? {};
    // By now and not by the last sample: a patient's age may have become known since.
    const withheld = withheldAt(scored.get(patientId) ?? { decisions: [] }, now);
    const status = {
      patientId,
      version,
      vitals: vitals.get(patientId) ?? [],
      charted: charted.filter((row) => row.patientId === patientId).flatMap((row) => toCharted(row, now)),
      conditions: activeConditions(state),
      signals: troubledSignals(state),
    };
    if (withheld !== undefined) return { ...status, withheld, score: null };
    if (state.score === undefined) return { ...status, score: null };
    const { atMs, ...fields } = state.score;
    return { ...status, score: { ...fields, at: new Date(atMs).toISOString() } };
  });
}

function toCharted({ vital, atMs, by }: ChartedRow, now: number): NonNullable<Status['charted']> {
  const untilMs = scoreValidUntilMs(vital, atMs);
  if (untilMs === undefined || untilMs < now) return [];
  return [{ vital, by, at: new Date(atMs).toISOString(), until: new Date(untilMs).toISOString() }];
}

export async function getWardStatus(
  { sql, actor, now }: QueryWork,
  input: InputOf<typeof wardStatusContract>,
): Promise<ResultOf<typeof wardStatusContract>> {
  await assertPermitted(sql, wardStatusContract.allow, { actor, now }, input);
  const patients = await findPatientsOfWard(sql, actor.hospital, input.wardId);
  return { items: await statusOf(sql, { hospital: actor.hospital, now }, patients) };
}

export async function getPatientStatus(
  { sql, actor, now }: QueryWork,
  input: InputOf<typeof patientStatusContract>,
): Promise<Status> {
  await assertPermitted(sql, patientStatusContract.allow, { actor, now }, input);
  const [status] = await statusOf(sql, { hospital: actor.hospital, now }, [input.patientId]);
  return status ?? { patientId: input.patientId, version: 0, vitals: [], conditions: [], score: null };
}

export function calculateNews2(
  _: QueryWork,
  input: InputOf<typeof calculateContract>,
): Promise<ResultOf<typeof calculateContract>> {
  return Promise.resolve(scoreNews2(input));
}
