/**
 * Dead letters for operators: every service answers for its own. A letter that is put back goes to this service's own
 * handler, in one transaction with the note that it was: never to its stream again, where others would see it twice.
 */
import { getDeadLetter, listDeadLetters, putBackDeadLetter, type DeadLetter } from '@carillon/contracts/dead-letters';
import {
  servicesWithDatabase,
  type Actor,
  type CommandDefinition,
  type QueryDefinition,
} from '@carillon/contracts/define';
import { CodedError, badInput } from '@carillon/contracts/errors';
import { intakeSchema } from '@carillon/contracts/monitoring';
import { validate } from '@carillon/contracts/schema';
import { eventHeaders, streams } from '@carillon/contracts/streams';
import { publish } from '@carillon/bus/publish';
import { readPage, type StoredMessage } from '@carillon/bus/read-range';
import { decode } from '@carillon/bus/request';
import type { Sql } from '@carillon/database/database';
import { listPutBacks, takeLetter } from '@carillon/database/put-back';
import { commandEnvelopeSchema, onCommand, performCommand, type CommandHandler } from './commands.ts';
import { hospitalOf, letterHeaders, natureOf } from './dead-letters.ts';
import { judge } from './outcome.ts';
import { onQuery, type QueryHandler } from './queries.ts';
import type { ServiceTools } from './service.ts';
import { applyEvent, publishedAtOf, type Subscription } from './subscriptions.ts';
import { childTrace } from './trace.ts';
import type { Work } from './work.ts';

/** A letter with what its subject and headers say of it. */
type Letter = {
  message: StoredMessage;
  /** On which it came. */
  subject: string;
  /** Undefined where nothing tells: such a letter is shown without its body, and cannot be put back. */
  hospital: string | undefined;
  summary: Omit<DeadLetter, 'putBackAt' | 'putBackBy'>;
};
type Own = { commands: readonly CommandHandler[]; subscriptions: readonly Subscription[] };
type Operations = { commands: readonly CommandHandler[]; queries: readonly QueryHandler[] };

/** The same message may lie in two letters: none of them may be there when what was done of it is forgotten. */
const keepHandledMs = streams.DEADLETTERS.maxAgeMs + 86_400_000;
const defaultLimit = 100;
const maxBodyLength = 100_000;
/** Control characters have six bytes each in JSON; a reply has at most 512 kB. */
const maxBodyBytes = 400_000;

const iso = (at: number): string => new Date(at).toISOString();

function readLetter(service: DeadLetter['service'], message: StoredMessage): Letter {
  const subject = message.header(letterHeaders.subject) ?? message.subject.slice(`dead.${service}.`.length);
  return {
    message,
    subject,
    // From what is handled, not from the header, which could say another.
    hospital: hospitalOf(subject, message.body),
    summary: {
      service,
      sequence: message.sequence,
      ...natureOf(subject, message.header(eventHeaders.event)),
      subject,
      reason: message.header(letterHeaders.reason) ?? 'unknown',
      buriedAt: iso(message.storedAt),
      bytes: message.body.length,
    },
  };
}

function shownBody(body: Uint8Array): string {
  const text = new TextDecoder().decode(body).slice(0, maxBodyLength);
  return Buffer.byteLength(JSON.stringify(text)) <= maxBodyBytes ? text : text.slice(0, maxBodyBytes / 8);
}

function shownHeaders({ header }: StoredMessage): Record<string, string> {
  const names = [...Object.values(eventHeaders), ...Object.values(letterHeaders)];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = header(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

const isVisible = ({ hospital }: Letter, actor: Actor): boolean =>
  hospital === undefined || hospital === actor.hospital;

/** The gateway has asked already; here it is asked by whoever does the work. */
function assertOperator({ allow }: CommandDefinition | QueryDefinition, actor: Actor): void {
  if (!allow.some((rule) => rule.roles.some((role) => actor.roles.includes(role)))) throw new CodedError('forbidden');
}

async function withPutBacks(sql: Sql, letters: readonly Letter[]): Promise<DeadLetter[]> {
  const sequences = letters.map(({ message }) => message.sequence);
  const done = await listPutBacks(sql, sequences[0] ?? 0, sequences.at(-1) ?? 0);
  return letters.map(({ message, summary }) => {
    const found = done.find((each) => each.sequence === message.sequence && each.buriedAt === message.storedAt);
    return { ...summary, putBackAt: found === undefined ? null : iso(found.at), putBackBy: found?.by ?? null };
  });
}
async function withPutBack(sql: Sql, letter: Letter): Promise<DeadLetter> {
  const [found] = await withPutBacks(sql, [letter]);
  if (found === undefined) throw new Error('a letter was lost on the way');
  return found;
}

const matches = (filter: string, subject: string): boolean => {
  const tokens = subject.split('.');
  const wanted = filter.split('.');
  const isOpenEnded = wanted.at(-1) === '>';
  return (
    (isOpenEnded ? tokens.length >= wanted.length : tokens.length === wanted.length) &&
    wanted.every((token, index) => token === '>' || token === '*' || token === tokens[index])
  );
};

const impossible = (why: string): CodedError => new CodedError('conflict', why);

/** What the handler would not take stays where it is; the operator hears why. */
function refusal(error: unknown): unknown {
  // Not the first of several attempts: work that is too heavy is told at once.
  const outcome = judge(error, Infinity);
  switch (outcome.kind) {
    case 'later':
      return error;
    case 'notYet':
      return impossible('Not possible now; try again later');
    case 'bad':
      // Its own code is that of the answer already.
      return impossible(
        outcome.error.code === 'conflict' ? outcome.error.message : `${outcome.error.code}: ${outcome.error.message}`,
      );
    case 'poison':
      return impossible(outcome.reason);
  }
}

export function putBackOperations(tools: ServiceTools, own: Own): Operations {
  const { bus, log } = tools;
  const service = servicesWithDatabase.find((name) => name === tools.service);
  if (service === undefined) throw new Error(`${tools.service} has no dead letters of its own`);

  const readLetters = async (
    afterSequence: number,
    limit: number,
  ): Promise<{ letters: Letter[]; hasMore: boolean }> => {
    const range = { stream: 'DEADLETTERS', filter: `dead.${service}.>`, afterSequence, limit } as const;
    const page = await readPage(bus, range).catch((error: unknown) => {
      log.warn({ err: error }, 'dead letters');
      throw new CodedError('unavailable', 'The dead letters cannot be read now');
    });
    return { letters: page.messages.map((message) => readLetter(service, message)), hasMore: page.hasMore };
  };

  const assertAsked = (definition: CommandDefinition | QueryDefinition, actor: Actor, asked: string): void => {
    assertOperator(definition, actor);
    if (asked !== service) throw badInput([{ path: 'service', message: `Answered by ${service}` }]);
  };

  /** @throws CodedError `not_found`, for what is another hospital's too */
  const getLetter = async (actor: Actor, sequence: number): Promise<Letter> => {
    const { letters } = await readLetters(sequence - 1, 1);
    const letter = letters[0];
    if (letter?.message.sequence !== sequence || !isVisible(letter, actor)) {
      throw new CodedError('not_found', 'No such dead letter');
    }
    return letter;
  };

  const handleAgain = async (work: Work, { message, subject, summary }: Letter): Promise<void> => {
    switch (summary.kind) {
      case 'command': {
        const handler = own.commands.find(({ definition }) => definition.name === summary.name);
        const envelope = validate(commandEnvelopeSchema, decode(message.body));
        if (handler === undefined || !envelope.ok) throw impossible('No handler, or not an envelope');
        // As if it came now: its age is no reason not to do what an operator wants done.
        await performCommand(work, handler, { ...envelope.value, issuedAt: work.now }, keepHandledMs);
        return;
      }
      case 'event': {
        const subscription = own.subscriptions.find(({ consumer }) => matches(consumer.filter, subject));
        const handler = subscription?.handlers.find(({ definition }) => definition.name === summary.name);
        if (subscription === undefined || handler === undefined) throw impossible('Nobody handles such an event here');
        const version = Number(message.header(eventHeaders.version) ?? 0);
        // The message id of a letter ends in the stream and sequence that name the message for ever.
        const place = /[A-Z]+-\d+$/.exec(message.header(eventHeaders.id) ?? '')?.[0];
        const id = message.header(letterHeaders.originalId) ?? place ?? `letter-${message.sequence}`;
        const published = publishedAtOf(message.header(eventHeaders.at));
        const event = { subject, body: message.body, id, version, ...published };
        await applyEvent(work, handler, subscription.consumer.name, event, keepHandledMs);
        return;
      }
      case 'readings': {
        // Nobody answers for them there: what is known to fail is refused here, instead of coming back as a new letter.
        const intake = validate(intakeSchema, decode(message.body));
        if (!intake.ok) throw impossible(`breaks its contract: ${JSON.stringify(intake.issues)}`);
        // They go the whole way again, since whoever owns the partition must store them; the same reading is stored once.
        const traceparent = childTrace(message.header(eventHeaders.traceparent));
        const id = `letter-${service}-${message.sequence}-${message.storedAt}`;
        await publish(bus, { subject, body: message.body, headers: { [eventHeaders.id]: id, traceparent } });
      }
    }
  };

  const putBack = onCommand(putBackDeadLetter, async (work, { service: asked, sequence }) => {
    assertAsked(putBackDeadLetter, work.actor, asked);
    const letter = await getLetter(work.actor, sequence);
    const { hospital, message } = letter;
    if (hospital === undefined) throw impossible('Whose hospital it concerns is not known');
    const key = { sequence, buriedAt: message.storedAt };
    // Taken before it is handled: who puts it back at the same time waits, and then finds it done.
    if (await takeLetter(work.tx, key, { hospital, by: work.actor.person, at: work.now })) {
      try {
        await handleAgain(work, letter);
      } catch (error) {
        log.warn({ err: error, sequence }, 'a dead letter was refused again');
        throw refusal(error);
      }
    }
    return withPutBack(work.tx, letter);
  });

  const list = onQuery(listDeadLetters, async ({ sql, actor }, { service: asked, limit = defaultLimit, after = 0 }) => {
    assertAsked(listDeadLetters, actor, asked);
    const { letters, hasMore } = await readLetters(after, limit);
    const items = await withPutBacks(
      sql,
      letters.filter((letter) => isVisible(letter, actor)),
    );
    const last = letters.at(-1)?.message.sequence;
    // Of what was read, not of what is shown: letters of other hospitals lie between.
    return { items, ...(hasMore && last !== undefined ? { next: last } : {}) };
  });

  const get = onQuery(getDeadLetter, async ({ sql, actor }, { service: asked, sequence }) => {
    assertAsked(getDeadLetter, actor, asked);
    const letter = await getLetter(actor, sequence);
    const body = letter.hospital === undefined ? '' : shownBody(letter.message.body);
    return { ...(await withPutBack(sql, letter)), headers: shownHeaders(letter.message), body };
  });

  return { commands: [putBack], queries: [list, get] };
}
