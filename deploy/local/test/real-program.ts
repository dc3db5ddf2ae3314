/** The program as `npm start` runs it once everything is built: real services, real servers, a home of its own. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { builtFile, freePort, startNode, type NodeProcess } from '@carillon/testkit/node-process';

export type RealProgram = NodeProcess & { baseUrl: string; internalUrl: string };

export type RealProgramOptions = {
  home: string;
  /** Of an earlier run; free ones where absent. */
  ports?: Readonly<Record<'CARILLON_HTTP_PORT' | 'CARILLON_INTERNAL_PORT', string>>;
  /** After `npm start --`. */
  argv?: readonly string[];
  environment?: Readonly<Record<string, string>>;
};

/** Resolves once it runs, not when it is ready: its line `carillon is ready` says that. */
export async function startRealProgram(options: RealProgramOptions): Promise<RealProgram> {
  const { home, argv = [], environment = {} } = options;
  const ports = options.ports ?? (await freePorts());
  // As start.mjs ends, without its building: other tests run at the same time.
  const main = pathToFileURL(builtFile('deploy/local/dist/main.js')).href;
  const script = `const { main } = await import('${main}'); await main(process.argv.slice(1), process.env);`;
  builtFile('services/console/dist/index.html');
  const child = startNode(['--input-type=module', '-e', script, '--', ...argv], {
    CARILLON_HOME: home,
    ...ports,
    ...environment,
  });
  return {
    ...child,
    baseUrl: `http://127.0.0.1:${ports.CARILLON_HTTP_PORT}`,
    internalUrl: `http://127.0.0.1:${ports.CARILLON_INTERNAL_PORT}`,
  };
}

export const freePorts = async () => ({
  CARILLON_HTTP_PORT: String(await freePort()),
  CARILLON_INTERNAL_PORT: String(await freePort()),
});

/** The process numbers of the nats-server and the PostgreSQL of a home. */
export function serversOf(home: string): number[] {
  const note = join(home, 'postgres', 'data-is-in');
  const place = existsSync(note) ? readFileSync(note, 'utf8').trim() : join(home, 'postgres');
  const files = [join(home, 'nats', 'nats-server.pid'), join(place, 'data', 'postmaster.pid')];
  return files.map((file) => Number(readFileSync(file, 'utf8').split('\n')[0]));
}
