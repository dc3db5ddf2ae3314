/** What was seen on the wire during one check, and what of it should never have been. */
import { validate } from '@carillon/contracts/schema';
import { serverFrames } from '@carillon/contracts/server-frames';
import type { Code } from './codes.ts';

export type Frame = Record<string, unknown> & { t: string };

export type Recorder = {
  readonly seen: ReadonlySet<Code>;
  /** Breaches of the protocol by the server, in words. */
  readonly faults: readonly string[];
  sent(frame: Record<string, unknown>): void;
  /** @returns the frame, or undefined for what is none */
  received(text: string): Frame | undefined;
  ended(code: number): void;
  fault(what: string): void;
};

const shown = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}…` : text);

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function createRecorder(): Recorder {
  const seen = new Set<Code>();
  const faults: string[] = [];
  const note = (kind: 'error' | 'retry' | 'recovery' | 'lane' | 'end', value: unknown): void => {
    if (typeof value === 'string') seen.add(`${kind} ${value}`);
  };
  return {
    seen,
    faults,
    fault: (what) => void faults.push(what),
    sent(frame) {
      if (typeof frame['t'] === 'string') seen.add(`client frame ${frame['t']}`);
    },
    ended: (code) => void seen.add(`close ${code}`),
    received(text) {
      const value = parse(text);
      const type: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 't') : undefined;
      if (typeof type !== 'string' || !Object.hasOwn(serverFrames, type)) {
        faults.push(`no frame of the protocol: ${shown(text)}`);
        return undefined;
      }
      const checked = validate(serverFrames[type as keyof typeof serverFrames], value);
      if (!checked.ok) {
        const issues = checked.issues.map(({ path, message }) => `${path}: ${message}`).join('; ');
        faults.push(`${type} breaks its schema (${issues}): ${shown(text)}`);
      }
      const frame = value as Frame;
      seen.add(`server frame ${type}`);
      if (type === 'err') {
        note('error', frame['code']);
        note('retry', frame['retry']);
      }
      if (type === 'subscribed') {
        note('recovery', frame['recovery']);
        note('lane', frame['lane']);
      }
      if (type === 'unsubscribed') note('end', frame['code']);
      return frame;
    },
  };
}
