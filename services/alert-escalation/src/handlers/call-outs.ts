/** Many people are called at once: how many is known before the first of them is. */
import { randomUUID } from 'node:crypto';
import type { callOut as contract } from '@carillon/contracts/call-outs';
import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { CodedError, badInput } from '@carillon/contracts/errors';
import type { CommandWork } from '@carillon/runtime/commands';
import {
  callOutWindowMs,
  findCallOutIssues,
  findReachIssues,
  mostCallOuts,
  policyOfCallOut,
  type CallOut,
} from '../domain/call-outs.ts';
import { peopleAtLevel } from '../domain/levels.ts';
import { findGroups } from '../store-plans.ts';
import { countCallOuts } from '../store.ts';
import { placeOfStaff, raise } from './alerts.ts';
import { loadFactsOf } from './facts.ts';
import { toFullAlert } from './summary.ts';

/** Anywhere for operators and admins; else the caller's own ward. */
async function placeOf(
  work: CommandWork,
  input: InputOf<typeof contract>,
): Promise<{ patientId: string | null; wardId: string | null }> {
  const { roles } = work.actor;
  if (!roles.includes('operator') && !roles.includes('admin')) return placeOfStaff(work, input);
  if (input.patientId === undefined) return { patientId: null, wardId: input.wardId ?? null };
  return placeOfStaff(work, input, true);
}

export async function callOut(work: CommandWork, input: InputOf<typeof contract>): Promise<ResultOf<typeof contract>> {
  const { tx, actor, now } = work;
  const { hospital } = actor;
  const place = await placeOf(work, input);
  const call: CallOut = {
    ...(input.group === undefined ? {} : { group: input.group }),
    ...(input.role === undefined ? {} : { role: input.role }),
    isOfWard: place.wardId !== null,
    needs: input.needs ?? 1,
  };
  const issues = findCallOutIssues(call, actor.roles);
  if (issues.length > 0) throw badInput(issues);
  if (call.group !== undefined && !(await findGroups(tx, hospital)).some(({ groupId }) => groupId === call.group)) {
    throw badInput([{ path: 'group', message: 'No such group' }]);
  }
  const chosen = policyOfCallOut(call);
  const given = { ...place, hospital, kind: input.kind, priority: 'high' as const, message: input.message };
  const { staffing } = await loadFactsOf(tx, { ...given, ...chosen, alertId: randomUUID() }, now);
  const reached = peopleAtLevel(chosen.policy, 1, staffing).length;
  const tooMany = findReachIssues(reached, actor.roles);
  if (tooMany.length > 0) throw badInput(tooMany);
  if ((await countCallOuts(tx, hospital, actor.person, now - callOutWindowMs)) >= mostCallOuts) {
    throw new CodedError('rate_limited', `At most ${mostCallOuts} in 10 min`, { afterMs: callOutWindowMs });
  }
  const alert = await raise(work, { ...given, source: 'person', actor: actor.person }, { callOut: chosen });
  return { reached, alert: await toFullAlert(tx, alert) };
}
