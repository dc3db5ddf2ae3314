/** What people answer to an alert. */
import type {
  acknowledgeAlert as acknowledgeContract,
  Alert,
  arriveAtAlert as arriveContract,
  declineAlert as declineContract,
  escalateAlert as escalateContract,
  resolveAlert as resolveContract,
  snoozeAlert as snoozeContract,
} from '@carillon/contracts/alert-escalation';
import { staffRoles, type InputOf } from '@carillon/contracts/define';
import { CodedError } from '@carillon/contracts/errors';
import type { CommandWork } from '@carillon/runtime/commands';
import { loadRelations } from '@carillon/runtime/directory-projection';
import { timeFor, type AlertState, type Change } from '../domain/alert.ts';
import { acknowledge, arrive, decline, escalateByHand, snooze } from '../domain/answers.ts';
import { resolve } from '../domain/runs.ts';
import { wasPaged } from '../store-log.ts';
import { lockAlert } from '../store.ts';
import { loadFactsOf } from './facts.ts';
import { saveChange } from './save.ts';
import { toFullAlert } from './summary.ts';

/** Staff of the ward, and who broke the glass to the patient; with `orPaged` also whoever was called. */
export async function lockForAnswer(work: CommandWork, alertId: string, orPaged: boolean): Promise<AlertState> {
  const { tx, actor, now } = work;
  const alert = await lockAlert(tx, actor.hospital, alertId);
  if (alert === undefined) throw new CodedError('not_found', 'No such alert');
  const relations = await loadRelations(tx, { actor, now });
  const isHis =
    (alert.wardId !== null && relations.wardsOf(actor.person).has(alert.wardId)) ||
    (alert.patientId !== null && relations.brokenGlassOf(actor.person).has(alert.patientId));
  const isStaff = actor.roles.some((role) => (staffRoles as readonly string[]).includes(role));
  if ((isHis && isStaff) || (orPaged && (await wasPaged(tx, alertId, actor.person)))) return alert;
  throw new CodedError('forbidden');
}

async function answer(
  work: CommandWork,
  alertId: string,
  decide: (alert: AlertState, person: string, now: number) => Change | Promise<Change>,
  { orPaged = true } = {},
): Promise<Alert> {
  const alert = await lockForAnswer(work, alertId, orPaged);
  const change = await decide(alert, work.actor.person, timeFor(alert, work.now));
  await saveChange(work, alert, change);
  return toFullAlert(work.tx, change.state);
}

export const acknowledgeAlert = (work: CommandWork, { alertId }: InputOf<typeof acknowledgeContract>): Promise<Alert> =>
  answer(work, alertId, acknowledge);

export const declineAlert = (work: CommandWork, { alertId, reason }: InputOf<typeof declineContract>): Promise<Alert> =>
  answer(work, alertId, async (alert, person, now) => {
    const facts = await loadFactsOf(work.tx, alert, now);
    return decline(alert, person, now, { facts, reason });
  });

export const snoozeAlert = (
  work: CommandWork,
  { alertId, seconds, reason }: InputOf<typeof snoozeContract>,
): Promise<Alert> => answer(work, alertId, (alert, person, now) => snooze(alert, person, now, { seconds, reason }));

export const escalateAlert = (
  work: CommandWork,
  { alertId, seenVersion, level, reason }: InputOf<typeof escalateContract>,
): Promise<Alert> =>
  answer(work, alertId, async (alert, person, now) => {
    const facts = await loadFactsOf(work.tx, alert, now);
    return escalateByHand(alert, person, now, { seenVersion, level, reason, facts });
  });

export const arriveAtAlert = (work: CommandWork, { alertId }: InputOf<typeof arriveContract>): Promise<Alert> =>
  answer(work, alertId, arrive);

export const resolveAlert = (
  work: CommandWork,
  { alertId, reason, outcome }: InputOf<typeof resolveContract>,
): Promise<Alert> =>
  answer(work, alertId, (alert, person, now) => resolve(alert, person, now, { reason, outcome }), { orPaged: false });
