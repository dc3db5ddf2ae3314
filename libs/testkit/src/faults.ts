/** Crashes, made by wrapping the pool: the code under test knows nothing of them. */
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
 * before the program heard of it. Infinity never dies.
 */
export type CrashPoint = { statement: number; when: 'before' | 'after' };

export function crashingDatabase(database: Database, point: CrashPoint): Database & { statements(): number } {
  let count = 0;
  const guarded = async <T>(run: () => Promise<T>): Promise<T> => {
    const isHere = count++ === point.statement;
    if (isHere && point.when === 'before') throw new Crash();
    const result = await run();
    if (isHere) throw new Crash();
    return result;
  };
  const wrap = (sql: Sql): Sql => ({ query: (text, values) => guarded(() => sql.query(text, values)) });
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
        if (count++ === point.statement) {
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
