// Servers that somebody else runs, given by URL: asked once before the services start, so that a wrong address is
// one line that names its variable and not a service that waits.

import pg from 'pg';
import { codeOf, messageOf, SetupError } from './fault.ts';
import { probeNats } from './nats-probe.ts';

/** The address without its password, which no line on a screen shall show. */
function shown(url: string): string {
  try {
    const { hostname, port, pathname } = new URL(url);
    return `${hostname}${port && `:${port}`}${pathname === '/' ? '' : pathname}`;
  } catch {
    return 'what it names';
  }
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'its name cannot be looked up',
  EHOSTUNREACH: 'no way leads there',
  ENETUNREACH: 'no way leads there',
  ETIMEDOUT: 'no answer',
};

function reasonOf(error: unknown): string {
  // Node tries all addresses of a name, and then throws all their errors in one.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const message = messageOf(first);
  return reasons[codeOf(first) ?? message] ?? (message === 'timeout expired' ? 'no answer' : message);
}

export async function checkDatabase(url: string, deadlineMs = 10_000): Promise<void> {
  let client: pg.Client | undefined;
  try {
    client = new pg.Client({ connectionString: url, connectionTimeoutMillis: deadlineMs, query_timeout: deadlineMs });
    client.on('error', () => undefined);
    await client.connect();
    await client.query('select 1');
  } catch (error) {
    throw new SetupError(
      `DATABASE_URL: no PostgreSQL can be used at ${shown(url)} (${reasonOf(error)}). ` +
        'Start it or correct the address, or unset DATABASE_URL to have one started here.',
    );
  } finally {
    await client?.end().catch(() => undefined);
  }
}

export async function checkNats(urls: string, deadlineMs = 10_000): Promise<void> {
  const faults: string[] = [];
  const answers = urls.split(',').map((url) =>
    probeNats(url.trim(), deadlineMs).then(
      (answer) => {
        if (answer.jetstream !== 'off') return true;
        faults.push(`${shown(url.trim())}: JetStream is off there`);
        return false;
      },
      (error: unknown) => {
        faults.push(`${shown(url.trim())}: ${reasonOf(error)}`);
        return false;
      },
    ),
  );
  // One of a cluster is enough to begin with.
  if ((await Promise.all(answers)).includes(true)) return;
  throw new SetupError(
    `NATS_URL: no NATS server with JetStream can be used (${faults.join('; ')}). ` +
      'Start it or correct the address, or unset NATS_URL to have one started here.',
  );
}
