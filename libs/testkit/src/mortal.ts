/**
 * A service that can be killed inside the process of the test, so that it shares a virtual clock with the others: at once
 * the servers cut its connections, and whatever it does from then on reaches nobody. What kill -9 leaves behind.
 */
import { randomUUID } from 'node:crypto';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { openDatabase, type Database, type DatabaseOptions, type Sql } from '@carillon/database/database';
import type { Dependencies } from '@carillon/runtime/service';

export type Mortal = {
  dependencies: Dependencies;
  /** Dies when it is about to send the first statement that fits, in the middle of its transaction. */
  dieBefore(statement: RegExp): void;
  /** Resolves when it is dead, however it died. */
  dead: Promise<void>;
  kill(): void;
};

const cutOff = (): Error => Object.assign(new Error('the process is dead'), { code: 'ECONNRESET' });

export function createMortal(dependencies: Omit<Dependencies, 'openDatabase' | 'connectBus'>): Mortal {
  const name = `mortal-${randomUUID()}`;
  let isDead = false;
  let fatal: RegExp | undefined;
  let bus: Bus | undefined;
  let options: DatabaseOptions | undefined;
  let tellDead: () => void = () => {};
  const dead = new Promise<void>((resolve) => (tellDead = resolve));

  const cutConnections = async (): Promise<void> => {
    await bus?.nc.close();
    if (options === undefined) return;
    const executioner = openDatabase({ ...options, maxConnections: 1 });
    await executioner.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [
      name,
    ]);
    await executioner.close();
  };
  const kill = (): void => {
    if (isDead) return;
    isDead = true;
    void cutConnections().then(tellDead);
  };
  /** The dead send nothing, and hear nothing of what they sent. */
  const whileAlive = async <T>(run: () => Promise<T>): Promise<T> => {
    if (isDead) throw cutOff();
    const result = await run();
    if (isDead) throw cutOff();
    return result;
  };
  const wrap = (sql: Sql): Sql => ({
    query(text, values) {
      if (fatal?.test(text) === true) kill();
      return whileAlive(() => sql.query(text, values));
    },
  });

  return {
    dependencies: {
      ...dependencies,
      openDatabase(given): Database {
        options = given;
        const url = new URL(given.url);
        url.searchParams.set('application_name', name);
        const database = openDatabase({ ...given, url: url.href });
        return {
          ...wrap(database),
          schema: database.schema,
          transaction: (work) => whileAlive(() => database.transaction((tx) => work(wrap(tx)))),
          close: database.close,
        };
      },
      async connectBus(given) {
        bus = await connectBus(given);
        return bus;
      },
    },
    dieBefore(statement) {
      fatal = statement;
    },
    dead,
    kill,
  };
}
