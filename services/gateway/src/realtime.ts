/** The endpoints that keep a connection: WebSocket and event streams, with the rooms that their paths name. */
import type { RouteDefinition } from '@carillon/contracts/define';
import { CodedError, closeCodes } from '@carillon/contracts/errors';
import {
  deviceEventsRoute,
  eventsRoute,
  hospitalEventsRoute,
  hospitalWebSocketRoute,
  patientEventsRoute,
  patientWebSocketRoute,
  webSocketRoute,
} from '@carillon/contracts/gateway';
import websocket from '@fastify/websocket';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { serveConnection } from './connection.ts';
import { bearerOf, checkOrigin, queryTokenOf } from './handshake.ts';
import type { Connection, Shared, StartRoom } from './session.ts';
import { registerEventStream } from './sse.ts';

export const subprotocol = 'carillon.v1';
/** Before a token that is offered as a second subprotocol, which is all that a browser can send along. */
const bearer = 'bearer.';
/** Above our own limit, so that a frame that is too big is told so in our words; beyond it `ws` closes with 1009. */
const maxPayload = 1024 * 1024;

const offered = (request: FastifyRequest): string[] =>
  (request.headers['sec-websocket-protocol'] ?? '').split(',').map((part) => part.trim());

export type Realtime = {
  /** Who is connected now. */
  connections: ReadonlySet<Connection>;
};

const patientRooms = (request: FastifyRequest): StartRoom[] => {
  const { id } = request.params as { id: string };
  return [{ name: `patient:${id}` }, { name: `patient:${id}:vitals` }];
};
const hospitalRooms = (request: FastifyRequest): StartRoom[] => {
  const { id } = request.params as { id: string };
  return [{ name: `hospital:${id}` }, { name: `hospital:${id}:alerts`, isOptional: true }];
};
const deviceRooms = (request: FastifyRequest): StartRoom[] => {
  const { type, id } = request.params as { type: string; id: string };
  return [{ name: `device:${type}:${id}` }];
};

export async function registerRealtime(app: FastifyInstance, shared: Shared): Promise<Realtime> {
  const connections = new Set<Connection>();
  let isDraining = false;
  const keep = (connection: Connection): void => {
    connections.add(connection);
    void connection.finished.then(() => connections.delete(connection));
    // Ended in order rather than refused: after an answer other than 200 a browser does not open its event stream again.
    if (isDraining) connection.close('drain');
  };
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
      isDraining = true;
      const open = [...connections];
      for (const connection of open) connection.close('drain');
      void Promise.all(open.map((connection) => connection.flushed)).then(() => this.websocketServer.close(done));
    },
  });
  const webSocketPaths = new Set<string>();
  app.addHook('onRequest', (request, _, done) => {
    // The plugin's own would open the connection and close it with 1005, and the client would try for ever.
    const isServed = !request.ws || webSocketPaths.has(request.routeOptions.url ?? '');
    done(isServed ? undefined : new CodedError('not_found'));
  });
  const serveWebSocket = (route: RouteDefinition, roomsOf: (request: FastifyRequest) => StartRoom[]): void => {
    webSocketPaths.add(route.path);
    app.route({
      method: 'GET',
      url: route.path,
      preValidation: (request) => checkOrigin(request, shared.config),
      handler() {
        throw new CodedError('bad_input', 'Expected a WebSocket upgrade');
      },
      wsHandler(socket, request) {
        const protocols = offered(request);
        if (!protocols.includes(subprotocol)) return socket.close(closeCodes.subprotocol, 'subprotocol');
        const inProtocol = protocols.find((protocol) => protocol.startsWith(bearer))?.slice(bearer.length);
        const token = bearerOf(request) ?? inProtocol ?? queryTokenOf(request, shared.config);
        keep(serveConnection(socket, { address: request.ip, token, rooms: roomsOf(request) }, shared));
        return undefined;
      },
    });
  };
  serveWebSocket(webSocketRoute, () => []);
  serveWebSocket(patientWebSocketRoute, patientRooms);
  serveWebSocket(hospitalWebSocketRoute, hospitalRooms);

  const serveEventStreams = (route: RouteDefinition, roomsOf: (request: FastifyRequest) => StartRoom[]): void =>
    registerEventStream(app, { route, roomsOf, shared, keep });
  serveEventStreams(eventsRoute, () => []);
  serveEventStreams(patientEventsRoute, patientRooms);
  serveEventStreams(hospitalEventsRoute, hospitalRooms);
  serveEventStreams(deviceEventsRoute, deviceRooms);
  return { connections };
}
