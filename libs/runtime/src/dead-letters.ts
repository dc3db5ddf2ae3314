import type { ServiceName } from '@carillon/contracts/define';
import type { Bus } from '@carillon/bus/connection';
import type { Delivery } from '@carillon/bus/consume';
import { publish } from '@carillon/bus/publish';

/** Puts what cannot be handled aside, with the reason; the message id makes a second burial of it harmless. */
export async function buryDelivery(bus: Bus, service: ServiceName, delivery: Delivery, reason: string): Promise<void> {
  await publish(bus, {
    subject: `dead.${service}.${delivery.subject}`,
    body: delivery.body,
    headers: {
      'Nats-Msg-Id': `dead-${delivery.stream}-${delivery.sequence}`,
      // Header values are one line.
      'Carillon-Reason': reason.replaceAll(/[\r\n]+/g, ' ').slice(0, 500),
      'Carillon-Subject': delivery.subject,
    },
  });
}
