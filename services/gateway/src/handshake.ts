/** Before a connection: where a request comes from, which token it brings, and whether there is place for its person. */
import type { IncomingMessage } from 'node:http';
import type { RouteDefinition } from '@carillon/contracts/define';
import { CodedError } from '@carillon/contracts/errors';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { GatewayConfig } from './config.ts';
import { callsPerMinute, connectionsOf, type Buckets } from './limits.ts';
import type { Shared } from './session.ts';
import { tokenHash, type Tokens } from './tokens.ts';

export const bearerOf = (request: { headers: IncomingMessage['headers'] }): string | undefined =>
  /^Bearer ([^\s]+)$/i.exec(request.headers.authorization ?? '')?.[1];

/** A token in the address is seen by proxies and histories: taken only where that was allowed. */
export function queryTokenOf(request: FastifyRequest, config: GatewayConfig): string | undefined {
  const token: unknown = Reflect.get(request.query as object, 'token');
  return config.CARILLON_QUERY_TOKEN && typeof token === 'string' && token !== '' ? token : undefined;
}

/** A browser names its origin; it must be this host or on the list. Whoever names none is no browser. */
function isOriginAllowed(request: FastifyRequest, allowed: readonly string[]): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return true;
  if (allowed.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

/** A hook. @throws CodedError `forbidden` */
export async function checkOrigin(request: FastifyRequest, config: GatewayConfig): Promise<void> {
  if (!isOriginAllowed(request, config.CARILLON_ORIGINS)) {
    throw new CodedError('forbidden', 'This origin may not connect');
  }
}

/** For a browser that is on a page of a listed origin; without it, it would not show the answer to the page. */
export function allowOrigin(request: FastifyRequest, config: GatewayConfig): Record<string, string> {
  const { origin } = request.headers;
  const isListed = origin !== undefined && config.CARILLON_ORIGINS.includes(origin);
  if (!isListed) return {};
  return { 'access-control-allow-origin': origin, 'access-control-expose-headers': 'retry-after', vary: 'origin' };
}

/** What a browser asks before it sends a header of ours to another origin. */
export function registerPreflight(
  app: FastifyInstance,
  { method, path }: RouteDefinition,
  config: GatewayConfig,
): void {
  app.options(path, { onRequest: (request) => checkOrigin(request, config) }, (request, reply) =>
    reply
      .code(204)
      .headers({
        ...allowOrigin(request, config),
        'access-control-allow-methods': method,
        'access-control-allow-headers': 'authorization, content-type, last-event-id, traceparent',
        'access-control-max-age': '600',
      })
      .send(),
  );
}

type Admission = Pick<Shared, 'config'> & {
  tokens: Tokens;
  buckets: Buckets;
  /** For those who are nobody yet: however many tokens they try, nobody who is known is locked out by it. */
  strangers: Buckets;
};

/** The token is checked first, which takes microseconds; only refused ones count against their address. */
export function createAdmission({
  config,
  tokens,
  buckets,
  strangers,
}: Admission): Pick<Shared, 'admit' | 'takeSignal' | 'enter'> {
  const connections = new Map<string, number>();
  return {
    async admit(token, address) {
      try {
        return await tokens.verify(token);
      } catch (error) {
        strangers.take(`refused ${address} ${tokenHash(token)}`, config.CARILLON_LIMIT_FAILED_HANDSHAKES);
        throw error;
      }
    },
    takeSignal(identity) {
      buckets.take(`signals ${identity.hospital} ${identity.person}`, callsPerMinute(identity, config));
    },
    enter(identity) {
      const person = `${identity.hospital} ${identity.person}`;
      buckets.take(`handshakes ${person}`, config.CARILLON_LIMIT_HANDSHAKES);
      const count = connections.get(person) ?? 0;
      if (count >= connectionsOf(identity, config)) {
        throw new CodedError('rate_limited', 'Too many connections', { afterMs: 10_000 });
      }
      connections.set(person, count + 1);
      let isCounted = true;
      return () => {
        if (!isCounted) return;
        isCounted = false;
        const left = (connections.get(person) ?? 1) - 1;
        if (left === 0) connections.delete(person);
        else connections.set(person, left);
      };
    },
  };
}
