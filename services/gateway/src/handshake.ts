/** Before a connection: where a request comes from, which token it brings, and whether there is place for its person. */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';
import type { RouteDefinition } from '@carillon/contracts/define';
import { CodedError } from '@carillon/contracts/errors';
import { ConfigError } from '@carillon/runtime/config';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { GatewayConfig } from './config.ts';
import { callsPerMinute, connectionCeiling, connectionsOf, type Buckets } from './limits.ts';
import type { Shared } from './session.ts';
import { TokenError, tokenHash, type Tokens } from './tokens.ts';

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
  /** How many connections a person has. */
  countOf: (hospital: string, person: string) => number;
};

/** @throws ConfigError for what is neither an address nor a network */
export function parseNetworks(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    const longest = family === 'ipv6' ? 128 : 32;
    const isPrefix = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= longest);
    if (isIP(address) === 0 || !isPrefix) {
      throw new ConfigError([`CARILLON_TRUSTED_NETWORKS: ${network} is no address and no network`]);
    }
    list.addSubnet(address, bits === undefined ? longest : Number(bits), family);
  }
  // What a proxy calls an address need not be one.
  return (address) => isIP(address) !== 0 && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** Those who are sent away together must not come back together. */
const jittered = (leastMs: number): number => Math.round(leastMs * (1 + 2 * Math.random()));

export type Gatekeeper = Pick<Shared, 'admit' | 'takeSignal' | 'checkPlace'> & {
  /**
   * Before anything is done for a new connection, its token not even looked at.
   * @param open how many there are, also those of whom nobody knows who they are
   * @throws CodedError `unavailable` with `afterMs`
   */
  checkAdmission(open: number): void;
};

/**
 * The token is checked first, which takes microseconds; only refused ones count against their address. So valid
 * handshakes are limited by person and for the gateway as a whole, and a hospital may sit behind one address.
 */
export function createAdmission({ config, tokens, buckets, strangers, countOf }: Admission): Gatekeeper {
  const isTrusted = parseNetworks(config.CARILLON_TRUSTED_NETWORKS);
  const ceiling = connectionCeiling(config);
  const perSecond = config.CARILLON_LIMIT_HANDSHAKES_TOTAL;
  return {
    checkAdmission(open) {
      if (open >= ceiling) throw new CodedError('unavailable', 'The gateway is full', { afterMs: jittered(5_000) });
      try {
        buckets.take('handshakes', perSecond * 60, perSecond);
      } catch {
        throw new CodedError('unavailable', 'Too many connect at once', { afterMs: jittered(1_000) });
      }
    },
    async admit(token, address) {
      try {
        return await tokens.verify(token);
      } catch (error) {
        // Whoever cannot be judged is not at fault.
        if (error instanceof TokenError) {
          // First, so that beyond its ceiling an address takes no more memory, however many tokens it tries.
          if (!isTrusted(address)) {
            strangers.take(`refused ${address}`, config.CARILLON_LIMIT_FAILED_HANDSHAKES_ADDRESS);
          }
          strangers.take(`refused ${address} ${tokenHash(token)}`, config.CARILLON_LIMIT_FAILED_HANDSHAKES);
        }
        throw error;
      }
    },
    takeSignal(identity) {
      buckets.take(`signals ${identity.hospital} ${identity.person}`, callsPerMinute(identity, config));
    },
    checkPlace(identity, makeRoom) {
      const { hospital, person } = identity;
      buckets.take(['handshakes', hospital, person].join(' '), config.CARILLON_LIMIT_HANDSHAKES);
      const isFull = (): boolean => countOf(hospital, person) >= connectionsOf(identity, config);
      if (isFull() && (makeRoom?.() !== true || isFull())) {
        throw new CodedError('rate_limited', 'Too many connections', { afterMs: 10_000 });
      }
    },
  };
}
