/** Who calls by HTTP: the token is checked before the body is read, so that a stranger's two megabytes are not parsed. */
import { CodedError } from '@carillon/contracts/errors';
import { childTrace } from '@carillon/runtime/trace';
import type { FastifyRequest } from 'fastify';
import { bearerOf } from './handshake.ts';
import type { Shared } from './session.ts';
import type { Identity } from './tokens.ts';

export type Authentication = {
  /** An `onRequest` hook. @throws CodedError `unauthorised`, `rate_limited` */
  authenticate(request: FastifyRequest): Promise<void>;
  /** Of a request that went through `authenticate`. */
  identityOf(request: FastifyRequest): Identity;
};

export function createAuthentication(admit: Shared['admit']): Authentication {
  const identities = new WeakMap<FastifyRequest, Identity>();
  return {
    async authenticate(request) {
      const token = bearerOf(request);
      if (token === undefined) throw new CodedError('unauthorised');
      identities.set(request, await admit(token, request.ip));
    },
    identityOf(request) {
      const identity = identities.get(request);
      if (identity === undefined) throw new CodedError('unauthorised');
      return identity;
    },
  };
}

/** The caller's trace, or a new one. */
export function traceOf(request: FastifyRequest): string {
  const given = request.headers['traceparent'];
  return childTrace(typeof given === 'string' ? given : undefined);
}
