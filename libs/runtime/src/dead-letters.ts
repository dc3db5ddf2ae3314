import type { ServiceName } from '@carillon/contracts/define';
import { eventHeaders } from '@carillon/contracts/streams';
import type { Bus } from '@carillon/bus/connection';
import type { Delivery } from '@carillon/bus/consume';
import { publish } from '@carillon/bus/publish';

/** So that it can be put back as it was; its own id is kept under another name, since this is another message. */
function originalHeaders(delivery: Delivery): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of Object.values(eventHeaders)) {
    const value = delivery.header(name);
    if (value !== undefined) found[name === eventHeaders.id ? 'Carillon-Id' : name] = value;
  }
  return found;
}

/**
 * Puts what cannot be handled aside, with the reason; the message id makes a second burial of it harmless. Another
 * service may bury the same event for reasons of its own.
 */
export async function buryDelivery(bus: Bus, service: ServiceName, delivery: Delivery, reason: string): Promise<void> {
  await publish(bus, {
    subject: `dead.${service}.${delivery.subject}`,
    body: delivery.body,
    headers: {
      ...originalHeaders(delivery),
      'Nats-Msg-Id': `dead-${service}-${delivery.stream}-${delivery.sequence}`,
      // Header values are one line.
      'Carillon-Reason': reason.replaceAll(/[\r\n]+/g, ' ').slice(0, 500),
      'Carillon-Subject': delivery.subject,
    },
  });
}
