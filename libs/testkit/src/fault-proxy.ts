/**
 * A TCP proxy on loopback with the faults of networks, which may change while it runs. Faults hold for all its
 * connections, those that are open and those to come, each on a line of its own. The buffers of the kernels before and
 * behind it stay what they are: a sender who is not read may still write some hundred kilobytes.
 */
import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { createPipe, noFaults, type Count, type Faults, type Pipe } from './fault-pipe.ts';

export type { Faults };
export type Side = 'client' | 'server';
export type Direction = 'toServer' | 'toClient';

export type FaultProxy = {
  readonly port: number;
  /** Changes these faults of one direction or both. Swallowing both ways is a half-open connection: nobody is told. */
  inject(direction: Direction | 'both', faults: Partial<Faults>): void;
  /** No faults any more. What was swallowed stays lost, so such a connection should be cut. */
  heal(): void;
  /** Ends all connections now, to both sides. libuv takes a reset that comes together with data for an orderly end. */
  cut(by: 'fin' | 'reset'): void;
  /** All connections of this side are gone, as with a machine without power; the other side is never told. */
  vanish(side: Side): void;
  /** From now on connections are refused by the system; those that are open stay. */
  refuse(): Promise<void>;
  /** Takes connections again, on the same port. */
  accept(): Promise<void>;
  /** Connections of which one side at least is open, those ever made, and bytes over all of them. */
  counts(): { open: number; ever: number; toServer: Count; toClient: Count };
  /** Cuts everything and leaves nothing behind. */
  close(): Promise<void>;
};

/**
 * `resetAndDestroy` shuts down first, so that the peer may see an orderly end first. With this mark of Node's
 * own `destroy` sends the reset and nothing else.
 */
const reset = (socket: Socket): void => {
  Reflect.set(socket, 'resetAndClosing', true);
  socket.destroy();
};

type Pair = { client: Socket; server: Socket; pipes: readonly Pipe[]; isSilent: boolean };

/** @param target a port of this machine, or of `host` */
export async function startFaultProxy(target: { port: number; host?: string }): Promise<FaultProxy> {
  const faults: Record<Direction, Faults> = { toServer: { ...noFaults }, toClient: { ...noFaults } };
  const counts = { toServer: { read: 0, forwarded: 0 }, toClient: { read: 0, forwarded: 0 } };
  const pairs = new Set<Pair>();
  let ever = 0;

  const cutPair = (pair: Pair, by: 'fin' | 'reset'): void => {
    for (const pipe of pair.pipes) pipe.stop();
    for (const socket of [pair.client, pair.server]) {
      if (by === 'reset') reset(socket);
      else {
        // What still comes must be read, or the system would answer it with a reset.
        socket.resume();
        socket.end();
      }
    }
  };
  const onConnection = (client: Socket): void => {
    ever++;
    const server = createConnection({ host: '127.0.0.1', ...target, allowHalfOpen: true });
    for (const socket of [client, server]) socket.setNoDelay(true);
    const pipe = (direction: Direction, source: Socket, sink: Socket): Pipe =>
      createPipe(
        { source, sink },
        {
          faults: () => faults[direction],
          count: counts[direction],
          onCut: () => cutPair(pair, faults[direction].cutBy),
        },
      );
    const pair: Pair = {
      client,
      server,
      isSilent: false,
      pipes: [pipe('toServer', client, server), pipe('toClient', server, client)],
    };
    pairs.add(pair);
    const watch = (socket: Socket, other: Socket, direction: Direction): void => {
      // Each error is followed by `close`, which says that there was one.
      socket.on('error', () => {});
      socket.on('close', (hadError) => {
        if (client.closed && server.closed) {
          for (const each of pair.pipes) each.stop();
          pairs.delete(pair);
        } else if (hadError && !pair.isSilent && !faults[direction].isSwallowing) reset(other);
      });
    };
    watch(client, server, 'toServer');
    watch(server, client, 'toClient');
    for (const each of pair.pipes) each.faultsChanged();
  };

  let listener: Server | undefined;
  const listen = async (port: number): Promise<number> => {
    listener = createServer({ allowHalfOpen: true }, onConnection).listen(port, '127.0.0.1');
    await once(listener, 'listening');
    const address = listener.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  };
  const port = await listen(0);
  const change = (): void => {
    for (const pair of pairs) for (const pipe of pair.pipes) pipe.faultsChanged();
  };
  const refuse = (): Promise<void> => {
    // Its callback waits for the connections that are open; the port is free at once.
    listener?.close();
    listener = undefined;
    return Promise.resolve();
  };
  return {
    port,
    inject(direction, given) {
      const directions = direction === 'both' ? (['toServer', 'toClient'] as const) : [direction];
      for (const each of directions) Object.assign(faults[each], given);
      change();
    },
    heal() {
      for (const each of Object.values(faults)) Object.assign(each, noFaults);
      change();
    },
    cut(by) {
      for (const pair of pairs) cutPair(pair, by);
    },
    vanish(side) {
      for (const pair of pairs) {
        pair.isSilent = true;
        reset(pair[side]);
      }
    },
    refuse,
    async accept() {
      if (listener === undefined) await listen(port);
    },
    counts: () => structuredClone({ open: pairs.size, ever, ...counts }),
    async close() {
      await refuse();
      const closed = [...pairs].flatMap(({ client, server }) =>
        [client, server].filter((socket) => !socket.closed).map((socket) => once(socket, 'close')),
      );
      for (const pair of pairs) cutPair(pair, 'reset');
      await Promise.all(closed);
    },
  };
}
