/** Ours and the peers, as wsload meets them: where to connect, what to say, and how something is published. */
import { freePort } from '../free-port.ts';
import type { Desk } from './desk.ts';
import { programOf, startPinned, type Pinned } from './pinned.ts';
import type { Publishing } from './publisher.ts';
import { alertRoom, patientRoom, vitalsRoom } from './rooms.ts';
import type { Plan } from './schedule.ts';
import { flags } from './wsload.ts';

export type Server = Pinned & {
  /**
   * The arguments that say where, and what each client says until it is ready.
   * @param rooms the clients spread over these
   * @param isIdle ours enters all three lanes: two rooms besides its own of the person
   */
  connect(rooms: number, isIdle?: boolean): string[];
  publishing(plan: Plan): Publishing;
};

export type ServerName = 'ours' | 'ws' | '@fastify/websocket' | 'Socket.IO';
export type Starter = { name: ServerName; start(): Promise<Server> };

export const frame = (value: object): string => JSON.stringify(value);

/** What a client of ours says, as arguments of wsload. */
export const clientOfOurs = (desk: Desk, port: number): string[] => [
  ...flags({ '--token-file': desk.tokenFile, '--reply': '{"t":"ping"}={"t":"pong"}' }),
  ...['Authorization: Bearer {token}', 'Sec-WebSocket-Protocol: carillon.v1'].flatMap((header) => ['-H', header]),
  '--wait',
  '"t":"ready"',
  `ws://127.0.0.1:${port}/realtime/ws`,
];

const ours = (desk: Desk): Starter => ({
  name: 'ours',
  async start() {
    const gateway = await desk.startGateway();
    return {
      ...gateway,
      connect(rooms, isIdle = false) {
        const room = `{i%${rooms}}`;
        const names = isIdle ? [patientRoom(room), vitalsRoom(room)] : [alertRoom(room)];
        const subscribe = (name: string, index: number): string[] => [
          '--send',
          frame({ t: 'subscribe', id: index + 1, room: name }),
          '--wait-re',
          `"id":${index + 1}[,}]`,
        ];
        return [...clientOfOurs(desk, gateway.port), ...names.flatMap(subscribe)];
      },
      publishing: (plan) => ({ plan, natsUrl: desk.nats().url }),
    };
  },
});

const socketIoScript = ['--wait-re', '^0[{]', '--send', '40', '--wait-re', '^40', '--reply', '2=3'];

const peer = (
  name: ServerName,
  { program, path, script = [] }: { program: string; path: string; script?: string[] },
): Starter => ({
  name,
  async start() {
    const [port, controlPort] = [await freePort(), await freePort()];
    const pinned = await startPinned(programOf('peer'), [program, String(port), String(controlPort)], {});
    return {
      ...pinned,
      connect: (rooms) => [...script, `ws://127.0.0.1:${port}${path}room=r{i%${rooms}}`],
      publishing: (plan) => ({ plan, controlPort }),
    };
  },
});

export const startersOf = (desk: Desk): readonly Starter[] => [
  ours(desk),
  peer('ws', { program: 'ws', path: '/?' }),
  peer('@fastify/websocket', { program: 'fastify', path: '/?' }),
  peer('Socket.IO', {
    program: 'socket.io',
    path: '/socket.io/?EIO=4&transport=websocket&',
    script: socketIoScript,
  }),
];
