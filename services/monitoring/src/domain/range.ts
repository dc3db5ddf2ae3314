import { badInput } from '@carillon/contracts/errors';
import { parseInstant } from '@carillon/contracts/schema';

const dayMs = 86_400_000;

/**
 * A time that was asked for, in ms since the epoch: `from` inclusive, `to` exclusive.
 * @throws CodedError `bad_input` where it is empty or longer than `maxDays`
 */
export function readRange(input: { from: string; to: string }, maxDays: number): { from: number; to: number } {
  const from = parseInstant(input.from) ?? Number.NaN;
  const to = parseInstant(input.to) ?? Number.NaN;
  if (!(from < to)) throw badInput([{ path: 'to', message: 'Must be later than `from`' }]);
  if (to - from > maxDays * dayMs) {
    throw badInput([{ path: 'to', message: `Must be at most ${maxDays} days after \`from\`` }]);
  }
  return { from, to };
}
