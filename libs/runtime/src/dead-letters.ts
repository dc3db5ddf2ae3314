/** Dead letters as they are stored: `dead.<service>.<subject>` with the reason, and the headers that they came with. */
import type { ServiceName } from '@carillon/contracts/define';
import { isId } from '@carillon/contracts/schema';
import { eventHeaders, operationOfSubject } from '@carillon/contracts/streams';
import type { DeadLetter } from '@carillon/contracts/dead-letters';
import { recordVitals } from '@carillon/contracts/monitoring';
import type { Bus } from '@carillon/bus/connection';
import type { Delivery } from '@carillon/bus/consume';
import { publish } from '@carillon/bus/publish';
import { decode } from '@carillon/bus/request';

/** Besides those of the event; its own id is kept under another name, since this is another message. */
export const letterHeaders = {
  originalId: 'Carillon-Id',
  reason: 'Carillon-Reason',
  subject: 'Carillon-Subject',
  hospital: 'Carillon-Hospital',
} as const;

/** So that it can be put back as it was. */
function originalHeaders(delivery: Delivery): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of Object.values(eventHeaders)) {
    const value = delivery.header(name);
    if (value !== undefined) found[name === eventHeaders.id ? letterHeaders.originalId : name] = value;
  }
  return found;
}

type Named = { hospital?: unknown; actor?: { hospital?: unknown } } | null;
const readBody = (body: Uint8Array): Named => {
  try {
    return decode(body) as Named;
  } catch {
    return null;
  }
};

/**
 * Whose hospital it concerns: in the subject of events and readings, in the envelope of commands. Readings name it in
 * their body as well; where that is another, nobody can tell.
 */
export function hospitalOf(subject: string, body: Uint8Array): string | undefined {
  const isCommand = subject.startsWith('cmd.');
  const named = isCommand ? readBody(body)?.actor?.hospital : subject.split('.')[1];
  if (subject.startsWith('intake.') && (readBody(body)?.hospital ?? named) !== named) return undefined;
  return typeof named === 'string' && isId(named) ? named : undefined;
}

/** What it is, and by which name people know it. */
export function natureOf(subject: string, event: string | undefined): Pick<DeadLetter, 'kind' | 'name'> {
  if (subject.startsWith('cmd.')) return { kind: 'command', name: operationOfSubject(subject) };
  if (subject.startsWith('intake.')) return { kind: 'readings', name: recordVitals.name };
  return { kind: 'event', name: event ?? 'unknown' };
}

/**
 * Puts what cannot be handled aside, with the reason; the message id makes a second burial of it harmless. Another
 * service may bury the same event for reasons of its own.
 */
export async function buryDelivery(bus: Bus, service: ServiceName, delivery: Delivery, reason: string): Promise<void> {
  const hospital = hospitalOf(delivery.subject, delivery.body);
  await publish(bus, {
    subject: `dead.${service}.${delivery.subject}`,
    body: delivery.body,
    headers: {
      ...originalHeaders(delivery),
      'Nats-Msg-Id': `dead-${service}-${delivery.stream}-${delivery.sequence}`,
      // Header values are one line.
      [letterHeaders.reason]: reason.replaceAll(/[\r\n]+/g, ' ').slice(0, 500),
      [letterHeaders.subject]: delivery.subject,
      ...(hospital === undefined ? {} : { [letterHeaders.hospital]: hospital }),
    },
  });
}
