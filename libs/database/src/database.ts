/** A service's own schema in PostgreSQL: a small pool, transactions, and which errors mean "not now". */
import { types } from 'node:util';
import pg from 'pg';

// bigint as a number: ids and generations stay far below 2^53.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/**
 * `isPlannedAnew`: each time, for the size that its table has then. A plan is kept otherwise, and for a queue one that was
 * made while it was empty reads all of it when it is long.
 */
export type QueryOptions = { isPlannedAnew?: boolean };

/** A pool or a transaction: what the functions of a `store.ts` take as their first parameter. */
export type Sql = {
  query<Row extends pg.QueryResultRow = never>(
    text: string,
    values?: readonly unknown[],
    options?: QueryOptions,
  ): Promise<{ rows: Row[]; rowCount: number | null }>;
};

export type Database = Sql & {
  readonly schema: string;
  /** Commits when `work` resolves, rolls back when it throws. */
  transaction<T>(work: (tx: Sql) => Promise<T>): Promise<T>;
  close(): Promise<void>;
};

/**
 * Statements are prepared under a name, so that the server parses and plans each once a connection. Their texts are
 * constants of the program; beyond so many something builds them, and the rest goes without a name.
 */
const maxPrepared = 500;
const preparedNames = new Map<string, string>();
function preparedName(text: string): string | undefined {
  const known = preparedNames.get(text);
  if (known !== undefined || preparedNames.size >= maxPrepared) return known;
  const name = `s${preparedNames.size}`;
  preparedNames.set(text, name);
  return name;
}

function toQuery(text: string, values: readonly unknown[] | undefined, options?: QueryOptions): pg.QueryConfig {
  const name = values === undefined || options?.isPlannedAnew === true ? undefined : preparedName(text);
  return { text, values: [...(values ?? [])], ...(name === undefined ? {} : { name }) };
}

export type DatabaseOptions = {
  url: string;
  /** Of the service; hyphens become underscores. */
  service: string;
  /** All services of one machine share one server. */
  maxConnections?: number;
  onIdleError?: (error: Error) => void;
};

export const schemaOf = (service: string): string => service.replaceAll('-', '_');

/**
 * A stopped process must not hold an alert: an idle transaction ends after 3 s, a statement after 5 s, a connection
 * whose peer is silent after 5 s; the rows are then free for another. PostgreSQL compiles a statement that it takes for
 * a long one, each time it runs: ours take milliseconds, and that took a tenth of a second.
 */
const sessionSettings = [
  'statement_timeout=5000',
  'idle_in_transaction_session_timeout=3000',
  'tcp_user_timeout=5000',
  'timezone=UTC',
  'jit=off',
];

/** Longer than any statement may take: a server that is stopped, or behind a cut line, would be waited for for ever. */
const answerTimeoutMs = 7_000;

export function openDatabase({ url, service, maxConnections = 4, onIdleError }: DatabaseOptions): Database {
  const schema = schemaOf(service);
  const pool = new pg.Pool({
    connectionString: url,
    max: maxConnections,
    connectionTimeoutMillis: 3_000,
    query_timeout: answerTimeoutMs,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    application_name: service,
    options: [...sessionSettings, `search_path=${schema}`].map((setting) => `-c ${setting}`).join(' '),
  });
  // A connection that breaks while nobody uses it must not end the process; the pool makes another.
  pool.on('error', (error) => onIdleError?.(error));
  return {
    schema,
    query: (text, values, options) => pool.query(toQuery(text, values, options)),
    async transaction(work) {
      const client = await pool.connect();
      let broken: Error | undefined;
      const onError = (error: Error): void => {
        broken = error;
      };
      client.on('error', onError);
      try {
        await client.query('begin');
        const tx: Sql = { query: (text, values, options) => client.query(toQuery(text, values, options)) };
        const result = await work(tx);
        await client.query('commit');
        return result;
      } catch (error) {
        // After an error of the way to the server nothing more is asked of this connection: it may never answer.
        if (isPassing(error) && !(error instanceof pg.DatabaseError)) broken ??= error;
        else {
          await client.query('rollback').catch((failure: Error) => {
            broken ??= failure;
          });
        }
        throw error;
      } finally {
        client.off('error', onError);
        client.release(broken);
      }
    },
    close: () => pool.end(),
  };
}

/**
 * SQLSTATEs that pass by themselves, or when an operator has mended them: connection, login, resources, operator
 * intervention, deadlock, time-outs of locks and statements, a server that is (still) a standby.
 */
const passingStates = /^(08|28|53|57P0|40001|40P01|55P03|57014|25006|25P03|58)/;
const passingCodes = new Set(
  'ECONNREFUSED ECONNRESET ECONNABORTED EPIPE ETIMEDOUT EHOSTUNREACH ENETUNREACH ENOTFOUND EAI_AGAIN ENOENT'.split(' '),
);
const passingMessages =
  /Connection terminated|Query read timeout|timeout exceeded when trying to connect|Client has encountered a connection error|not queryable/;

/** Whether the database (or the way to it) is what failed, so that the same work will succeed later. */
export function isPassing(error: unknown): error is Error {
  // Not instanceof: an error of Node's own, made in another realm than this module (as under jest), is no Error of ours.
  if (!types.isNativeError(error)) return false;
  const several: unknown = Reflect.get(error, 'errors');
  if (Array.isArray(several)) return several.some(isPassing);
  const code: unknown = Reflect.get(error, 'code');
  if (typeof code === 'string' && (passingStates.test(code) || passingCodes.has(code))) return true;
  return passingMessages.test(error.message);
}

/** @returns milliseconds since the epoch by the clock of the database */
export async function databaseTime(sql: Sql): Promise<number> {
  const { rows } = await sql.query<{ ms: number }>(
    'select extract(epoch from clock_timestamp())::double precision * 1000 as ms',
  );
  return rows[0]?.ms ?? Number.NaN;
}
