/** Crashes, made by wrapping pool and bus: the code under test knows nothing of them. */
import type { Bus } from '@carillon/bus/connection';
import type { Database, Sql } from '@carillon/database/database';

/** What a process that died in the middle leaves behind: nothing after this point happened. */
export class Crash extends Error {
  constructor() {
    super('crash');
    this.name = 'Crash';
  }
}

/**
 * Dies at the nth statement (from 0), counting `commit` as one: `before` it was sent, or `after` it took effect and
 * before the program heard of it. Infinity never dies. The dead send nothing more, whatever they catch.
 */
export type CrashPoint = { statement: number; when: 'before' | 'after' };

type Guard = <T>(run: () => Promise<T>) => Promise<T>;
const everyQuery =
  (guarded: Guard) =>
  (sql: Sql): Sql => ({ query: (text, values, options) => guarded(() => sql.query(text, values, options)) });

export function crashingDatabase(database: Database, point: CrashPoint): Database & { statements(): number } {
  let count = 0;
  const guarded = async <T>(run: () => Promise<T>): Promise<T> => {
    const isHere = count === point.statement;
    if (count++ > point.statement || (isHere && point.when === 'before')) throw new Crash();
    const result = await run();
    if (isHere) throw new Crash();
    return result;
  };
  const wrap = everyQuery(guarded);
  return {
    ...wrap(database),
    schema: database.schema,
    close: database.close,
    statements: () => count,
    async transaction(work) {
      let died: Crash | undefined;
      const result = await database.transaction(async (tx) => {
        const value = await work(wrap(tx));
        // The commit itself: before it everything is rolled back, after it everything holds.
        const isHere = count === point.statement;
        if (count++ > point.statement) throw new Crash();
        if (isHere) {
          died = new Crash();
          if (point.when === 'before') throw died;
        }
        return value;
      });
      if (died !== undefined) throw died;
      return result;
    },
  };
}

export type StoppingDatabase = Database & {
  /** Once it stands still, and has lost its transactions. */
  readonly stopped: Promise<void>;
  goOn(): void;
};

/**
 * A process that stands still, as by SIGSTOP, from the nth of its statements (from 0, counting `commit` as one) until it
 * is told to go on: it sends nothing and hears nothing. The server ends the sessions whose transaction is open then, as
 * it does when one has been idle for `idle_in_transaction_session_timeout`.
 * @param server a connection of its own, by which they are ended
 */
export function stoppingDatabase(database: Database, point: CrashPoint, server: Sql): StoppingDatabase {
  let count = 0;
  let isStopped = false;
  let tellStopped: () => void = () => {};
  let goOn: () => void = () => {};
  const stopped = new Promise<void>((resolve) => (tellStopped = resolve));
  const going = new Promise<void>((resolve) => (goOn = resolve));
  const sessions = new Set<number>();
  const stop = async (): Promise<void> => {
    isStopped = true;
    for (const pid of sessions) await server.query('select pg_terminate_backend($1)', [pid]);
    tellStopped();
    await going;
  };
  const whileGoing = async (): Promise<void> => {
    if (isStopped) await going;
  };
  const guarded = async <T>(run: () => Promise<T>): Promise<T> => {
    await whileGoing();
    const isHere = count++ === point.statement;
    if (isHere && point.when === 'before') await stop();
    try {
      return await run();
    } finally {
      if (isHere && point.when === 'after') await stop();
      else await whileGoing();
    }
  };
  const wrap = everyQuery(guarded);
  return {
    ...wrap(database),
    schema: database.schema,
    close: database.close,
    stopped,
    goOn,
    async transaction(work) {
      await whileGoing();
      let isHere = false;
      try {
        return await database.transaction(async (tx) => {
          const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
          const pid = rows[0]?.pid ?? 0;
          sessions.add(pid);
          try {
            await whileGoing();
            const value = await work(wrap(tx));
            isHere = count++ === point.statement;
            if (isHere && point.when === 'before') await stop();
            return value;
          } finally {
            sessions.delete(pid);
          }
        });
      } finally {
        if (isHere && point.when === 'after') await stop();
        else await whileGoing();
      }
    },
  };
}

/** Dies at the nth message (from 0) that it publishes: `before` or `after` it was sent. Infinity never dies. */
export type PublishCrashPoint = { message: number; when: 'before' | 'after' };
type Ways = { database: Database; bus: Bus };

/** A process that dies while it publishes: from then on neither NATS nor the database hears of it. */
export function crashingPublisher(
  { database, bus }: Ways,
  point: PublishCrashPoint,
): Ways & { dead: Promise<void>; messages(): number } {
  let count = 0;
  let isDead = false;
  let tellDead: () => void = () => {};
  const dead = new Promise<void>((resolve) => (tellDead = resolve));
  const whileAlive = async <T>(run: () => Promise<T>): Promise<T> => {
    if (isDead) throw new Crash();
    const result = await run();
    if (isDead) throw new Crash();
    return result;
  };
  const die = (): void => {
    isDead = true;
    tellDead();
  };
  const publish: Bus['nc']['publish'] = (...message) => {
    const isHere = count++ === point.message;
    if (isHere && point.when === 'before') die();
    if (isDead) throw new Crash();
    bus.nc.publish(...message);
    // On its way to the stream, and nobody hears the answer.
    if (isHere) die();
  };
  const nc = Object.assign(Object.create(bus.nc) as Bus['nc'], { publish });
  return {
    bus: { ...bus, nc },
    database: {
      ...database,
      query: (text, values) => whileAlive(() => database.query(text, values)),
      transaction: (work) => whileAlive(() => database.transaction(work)),
    },
    dead,
    messages: () => count,
  };
}
