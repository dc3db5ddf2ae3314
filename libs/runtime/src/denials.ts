/** What NATS refused, in the log: as a pattern of the contracts, since a subject may name a patient. */
import { accessSubject, intakeSubject, peopleSubject } from '@carillon/contracts/streams';
import { eventPattern } from '@carillon/contracts/nats-permissions';
import { events } from '@carillon/contracts/surface';
import type { Bus } from '@carillon/bus/connection';
import type { Logger } from './log.ts';

/** Subjects in which there are no ids of people. */
const nameless = /^(\$JS\.|_INBOX\.|cmd\.|qry\.|rep\.|dead\.[^.]+\.(cmd|>))/;
const patterns = [
  ...new Set(events.map(eventPattern)),
  peopleSubject('*', '*'),
  accessSubject('*', '*', '*'),
  intakeSubject('*', '*', '*'),
];

const matches = (pattern: readonly string[], tokens: readonly string[]): boolean =>
  pattern.length === tokens.length && pattern.every((wanted, index) => wanted === '*' || wanted === tokens[index]);

/** @returns the subject, or what is to be said of it: where no contract names it, its tree and no more */
export function shownSubject(subject: string): string {
  if (nameless.test(subject)) return subject;
  const tokens = subject.split('.');
  return patterns.find((pattern) => matches(pattern.split('.'), tokens)) ?? `${tokens[0]}.>`;
}

export function logDenials(bus: Bus, log: Logger): void {
  bus.onDenied(({ operation, subject }) =>
    log.error({ operation, subject: shownSubject(subject) }, 'NATS denies this user what the service tried'),
  );
}
