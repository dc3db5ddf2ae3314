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
import type { ServerResponse } from 'node:http';
import type { WebSocket } from 'ws';
import { WebSocketConnection } from './connection.ts';
import { drain } from './drain.ts';
import { bearerOf, checkOrigin, queryTokenOf } from './handshake.ts';
import { closeWaitMs, type Connection, type Shared, type StartRoom } from './session.ts';
import { registerEventStream } from './sse.ts';

export const subprotocol = 'carillon.v1';
/** Before a token that is offered as a second subprotocol, which is all that a browser can send along. */
const bearer = 'bearer.';
/** Above our own limit, so that a frame that is too big is told so in our words; beyond it `ws` closes with 1009. */
const maxPayload = 1024 * 1024;

const offered = (request: FastifyRequest): string[] =>
  (request.headers['sec-websocket-protocol'] ?? '').split(',').map((part) => part.trim());

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

export async function registerRealtime(app: FastifyInstance, shared: Shared): Promise<void> {
  const { registry, config } = shared;
  let isDraining = false;
  // Ended in order rather than refused: after an answer other than 200 a browser does not open its event stream again.
  const greet = (connection: Connection): void => {
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
    // The plugin's own would close all sockets at once, and with 1005.
    preClose(done) {
      isDraining = true;
      void drain(registry, config.CARILLON_DRAIN_MS).then(() => this.websocketServer.close(done));
    },
  });
  const webSocketPaths = new Set<string>();
  app.addHook('onRequest', (request, _, done) => {
    // The plugin's own would open the connection and close it with 1005, and the client would try for ever.
    const isServed = !request.ws || webSocketPaths.has(request.routeOptions.url ?? '');
    done(isServed ? undefined : new CodedError('not_found'));
  });
  const responses = new WeakMap<FastifyRequest, ServerResponse>();
  const serveWebSocket = (route: RouteDefinition, roomsOf: (request: FastifyRequest) => StartRoom[]): void => {
    webSocketPaths.add(route.path);
    app.route({
      method: 'GET',
      url: route.path,
      onRequest(request, _, done) {
        // Before anything else is done for it; browsers see a failed connection, and come again later.
        if (request.ws) shared.checkAdmission(registry.all.size);
        done();
      },
      async preValidation(request, reply) {
        await checkOrigin(request, config);
        responses.set(request, reply.raw);
      },
      handler() {
        throw new CodedError('bad_input', 'Expected a WebSocket upgrade');
      },
      wsHandler(socket, request) {
        const protocols = offered(request);
        if (!protocols.includes(subprotocol)) return refuse(socket);
        const inProtocol = protocols.find((protocol) => protocol.startsWith(bearer))?.slice(bearer.length);
        const token = bearerOf(request) ?? inProtocol ?? queryTokenOf(request, config);
        const handshake = { address: request.ip, token, rooms: roomsOf(request) };
        letGo(socket, request, responses.get(request));
        const connection = new WebSocketConnection(socket, handshake, shared);
        registry.open(connection);
        greet(connection);
        return undefined;
      },
    });
  };
  serveWebSocket(webSocketRoute, () => []);
  serveWebSocket(patientWebSocketRoute, patientRooms);
  serveWebSocket(hospitalWebSocketRoute, hospitalRooms);

  const serveEventStreams = (route: RouteDefinition, roomsOf: (request: FastifyRequest) => StartRoom[]): void =>
    registerEventStream(app, { route, roomsOf, shared, greet });
  serveEventStreams(eventsRoute, () => []);
  serveEventStreams(patientEventsRoute, patientRooms);
  serveEventStreams(hospitalEventsRoute, hospitalRooms);
  serveEventStreams(deviceEventsRoute, deviceRooms);
}

/** It is no connection of ours, and nobody else sees to its end. */
function refuse(socket: WebSocket): void {
  socket.close(closeCodes.subprotocol, 'subprotocol');
  setTimeout(() => socket.terminate(), closeWaitMs).unref();
}

/** Else what belonged to the request lives as long as the connection: about 3 kB of each (measured). */
function letGo(socket: WebSocket, request: FastifyRequest, response: ServerResponse | undefined): void {
  // The plugin's own listener holds request and reply; the connection sets its own in the same turn.
  socket.removeAllListeners('error');
  response?.detachSocket(request.raw.socket);
}
