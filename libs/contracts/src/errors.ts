/**
 * The one error table. Every code that a caller can see stands here; HTTP bodies are
 * `{"error":{"code","message","issues"?}}` and WebSocket frames `{"t":"err","id","code","message","retry",…}`.
 */
import type { Issue } from './schema.ts';

/** What a client should do: nothing, try again later, wait as told, get a new token, or load the state anew. */
export type Retry = 'never' | 'backoff' | 'after' | 'reauth' | 'resnapshot';

export const errors = {
  bad_input: { status: 400, retry: 'never', message: 'The input is not valid' },
  bad_frame: { status: 400, retry: 'never', message: 'The frame is not valid' },
  unauthorised: { status: 401, retry: 'reauth', message: 'A valid token is needed' },
  forbidden: { status: 403, retry: 'never', message: 'Not allowed' },
  not_found: { status: 404, retry: 'never', message: 'Not found' },
  conflict: { status: 409, retry: 'resnapshot', message: 'The state has moved on' },
  key_reused: { status: 409, retry: 'never', message: 'The key was used with another body' },
  expired: { status: 409, retry: 'never', message: 'Too late: the command is older than it may be' },
  too_large: { status: 413, retry: 'never', message: 'Too large' },
  rate_limited: { status: 429, retry: 'after', message: 'Too many calls' },
  internal: { status: 500, retry: 'never', message: 'An unexpected error; it is on record' },
  unavailable: { status: 503, retry: 'backoff', message: 'Not available now; repeat with the same key' },
} as const satisfies Record<string, { status: number; retry: Retry; message: string }>;

export type ErrorCode = keyof typeof errors;

/** Codes of single items in a batch of vital signs. The batch itself fails only when no item is good. */
export const vitalItemErrors = {
  unknown_patient: 'No such patient, or not one you may post for',
  unknown_vital: 'Not a vital sign that we know',
  bad_unit: 'The unit does not belong to the vital sign',
  impossible_value: 'No working sensor on a living patient gives this value',
  bad_time: 'Not an RFC 3339 time with a zone, or one that cannot be',
  bad_input: 'The item is not in the expected shape',
} as const;
export type VitalItemErrorCode = keyof typeof vitalItemErrors;

/** An error that is the caller's to know. Anything else that is thrown is a defect and is shown as `internal`. */
export class CodedError extends Error {
  readonly code: ErrorCode;
  readonly issues: readonly unknown[] | undefined;
  readonly afterMs: number | undefined;

  constructor(code: ErrorCode, message?: string, more: { issues?: readonly unknown[]; afterMs?: number } = {}) {
    super(message ?? errors[code].message);
    this.name = 'CodedError';
    this.code = code;
    this.issues = more.issues;
    this.afterMs = more.afterMs;
  }
}

/** An error as it travels: in a command's reply, an HTTP body, a frame. */
export type ErrorBody = { code: ErrorCode; message: string; issues?: readonly unknown[]; afterMs?: number };

export function errorBody(error: CodedError): ErrorBody {
  return {
    code: error.code,
    message: error.message,
    ...(error.issues === undefined ? {} : { issues: error.issues }),
    ...(error.afterMs === undefined ? {} : { afterMs: error.afterMs }),
  };
}

export const badInput = (issues: readonly Issue[]): CodedError =>
  new CodedError(
    'bad_input',
    issues.map((issue) => (issue.path === '' ? issue.message : `${issue.path}: ${issue.message}`)).join('; '),
    { issues },
  );

/** WebSocket close codes; the hundreds say what a client does (protocol.md). */
export const closeCodes = {
  drain: 4000,
  slowConsumer: 4001,
  positionInvalid: 4002,
  noPong: 4003,
  internal: 4004,
  tokenExpired: 4100,
  tokenRevoked: 4101,
  stateInvalidated: 4200,
  overloaded: 4300,
  rateLimited: 4301,
  badFrame: 4400,
  unauthorised: 4401,
  forbidden: 4403,
  subprotocol: 4406,
  noConnect: 4408,
  tooBig: 4413,
  abuse: 4429,
  loggedOut: 4440,
} as const;
export type CloseReason = keyof typeof closeCodes;
