import type { Alert, getAlert as getContract, listAlerts as listContract } from '@carillon/contracts/alert-escalation';
import { staffRoles, type InputOf, type ResultOf } from '@carillon/contracts/define';
import { CodedError, badInput } from '@carillon/contracts/errors';
import { loadRelations } from '@carillon/runtime/directory-projection';
import type { QueryWork } from '@carillon/runtime/queries';
import type { AlertState } from '../domain/alert.ts';
import { findAlert, listAlerts as selectAlerts, type AlertFilter } from '../store.ts';
import { wasPaged } from '../store-log.ts';
import { toFullAlert, toSummary } from './summary.ts';

const isOperator = (roles: readonly string[]): boolean => roles.includes('operator') || roles.includes('admin');

/** What the actor may see: staff their wards and those to whom they broke the glass, patients themselves, caregivers theirs, everybody what called him. */
export async function visibleTo({ sql, actor, now }: QueryWork): Promise<AlertFilter['visible']> {
  if (isOperator(actor.roles)) return undefined;
  const relations = await loadRelations(sql, { actor, now });
  const isStaff = actor.roles.some((role) => (staffRoles as readonly string[]).includes(role));
  return {
    wards: isStaff ? [...relations.wardsOf(actor.person)] : [],
    patients: [
      ...(actor.roles.includes('patient') ? [actor.person] : []),
      ...relations.patientsCaredForBy(actor.person),
      ...(isStaff ? relations.brokenGlassOf(actor.person) : []),
    ],
    person: actor.person,
  };
}

function decodeCursor(cursor: string | undefined): AlertFilter['before'] {
  if (cursor === undefined) return undefined;
  const [openedAt, alertId] = Buffer.from(cursor, 'base64url').toString().split(' ');
  if (alertId === undefined || !Number.isSafeInteger(Number(openedAt))) {
    throw badInput([{ path: 'cursor', message: 'Not a cursor of this list' }]);
  }
  return { openedAt: Number(openedAt), alertId };
}
const encodeCursor = ({ openedAt, alertId }: AlertState): string =>
  Buffer.from(`${openedAt} ${alertId}`).toString('base64url');

export async function listAlerts(
  work: QueryWork,
  input: InputOf<typeof listContract>,
): Promise<ResultOf<typeof listContract>> {
  const visible = await visibleTo(work);
  // Asking for a ward that is not one's own is an error, not an empty list, which would read as "all is well".
  if (visible !== undefined && input.wardId !== undefined && !visible.wards.includes(input.wardId)) {
    throw new CodedError('forbidden');
  }
  const limit = input.limit ?? 100;
  const found = await selectAlerts(work.sql, {
    hospital: work.actor.hospital,
    visible,
    wardId: input.wardId,
    patientId: input.patientId,
    state: input.state,
    before: decodeCursor(input.cursor),
    limit: limit + 1,
  });
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(toSummary),
    ...(found.length > limit && last !== undefined ? { next: encodeCursor(last) } : {}),
  };
}

export async function getAlert(work: QueryWork, { alertId }: InputOf<typeof getContract>): Promise<Alert> {
  const alert = await findAlert(work.sql, work.actor.hospital, alertId);
  if (alert === undefined) throw new CodedError('not_found', 'No such alert');
  const visible = await visibleTo(work);
  const isVisible =
    visible === undefined ||
    (alert.wardId !== null && visible.wards.includes(alert.wardId)) ||
    (alert.patientId !== null && visible.patients.includes(alert.patientId)) ||
    (await wasPaged(work.sql, alertId, work.actor.person));
  if (!isVisible) throw new CodedError('forbidden');
  return toFullAlert(work.sql, alert);
}
