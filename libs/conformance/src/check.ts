/** What a check is, and what many of them say. */
import { strict as assert } from 'node:assert';
import { errors, type ErrorCode } from '@carillon/contracts/errors';
import type { Client } from './client.ts';
import type { Code } from './codes.ts';
import type { Frame } from './recorder.ts';
import type { Need, Setting } from './setting.ts';

export type Check = {
  /** A sentence that holds. */
  name: string;
  needs?: readonly Need[];
  /** What it brings about; each must have been on the wire while it ran. */
  covers?: readonly Code[];
  /** Mostly waits: runs beside the others. */
  isSlow?: true;
  run(setting: Setting): Promise<void>;
};

export const isType = (type: string) => (frame: Frame) => frame.t === type;

/** That an answer is this error, with the retry of the table. */
export function expectErr(frame: Frame, code: ErrorCode): void {
  assert.deepEqual([frame.t, frame['code']], ['err', code], JSON.stringify(frame));
  assert.equal(frame['retry'], frame['afterMs'] === undefined ? errors[code].retry : 'after');
}

/** That a connection ends with this code, and with this `err` before it. */
export async function expectEnd(client: Client, code: number, error?: ErrorCode): Promise<void> {
  const ending = await within(client.closed, 10_000, `the end with ${code}`);
  const last = client.frames.findLast(isType('err'));
  assert.equal(ending.code, code, `it ended with ${ending.code} ${ending.reason}, after ${JSON.stringify(last)}`);
  assert(Buffer.byteLength(ending.reason) <= 123);
  if (error === undefined) return;
  assert(last !== undefined, `no err frame came before ${code}`);
  expectErr(last, error);
}

/** That it is served as before. `unsubscribe` counts against no limit, and of what nobody is in it changes nothing. */
export async function expectAlive(client: Client): Promise<void> {
  await client.pong();
  const answer = await client.ask({ t: 'unsubscribe', room: 'no:such:room' });
  assert.equal(answer.t, 'ok', JSON.stringify(answer));
}

export function within<T>(work: Promise<T>, withinMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${withinMs} ms`)), withinMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

export const range = (first: number, last: number): number[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);

/** For what no frame announces. */
export async function until(look: () => Promise<boolean>, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await look())) {
    assert(performance.now() < deadline, `it did not happen within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
