/** A small service with one command a lane, one event of its own and one subscription: what the runtime is tried with. */
import { fileURLToPath } from 'node:url';
import { defineCommand, defineConsumer, defineEvent, defineQuery, type Lane } from '@carillon/contracts/define';
import { CodedError } from '@carillon/contracts/errors';
import { Shape, Type } from '@carillon/contracts/schema';
import { commandSubject } from '@carillon/contracts/streams';
import type { Bus } from '@carillon/bus/connection';
import { createCommandSender, encode, type Reply } from '@carillon/bus/request';
import { onCommand } from '@carillon/runtime/commands';
import type { Environment } from '@carillon/runtime/config';
import { onQuery } from '@carillon/runtime/queries';
import { startService, type Dependencies, type RunningService } from '@carillon/runtime/service';
import { onEvent } from '@carillon/runtime/subscriptions';

const define = (lane: Lane, verb: string) =>
  defineCommand({
    name: `ledger:${verb}`,
    version: 1,
    owner: 'directory',
    description: 'Writes a line.',
    lane,
    input: Shape({
      entry: Type.String(),
      then: Type.Optional(Type.String({ description: 'conflict, crash or slow' })),
    }),
    result: Shape({ lines: Type.Integer() }),
    maxAgeMs: 60_000,
    allow: [{ roles: ['admin'], relation: 'hospital' }],
  });
export const writeLine = define('normal', 'write');
export const writeUrgentLine = define('critical', 'hurry');
export const lineWritten = defineEvent({
  name: 'line:written',
  version: 1,
  owner: 'directory',
  description: 'A line was written.',
  stream: 'CARE',
  subject: 'care.<hospital>.<ward>.<patient>.<lane>.line.written',
  data: Shape({ entry: Type.String() }),
});
export const readLines = defineQuery({
  name: 'ledger:read',
  version: 1,
  owner: 'directory',
  description: 'All lines.',
  input: Shape({ slowly: Type.Optional(Type.Number()) }),
  result: Shape({ entries: Type.Array(Type.String()) }),
  allow: [{ roles: ['admin'], relation: 'hospital' }],
});

export const migrations = [{ folder: fileURLToPath(new URL('migrations', import.meta.url)), table: 'migrations' }];

export type Hooks = {
  /** Runs in the transaction, before anything is written. */
  onWrite?: (entry: string) => Promise<void>;
  /** Its failures are the subscription's. */
  onWritten?: (entry: string) => Promise<void>;
};

export const startLedger = (
  environment: Environment,
  hooks: Hooks = {},
  dependencies?: Dependencies,
): Promise<RunningService> => {
  const write = (definition: typeof writeLine) =>
    onCommand(definition, async (work, { entry, then }) => {
      await hooks.onWrite?.(entry);
      if (then === 'conflict') throw new CodedError('conflict', 'Another was quicker');
      if (then === 'crash') throw new TypeError(`${entry} is no line`);
      await work.tx.query('insert into ledger (entry) values ($1)', [entry]);
      if (then === 'slow') {
        await work.tx.query('set local statement_timeout = 200');
        await work.tx.query('select pg_sleep(10)');
      }
      const { rows } = await work.tx.query<{ lines: number }>('select count(*) as lines from ledger where entry = $1', [
        entry,
      ]);
      work.emit(
        lineWritten,
        { entry },
        { lane: definition.lane, entity: entry, version: 1, tokens: { hospital: 'h1', ward: 'w1', patient: null } },
      );
      return { lines: rows[0]?.lines ?? 0 };
    });
  return startService(
    () => ({
      name: 'directory',
      migrations,
      streams: ['COMMANDS', 'CARE', 'DEADLETTERS'],
      commands: [write(writeLine), write(writeUrgentLine)],
      queries: [
        onQuery(readLines, async ({ sql }, { slowly }) => {
          if (slowly !== undefined) await sql.query('select pg_sleep($1)', [slowly]);
          const { rows } = await sql.query<{ entry: string }>('select entry from ledger order by id');
          return { entries: rows.map((row) => row.entry) };
        }),
      ],
      subscriptions: [
        {
          consumer: defineConsumer({
            name: 'directory-lines',
            service: 'directory',
            stream: 'CARE',
            filter: 'care.*.*.*.*.line.written',
            ackWaitMs: 1_000,
            events: [lineWritten],
          }),
          handlers: [
            onEvent(lineWritten, async ({ tx }, { entry }) => {
              await tx.query('insert into ledger (entry) values ($1)', [`seen ${entry}`]);
              await hooks.onWritten?.(entry);
            }),
          ],
        },
      ],
    }),
    'directory',
    environment,
    dependencies,
  );
};

export type Writer = {
  write(entry: string, more?: WriteOptions): Promise<Reply | undefined>;
  close(): void;
};
type WriteOptions = {
  key?: string;
  then?: string;
  data?: unknown;
  roles?: string[];
  issuedAt?: number;
  command?: typeof writeLine;
  deadlineMs?: number;
  traceparent?: string;
};

/** Sends commands as a gateway would; `undefined` is `accepted`. */
export function createWriter(bus: Bus): Writer {
  const sender = createCommandSender(bus);
  let count = 0;
  return {
    write: (entry, more = {}) => {
      const { command = writeLine, roles = ['admin'], issuedAt = Date.now(), deadlineMs = 5_000 } = more;
      const envelope = {
        actor: { person: 'a1', hospital: 'h1', roles },
        key: more.key ?? `${entry}-${count++}`,
        issuedAt,
        data: more.data ?? { entry, ...(more.then === undefined ? {} : { then: more.then }) },
      };
      return sender.send(commandSubject(command), (replyTo) => encode({ ...envelope, replyTo }), {
        headers: more.traceparent === undefined ? {} : { traceparent: more.traceparent },
        deadlineMs,
      });
    },
    close: sender.close,
  };
}
