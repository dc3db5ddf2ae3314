import { types } from 'node:util';
import { pino, type Logger } from 'pino';

export type { Logger };

/**
 * Logs carry what is on the allow-list and nothing else of an object: an error of a driver or an SDK may hold
 * credentials, statements and the data of patients.
 */
function safeError(error: unknown): Record<string, unknown> {
  if (!types.isNativeError(error)) return { type: typeof error };
  const code: unknown = Reflect.get(error, 'code');
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: safeError(error.cause) }),
  };
}

export function createLogger(service: string, { level, file }: { level: string; file: string }): Logger {
  const options = {
    base: { service },
    level,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    serializers: { err: safeError, error: safeError },
  };
  return file === '' ? pino(options) : pino(options, pino.destination({ dest: file, mkdir: true, sync: false }));
}
