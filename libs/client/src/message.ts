/** A message as the program gets it, and what it can say of it to the sender. */
import type { EventData, EventName } from './contract-types.ts';
import type { MessageFrame } from './frames.ts';
import type { ReceiptLevel } from './receipts.ts';
import type { Seen } from './seen.ts';

export type Message<D = unknown> = {
  room: string;
  event: string;
  /** The same in every room and on every gateway. */
  id: string;
  at: string;
  /** Of the entity: ignore what is lower or equal to what you have. */
  version: number;
  /** How many older ones of its kind it replaces, when there were more than the link could carry. */
  skipped: number;
  /** Whether its sender wants receipts. `delivered` goes by itself. */
  wantsReceipts: boolean;
  data: D;
  /** It is on the screen: told once the page is visible. */
  displayed(): void;
  /** The person has read it. Not the same as acknowledging an alert. */
  read(): void;
  /** Tells `displayed` once half of the element is on a visible page. @returns how to end the watch */
  observe(element: Element): () => void;
};
/** Handlers by event. */
export type MessageHandlers = { [N in EventName]?: (message: Message<EventData<N>>) => void };

export type Receiver = { receipt(mid: string, level: ReceiptLevel): void; seen: Seen };

export function toMessage(frame: MessageFrame, { receipt, seen }: Receiver): Message {
  const wantsReceipts = frame.ack === true;
  const displayed = (): void => {
    if (wantsReceipts) seen.whenVisible(frame.mid, () => receipt(frame.mid, 'displayed'));
  };
  return {
    room: frame.room,
    event: frame.ev,
    id: frame.mid,
    at: frame.at,
    version: frame.version,
    skipped: frame.skipped ?? 0,
    wantsReceipts,
    data: frame.data,
    displayed,
    read: () => wantsReceipts && receipt(frame.mid, 'read'),
    observe: (element) => (wantsReceipts ? seen.observe(element, displayed) : () => {}),
  };
}
