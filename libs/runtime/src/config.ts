/**
 * Configuration comes from the environment, through one annotated schema a service: checks, defaults and docs. Any
 * variable may be given as a file instead, under its name with `_FILE`: so secrets are mounted, not passed.
 */
import { readFileSync } from 'node:fs';

export type Environment = Readonly<Record<string, string | undefined>>;

type Setting<T> = {
  description: string;
  /** Used where the variable is absent or empty; without one the variable is required. */
  default?: T;
  /** Never shown in a log or an error. */
  secret?: true;
};
export type StringSetting = Setting<string> & { type: 'string'; minLength?: number; oneOf?: readonly string[] };
export type NumberSetting = Setting<number> & { type: 'number'; min?: number; max?: number };
export type SwitchSetting = Setting<boolean> & { type: 'switch' };
export type ListSetting = Setting<readonly string[]> & { type: 'list' };
export type AnySetting = StringSetting | NumberSetting | SwitchSetting | ListSetting;
export type ConfigSchema = Readonly<Record<string, AnySetting>>;

type ValueOf<S> = S extends { type: 'string' }
  ? string
  : S extends { type: 'number' }
    ? number
    : S extends { type: 'switch' }
      ? boolean
      : readonly string[];
export type Config<S extends ConfigSchema> = { readonly [K in keyof S]: ValueOf<S[K]> };

/** What an operator must mend; the message names every variable that is wrong, and no value of a secret. */
export class ConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(`configuration: ${problems.join('; ')}`);
    this.name = 'ConfigError';
  }
}

function parse(name: string, setting: AnySetting, text: string): unknown {
  const shown = setting.secret === true ? '…' : text;
  switch (setting.type) {
    case 'string':
      if (setting.oneOf !== undefined && !setting.oneOf.includes(text)) {
        throw new Error(`${name} must be one of ${setting.oneOf.join(', ')}, not "${shown}"`);
      }
      if (setting.minLength !== undefined && text.length < setting.minLength) {
        throw new Error(`${name} needs at least ${setting.minLength} characters`);
      }
      return text;
    case 'number': {
      const value = Number(text);
      const { min = -Infinity, max = Infinity } = setting;
      if (!Number.isFinite(value) || value < min || value > max) {
        throw new Error(`${name} must be a number from ${min} to ${max}, not "${shown}"`);
      }
      return value;
    }
    case 'switch':
      if (['on', 'true', '1', 'allow'].includes(text)) return true;
      if (['off', 'false', '0'].includes(text)) return false;
      throw new Error(`${name} must be on or off, not "${shown}"`);
    case 'list':
      return text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '');
  }
}

function textOf(name: string, environment: Environment): string | undefined {
  const file = environment[`${name}_FILE`];
  if (file === undefined || file === '') return environment[name];
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new Error(`${name}_FILE: ${file} cannot be read (${String(Reflect.get(error as object, 'code'))})`, {
      cause: error,
    });
  }
}

/** @throws ConfigError with everything that is missing or wrong, at once */
export function readConfig<const S extends ConfigSchema>(schema: S, environment: Environment): Config<S> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(schema)) {
    try {
      const text = textOf(name, environment);
      if (text !== undefined && text !== '') values[name] = parse(name, setting, text);
      else if (setting.default !== undefined) values[name] = setting.default;
      else problems.push(`${name} is missing (${setting.description})`);
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return values as Config<S>;
}

/** What every service with a database reads. */
export const commonConfig = {
  NATS_URL: {
    type: 'string',
    description: 'Where NATS is: nats://user:password@host:port, several separated by commas',
    secret: true,
  },
  DATABASE_URL: {
    type: 'string',
    description: 'Where PostgreSQL is: postgres://user:password@host:port/database',
    secret: true,
  },
  CARILLON_REPLICAS: {
    type: 'number',
    description: 'Copies of each stream: 1 on one NATS server, 3 on a cluster',
    default: 1,
    min: 1,
    max: 5,
  },
  CARILLON_LOG_LEVEL: {
    type: 'string',
    description: 'How much is logged',
    default: 'info',
    oneOf: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
  },
  CARILLON_LOG_FILE: { type: 'string', description: 'Append the log there; standard output where empty', default: '' },
} as const satisfies ConfigSchema;
