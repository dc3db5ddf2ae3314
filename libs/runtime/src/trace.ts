/** W3C trace context: one trace from the frame or HTTP call through commands, outbox and events. */
import { randomBytes } from 'node:crypto';

const pattern = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** @returns a traceparent in the caller's trace, or in a new one when he has none or a malformed one */
export function childTrace(parent: string | undefined): string {
  const span = randomBytes(8).toString('hex');
  if (parent !== undefined && pattern.test(parent)) return `${parent.slice(0, 36)}${span}${parent.slice(52)}`;
  return `00-${randomBytes(16).toString('hex')}-${span}-01`;
}
