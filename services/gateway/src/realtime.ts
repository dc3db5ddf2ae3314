/** The WebSocket endpoint: origin, subprotocol, token of the handshake, and who is connected. */
import type { IncomingMessage } from 'node:http';
import { CodedError, closeCodes } from '@carillon/contracts/errors';
import websocket from '@fastify/websocket';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { serveConnection, type Connection, type Shared } from './connection.ts';
import { connectionsOf, type Buckets } from './limits.ts';
import { tokenHash, type Identity, type Tokens } from './tokens.ts';

export const subprotocol = 'carillon.v1';
/** Before a token that is offered as a second subprotocol, which is all that a browser can send along. */
const bearer = 'bearer.';
/** Above our own limit, so that a frame that is too big is told so in our words; beyond it `ws` closes with 1009. */
const maxPayload = 1024 * 1024;

export const bearerOf = (request: { headers: IncomingMessage['headers'] }): string | undefined =>
  /^Bearer ([^\s]+)$/i.exec(request.headers.authorization ?? '')?.[1];

const offered = (request: FastifyRequest): string[] =>
  (request.headers['sec-websocket-protocol'] ?? '').split(',').map((part) => part.trim());

/** A browser names its origin; it must be this host or on the list. Whoever names none is no browser. */
export function isOriginAllowed(request: FastifyRequest, allowed: readonly string[]): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return true;
  if (allowed.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

type Admission = Pick<Shared, 'config'> & {
  tokens: Tokens;
  buckets: Buckets;
  /** For those who are nobody yet: however many tokens they try, nobody who is known is locked out by it. */
  strangers: Buckets;
};

/** The token is checked first, which takes microseconds; only refused ones count against their address. */
export function createAdmission({ config, tokens, buckets, strangers }: Admission): Pick<Shared, 'admit' | 'enter'> {
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
    enter(identity: Identity) {
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

export type Realtime = { count(): number };

export async function registerRealtime(app: FastifyInstance, shared: Shared): Promise<Realtime> {
  const connections = new Set<Connection>();
  await app.register(websocket, {
    options: {
      maxPayload,
      perMessageDeflate: false,
      // A browser whose only protocol is not taken up sees 1006 and tries again; it must see 4406 and stop.
      handleProtocols: (protocols: Set<string>) =>
        protocols.has(subprotocol) ? subprotocol : ([...protocols].find((each) => !each.startsWith(bearer)) ?? false),
    },
    // The plugin's own would cut the socket off before the close code is out; the connection listens by itself.
    errorHandler: () => {},
    // The plugin's own would close all sockets with 1005, and clients would not know why.
    preClose(done) {
      for (const connection of connections) connection.close('drain');
      void Promise.all([...connections].map((connection) => connection.finished)).then(() =>
        this.websocketServer.close(done),
      );
    },
  });
  app.route({
    method: 'GET',
    url: '/realtime/ws',
    async preValidation(request) {
      if (!isOriginAllowed(request, shared.config.CARILLON_ORIGINS)) {
        throw new CodedError('forbidden', 'This origin may not connect');
      }
    },
    handler() {
      throw new CodedError('bad_input', 'Expected a WebSocket upgrade');
    },
    wsHandler(socket, request) {
      const protocols = offered(request);
      if (!protocols.includes(subprotocol)) return socket.close(closeCodes.subprotocol, 'subprotocol');
      const inProtocol = protocols.find((protocol) => protocol.startsWith(bearer))?.slice(bearer.length);
      const token = bearerOf(request) ?? inProtocol;
      const connection = serveConnection(socket, { address: request.ip, token }, shared);
      connections.add(connection);
      void connection.finished.then(() => connections.delete(connection));
      return undefined;
    },
  });
  return { count: () => connections.size };
}
