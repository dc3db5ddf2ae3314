/**
 * The peers, each as its own documentation would have a room: `node peer.js <name> <port> <control port>`. A connection to
 * the control port brings a plan, one line of JSON, which is published in this process until it closes.
 */
import { createServer } from 'node:http';
import { createServer as createControl } from 'node:net';
import websocket from '@fastify/websocket';
import fastify from 'fastify';
import { Server } from 'socket.io';
import { WebSocketServer, type WebSocket } from 'ws';
import { runSchedule, type Plan } from './schedule.ts';

type Publish = (room: number, payload: string) => void;

function createRooms(): { enter(socket: WebSocket, url: string): void; publish: Publish } {
  const rooms = new Map<string, Set<WebSocket>>();
  return {
    enter(socket, url) {
      const name = new URLSearchParams(url.slice(url.indexOf('?'))).get('room') ?? '';
      const room = rooms.get(name) ?? new Set();
      rooms.set(name, room.add(socket));
      socket.on('close', () => room.delete(socket));
    },
    publish(room, payload) {
      for (const socket of rooms.get(`r${room}`) ?? []) socket.send(payload);
    },
  };
}

const starters: Readonly<Record<string, (port: number) => Promise<Publish>>> = {
  async ws(port) {
    const rooms = createRooms();
    const server = new WebSocketServer({ port, host: '127.0.0.1' });
    server.on('connection', (socket, request) => rooms.enter(socket, request.url ?? ''));
    await new Promise((resolve) => server.once('listening', resolve));
    return rooms.publish;
  },
  async fastify(port) {
    const rooms = createRooms();
    const app = fastify();
    await app.register(websocket);
    app.get('/', { websocket: true }, (socket, request) => rooms.enter(socket, request.url));
    await app.listen({ port, host: '127.0.0.1' });
    return rooms.publish;
  },
  async 'socket.io'(port) {
    const server = createServer();
    const io = new Server(server, { transports: ['websocket'], serveClient: false });
    io.on('connection', (socket) => void socket.join(String(socket.handshake.query['room'])));
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return (room, payload) => io.to(`r${room}`).emit('message', JSON.parse(payload));
  },
};

const [name = '', port, controlPort] = process.argv.slice(2);
const publish = await starters[name]?.(Number(port));
if (publish === undefined) throw new Error(`no such peer: ${name}`);
createControl((socket) => {
  socket.on('error', () => {});
  socket.once('data', (line) => {
    const stop = runSchedule(JSON.parse(line.toString()) as Plan, publish);
    socket.once('close', stop);
  });
}).listen(Number(controlPort), '127.0.0.1', () => process.stdout.write('ready\n'));
