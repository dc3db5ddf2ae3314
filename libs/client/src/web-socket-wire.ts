/** Frames over a WebSocket with the subprotocol `carillon.v1`. */
import type { WebSocketConstructor } from './environment.ts';
import { readFrames, type OpenWire } from './wire.ts';

type SocketEvents = { open: unknown; message: { data: unknown }; close: { code: number }; error: unknown };
type Listen = <T extends keyof SocketEvents>(type: T, listener: (event: SocketEvents[T]) => void) => void;

export const webSocketWire =
  (WebSocket: WebSocketConstructor, url: string): OpenWire =>
  ({ onOpen, onFrame, onHeard, onEnd }) => {
    const socket = new WebSocket(url, ['carillon.v1']);
    const listen = socket.addEventListener.bind(socket) as unknown as Listen;
    let isClosed = false;
    const end = (code: number): void => {
      if (isClosed) return;
      isClosed = true;
      onEnd({ code });
    };
    listen('open', () => !isClosed && onOpen());
    listen('message', ({ data }) => {
      if (isClosed || typeof data !== 'string') return;
      onHeard();
      readFrames(data, (frame) => !isClosed && onFrame(frame));
    });
    listen('close', ({ code }) => end(code));
    // `close` follows; without a listener the `ws` of Node would throw.
    listen('error', () => {});
    return {
      send(frame) {
        // One that is closing throws or drops, as the platform likes; its end is told by `close`.
        try {
          if (!isClosed) socket.send(JSON.stringify(frame));
        } catch {
          // What had no answer is sent again on the next connection.
        }
      },
      close() {
        isClosed = true;
        try {
          socket.close(1000);
        } catch {
          // It was not open yet in a platform that minds.
        }
      },
    };
  };
