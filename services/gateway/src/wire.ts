/**
 * Writing to a client's socket without going through `ws`, which makes a header for each client. The same bytes serve all
 * who are in a room; what `ws` checks before it writes is then ours to check, and nothing else may touch the socket.
 */
import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';

/**
 * @returns the TCP socket below, when bytes may be written to it as they are: no TLS of ours, no extension that changes
 *   frames. Undefined where `ws.send` must be used.
 */
export function plainSocketOf(socket: WebSocket): Socket | undefined {
  const below: unknown = Reflect.get(socket, '_socket');
  const isPlain = below instanceof Socket && !(below instanceof TLSSocket) && socket.extensions === '';
  return isPlain ? below : undefined;
}

/** @returns whether it was taken; after a close frame or the end of the socket nothing may follow */
export function writeWire(socket: WebSocket, plain: Socket, wire: Buffer): boolean {
  if (socket.readyState !== WebSocket.OPEN || plain.destroyed || !plain.writable) return false;
  plain.write(wire);
  return true;
}
