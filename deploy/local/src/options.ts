import { readConfig } from '@carillon/runtime/config';
import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf, SetupError } from './fault.ts';
import type { Environment } from './local-server.ts';

/** What `npm start` reads itself; every other CARILLON_… variable goes to the services as it is. */
export const launchConfig = {
  CARILLON_HTTP_PORT: {
    type: 'number',
    description: 'Port of the page, the API and the WebSocket',
    default: 8080,
    min: 1,
    max: 65_535,
  },
  CARILLON_INTERNAL_PORT: {
    type: 'number',
    description: 'Loopback port of health, readiness and metrics',
    default: 9090,
    min: 1,
    max: 65_535,
  },
  CARILLON_HOME: { type: 'string', description: 'Folder of all state: databases, secrets, logs', default: '.carillon' },
  CARILLON_DEMO: { type: 'switch', description: 'Load the demo hospital and play vital signs into it', default: true },
  CARILLON_DEV_TOKENS: {
    type: 'switch',
    description: 'POST /v1/dev/token gives a token to anybody: for demos only',
    default: true,
  },
  NATS_URL: {
    type: 'string',
    description: 'A NATS server with JetStream to use; its own where empty',
    default: '',
    secret: true,
  },
  DATABASE_URL: {
    type: 'string',
    description: 'A PostgreSQL database to use; its own where empty',
    default: '',
    secret: true,
  },
} as const;

export interface Options {
  httpPort: number;
  internalPort: number;
  /** Absolute path. */
  home: string;
  isDemo: boolean;
  hasDevTokens: boolean;
  natsUrl: string;
  databaseUrl: string;
  /** Absolute paths; empty for the simulator. */
  replayFiles: string[];
  /** Samples a second. */
  speed: number;
}

export const usage = 'Usage: npm start -- [--replay FILE…] [--speed SAMPLES_A_SECOND]';

function readArguments(argv: readonly string[]): { files: string[]; speed: string } {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { replay: { type: 'boolean', default: false }, speed: { type: 'string', default: '1' } },
    });
    if (values.replay !== positionals.length > 0)
      throw new Error(values.replay ? '--replay needs a file' : `${positionals[0]} is no option`);
    return { files: positionals, speed: values.speed };
  } catch (error) {
    throw new SetupError(`${messageOf(error)}. ${usage}`);
  }
}

/** npm changes to the package's folder and says in INIT_CWD where it was called: paths are meant from there. */
function findFile(path: string, env: Environment): string {
  for (const folder of [env['INIT_CWD'] ?? '', '']) {
    const absolute = resolve(folder, path);
    try {
      accessSync(absolute, constants.R_OK);
      return absolute;
    } catch {
      // Perhaps from the other folder.
    }
  }
  throw new SetupError(`The recording ${path} is not there, or may not be read.`);
}

/** @throws ConfigError or SetupError, each with one line that says what to change */
export function readOptions(argv: readonly string[], env: Environment): Options {
  const config = readConfig(launchConfig, env);
  const { files, speed } = readArguments(argv);
  const samples = Number(speed);
  if (!(samples > 0 && samples <= 1_000))
    throw new SetupError(`--speed must be a number above 0 and up to 1000, not ${speed}.`);
  const [httpPort, internalPort] = [config.CARILLON_HTTP_PORT, config.CARILLON_INTERNAL_PORT];
  for (const variable of ['CARILLON_HTTP_PORT', 'CARILLON_INTERNAL_PORT'] as const) {
    if (!Number.isInteger(config[variable]))
      throw new SetupError(`${variable} must be a whole number, not ${config[variable]}.`);
  }
  if (httpPort === internalPort)
    throw new SetupError(`CARILLON_HTTP_PORT and CARILLON_INTERNAL_PORT are both ${httpPort}: change one of them.`);
  return {
    httpPort,
    internalPort,
    home: resolve(config.CARILLON_HOME),
    isDemo: config.CARILLON_DEMO,
    hasDevTokens: config.CARILLON_DEV_TOKENS,
    natsUrl: config.NATS_URL,
    databaseUrl: config.DATABASE_URL,
    replayFiles: files.map((path) => findFile(path, env)),
    speed: samples,
  };
}
