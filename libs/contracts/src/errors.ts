/**
 * The one error table. Every code that a caller can see stands here; HTTP bodies are
 * `{"error":{"code","message","issues"?}}` and WebSocket frames `{"t":"err","id","code","message","retry",…}`.
 */
import type { Issue } from './schema.ts';

/** What a client should do: nothing, try again later, wait as told, get a new token, or load the state anew. */
export type Retry = 'never' | 'backoff' | 'after' | 'reauth' | 'resnapshot';

export const errors = {
  bad_input: {
    status: 400,
    retry: 'never',
    message: 'The input is not valid',
    when: 'Fields, types, ids or keys are not as described, or the body is no JSON; `issues` names each place',
  },
  bad_frame: {
    status: 400,
    retry: 'never',
    message: 'The frame is not valid',
    when: 'What came is no frame, or its `id` does not grow; a WebSocket closes with 4400',
  },
  unauthorised: {
    status: 401,
    retry: 'reauth',
    message: 'A valid token is needed',
    when: 'No token, or one that is expired, revoked or not from the identity provider',
  },
  forbidden: {
    status: 403,
    retry: 'never',
    message: 'Not allowed',
    when: 'Your roles or relations do not allow it; also for what is unknown, where even its existence is private',
  },
  mfa_required: {
    status: 403,
    retry: 'reauth',
    message: 'A fresh second factor is needed',
    when: 'The operation needs a token of the last minutes with a second factor (`amr`, `auth_time`): sign in anew, and repeat',
  },
  not_found: { status: 404, retry: 'never', message: 'Not found', when: 'No such path, operation or entity' },
  conflict: {
    status: 409,
    retry: 'resnapshot',
    message: 'The state has moved on',
    when: 'Somebody was faster, or the entity is in another state than you believed',
  },
  key_reused: {
    status: 409,
    retry: 'never',
    message: 'The key was used with another body',
    when: 'The idempotency key belongs to another body; choose a new key for a new intention',
  },
  expired: {
    status: 409,
    retry: 'never',
    message: 'Too late: the command is older than it may be',
    when: 'The command waited longer than its `maxAge`; doing it now would no longer be what you wanted',
  },
  too_large: {
    status: 413,
    retry: 'never',
    message: 'Too large',
    when: 'The body, frame, batch or answer is larger than may be: send less, or ask for less',
  },
  rate_limited: {
    status: 429,
    retry: 'after',
    message: 'Too many calls',
    when: 'More calls, connections or handshakes than your limit; `afterMs` or `Retry-After` says how long to wait',
  },
  internal: {
    status: 500,
    retry: 'never',
    message: 'An unexpected error; it is on record',
    when: 'A defect on our side; the details are in the log, not in the answer',
  },
  unavailable: {
    status: 503,
    retry: 'backoff',
    message: 'Not available now; repeat with the same key',
    when: 'A dependency does not answer, or a queue is full; nothing is lost by repeating with the same key',
  },
} as const satisfies Record<string, { status: number; retry: Retry; message: string; when: string }>;

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
/** When a connection ends with each of them. */
export const closeReasons = {
  drain: 'The gateway is being stopped; another one takes over',
  slowConsumer: 'You read more slowly than messages came; resume from your last position',
  positionInvalid: 'The position is none of ours',
  noPong: 'No `pong` came in time',
  internal: 'A defect on our side',
  tokenExpired: 'The token has ended and no new one came',
  tokenRevoked: 'The token was revoked',
  stateInvalidated: 'What you know is void: load it anew',
  overloaded: 'The gateway holds as many connections as it can',
  rateLimited: 'Too many connections or handshakes',
  badFrame: 'What came is no frame',
  unauthorised: 'The token is not valid, or a frame came before `connect`',
  forbidden: 'You may not connect here',
  subprotocol: '`carillon.v1` was not among the subprotocols',
  noConnect: 'No `connect` came in time',
  tooBig: 'A frame was larger than may be',
  abuse: 'Limits were passed again and again',
  loggedOut: 'The person has logged out',
} as const satisfies Record<CloseReason, string>;
