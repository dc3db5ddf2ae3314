/** W3C trace context: one trace from the frame or HTTP call through commands, outbox and events. */
import { randomUUID } from 'node:crypto';

const pattern = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** 32 digits, of which Node keeps a store: asking the system each time would cost more than the rest of a post. */
const randomDigits = (): string => randomUUID().replaceAll('-', '');

/** @returns a traceparent in the caller's trace, or in a new one when he has none or a malformed one */
export function childTrace(parent: string | undefined): string {
  // Not its beginning, where the version digit of a UUID is.
  const span = randomDigits().slice(16);
  if (parent !== undefined && pattern.test(parent)) return `${parent.slice(0, 36)}${span}${parent.slice(52)}`;
  return `00-${randomDigits()}-${span}-01`;
}
