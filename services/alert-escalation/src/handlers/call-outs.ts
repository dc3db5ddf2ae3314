/** Many people are called at once: how many is known before the first of them is. And that it is over. */
import { createHash, randomUUID } from 'node:crypto';
import type { callOut as contract, endEmergency as endContract } from '@carillon/contracts/call-outs';
import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { CodedError, badInput } from '@carillon/contracts/errors';
import type { CommandWork } from '@carillon/runtime/commands';
import { timeFor } from '../domain/alert.ts';
import {
  callOutWindowMs,
  findCallOutIssues,
  findReachIssues,
  isCallOut,
  mostCallOuts,
  policyOfCallOut,
  type CallOut,
} from '../domain/call-outs.ts';
import { peopleAtLevel } from '../domain/levels.ts';
import { resolve } from '../domain/runs.ts';
import { findEmergencies, lockCaller } from '../store-emergencies.ts';
import { findGroups } from '../store-plans.ts';
import { countCallOuts, lockAlert } from '../store.ts';
import { placeOfStaff, raise } from './alerts.ts';
import { lockForAnswer } from './answers.ts';
import { toEnded } from './emergencies.ts';
import { loadFactsOf } from './facts.ts';
import { saveChange } from './save.ts';
import { toFullAlert } from './summary.ts';

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 40);

const answersForAll = ({ actor }: CommandWork): boolean =>
  actor.roles.includes('operator') || actor.roles.includes('admin');

/** Anywhere for operators and admins; else the caller's own ward. */
async function placeOf(
  work: CommandWork,
  input: InputOf<typeof contract>,
): Promise<{ patientId: string | null; wardId: string | null }> {
  if (!answersForAll(work)) return placeOfStaff(work, input);
  if (input.patientId === undefined) return { patientId: null, wardId: input.wardId ?? null };
  return placeOfStaff(work, input, true);
}

export async function callOut(work: CommandWork, input: InputOf<typeof contract>): Promise<ResultOf<typeof contract>> {
  const { tx, actor, now } = work;
  const { hospital } = actor;
  // Before any row is locked: who waits here holds nothing that others wait for.
  await lockCaller(tx, hospital, actor.person);
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
  const chosen = policyOfCallOut(call, digest);
  const given = { ...place, hospital, kind: input.kind, priority: 'high' as const, message: input.message };
  const { staffing } = await loadFactsOf(tx, { ...given, ...chosen, alertId: randomUUID() }, now);
  const reached = peopleAtLevel(chosen.policy, 1, staffing).length;
  const tooMany = findReachIssues(reached, actor.roles);
  if (tooMany.length > 0) throw badInput(tooMany);
  const alert = await raise(work, { ...given, source: 'person', actor: actor.person }, { callOut: chosen });
  // One that joins an open one is no call more. What was done for one too many is rolled back.
  if ((await countCallOuts(tx, hospital, actor.person, now - callOutWindowMs)) > mostCallOuts) {
    throw new CodedError('rate_limited', `At most ${mostCallOuts} in 10 min`, { afterMs: callOutWindowMs });
  }
  return { reached, alert: await toFullAlert(tx, alert) };
}

/** One of the whole hospital is nobody's ward: without this nobody could end it. */
export async function endEmergency(
  work: CommandWork,
  { alertId, reason, outcome }: InputOf<typeof endContract>,
): Promise<ResultOf<typeof endContract>> {
  const { tx, actor, now } = work;
  const alert = answersForAll(work)
    ? await lockAlert(tx, actor.hospital, alertId)
    : await lockForAnswer(work, alertId, true);
  if (alert === undefined || !isCallOut(alert)) throw new CodedError('not_found', 'No such emergency');
  await saveChange(work, alert, resolve(alert, actor.person, timeFor(alert, now), { reason, outcome }));
  const [row] = await findEmergencies(tx, [alertId]);
  const ended = row === undefined ? undefined : toEnded(row);
  if (ended === undefined) throw new Error(`emergency ${alertId} did not end`);
  return ended;
}
