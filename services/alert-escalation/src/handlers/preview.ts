/** Whom an alert would call, without one. */
import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { CodedError } from '@carillon/contracts/errors';
import type { previewPolicy as previewContract } from '@carillon/contracts/escalation-policies';
import type { QueryWork } from '@carillon/runtime/queries';
import { choosePolicy } from '../domain/choose-policy.ts';
import { peopleAtLevel } from '../domain/levels.ts';
import { listWards } from '../store-coverage.ts';
import { findNames } from '../store-plans.ts';
import { findPolicies } from '../store-policies.ts';
import { loadStaffings } from '../store-staffing.ts';

const mostShown = 50;
/** Of no alert. */
const alertId = 'preview';

export async function previewPolicy(
  { sql, actor: { hospital }, now }: QueryWork,
  { wardId, priority, kind }: InputOf<typeof previewContract>,
): Promise<ResultOf<typeof previewContract>> {
  const wards = await listWards(sql, hospital, { after: '', only: wardId, limit: 1 });
  if (wards.length === 0) throw new CodedError('not_found', 'No such ward');
  const chosen = choosePolicy(await findPolicies(sql, hospital), { wardId, kind, priority });
  const { policyId, policyVersion: version, policy } = chosen;
  const staffing = (
    await loadStaffings(sql, [{ alertId, hospital, patientId: null, wardId, priority, policy }], now)
  ).get(alertId);
  const levels = policy.levels.map(({ afterSeconds, targets }, index) => ({
    afterSeconds,
    callsBedNurse: targets.some((target) => target.kind === 'bedNurse'),
    people: staffing === undefined ? [] : peopleAtLevel(policy, index + 1, staffing),
  }));
  const names = await findNames(sql, hospital, [...new Set(levels.flatMap(({ people }) => people))]);
  return {
    policyId,
    version,
    ...(policy.name === undefined ? {} : { name: policy.name }),
    levels: levels.map(({ people, ...level }) => ({
      ...level,
      people: people.slice(0, mostShown).map((personId) => ({ personId, name: names.get(personId) ?? personId })),
      count: people.length,
    })),
  };
}
