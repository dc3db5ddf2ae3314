import {
  getLimits as getContract,
  limitsChanged,
  setLimits as setContract,
  type LimitSetting,
} from '@carillon/contracts/monitoring';
import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { CodedError, badInput } from '@carillon/contracts/errors';
import type { CommandWork } from '@carillon/runtime/commands';
import { assertPermitted, findWards } from '@carillon/runtime/directory-projection';
import type { QueryWork } from '@carillon/runtime/queries';
import { limitIssues } from '../domain/alarm-engine.ts';
import { defaultLimits } from '../domain/default-limits.ts';
import { findLimits, upsertLimits } from '../store.ts';
import { runMonitors } from './patients.ts';

export async function getLimits(
  { sql, actor, now }: QueryWork,
  input: InputOf<typeof getContract>,
): Promise<ResultOf<typeof getContract>> {
  await assertPermitted(sql, getContract.allow, { actor, now }, input);
  const { patientId } = input;
  const own = await findLimits(sql, actor.hospital, [patientId]);
  return { limits: [...(own.get(patientId) ?? defaultLimits)] };
}

export async function setLimits(
  work: CommandWork,
  input: InputOf<typeof setContract>,
): Promise<{ limits: LimitSetting[] }> {
  const { tx, actor, now } = work;
  await assertPermitted(tx, setContract.allow, { actor, now }, input);
  const { patientId, limits } = input;
  const { hospital } = actor;
  // An admin may write for any patient of the hospital, but not for one who is not there.
  const wardId = (await findWards(tx, hospital, [patientId])).get(patientId);
  if (wardId === undefined) throw new CodedError('forbidden');
  const issues = limitIssues(limits);
  if (issues.length > 0) throw badInput(issues);
  const setBy = actor.person;
  const version = await upsertLimits(tx, { hospital, patientId, by: setBy, now }, limits);
  work.emit(
    limitsChanged,
    { patientId, wardId, limits, setBy, at: new Date(now).toISOString() },
    { lane: 'normal', entity: `limits ${patientId}`, version, tokens: { hospital, ward: wardId, patient: patientId } },
  );
  // An alarm of a limit that is gone ends now, not with the next sample.
  await runMonitors(work, hospital, new Map([[patientId, []]]));
  return { limits };
}
