/** Beside each message to a person the command that rings his devices, while they are not connected. */
import type { InputOf } from '@carillon/contracts/define';
import { laneOfPriority } from '@carillon/contracts/monitoring';
import { sendPush, sendPushLater } from '@carillon/contracts/push';
import { validate } from '@carillon/contracts/schema';
import { commandSubject, eventHeaders } from '@carillon/contracts/streams';
import type { CommandEnvelope } from '@carillon/runtime/commands';
import type { Work } from '@carillon/runtime/work';
import type { AlertState, Page } from '../domain/alert.ts';

export type Told = { alert: AlertState; page: Page; messageId: string; isWithdrawn: boolean };

/**
 * A call that is repeated for hours rings each time at first, and then now and again: those of others would be the first to
 * go from a full PUSH. Whoever is called for the first time is rung, and whoever was rung is told of the end.
 */
function rings({ alert, page: { level, attempt, person }, isWithdrawn }: Told): boolean {
  if (isWithdrawn || attempt <= 10 || attempt % 10 === 0) return true;
  const isRepeated = alert.pages.some(
    (earlier) =>
      earlier.person === person &&
      earlier.level === level &&
      earlier.attempt < attempt &&
      // One that was let go of meanwhile is called anew.
      earlier.status === 'paged',
  );
  return !isRepeated;
}

/** After all messages of the transaction, whose lane it shares: what is connected is told first. */
export function pushAll(work: Work, told: readonly Told[]): void {
  for (const { alert, page, messageId, isWithdrawn } of told.filter(rings)) {
    const definition = alert.priority === 'high' ? sendPush : sendPushLater;
    const data: InputOf<typeof sendPush> = {
      messageId,
      person: page.person,
      category: 'page',
      priority: alert.priority,
      alertId: alert.alertId,
      level: page.level,
      isWithdrawn,
      until: new Date(work.now + definition.maxAgeMs).toISOString(),
    };
    const checked = validate(definition.input, data);
    if (!checked.ok) throw new Error(`${definition.name} breaks its contract: ${JSON.stringify(checked.issues)}`);
    const envelope: CommandEnvelope = {
      actor: { person: 'alert-escalation', hospital: alert.hospital, roles: ['service'] },
      key: messageId,
      issuedAt: Math.round(work.now),
      data,
    };
    work.publish({
      lane: laneOfPriority(alert.priority),
      entity: `push ${alert.alertId} ${page.person}`,
      subject: commandSubject(definition),
      headers: { [eventHeaders.id]: `push-${messageId}`, [eventHeaders.traceparent]: work.traceparent },
      body: JSON.stringify(envelope),
    });
  }
}
