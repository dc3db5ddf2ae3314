/** The same conversation by `websocket-driver`, which shares no code with `ws`, and which can ping. */
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { pipeline, type Duplex, type Readable } from 'node:stream';
import type { Conversation, Told } from './standard-client.ts';

/** As much of it as is used here; the package brings no types. */
type Driver = {
  io: Duplex;
  messages: Readable;
  protocol: string;
  start(): boolean;
  text(message: string): boolean;
  ping(payload: string, onPong: () => void): boolean;
  close(reason: string, code: number): boolean;
  on(event: 'close', heard: (event: { code: number }) => void): void;
};
type Library = { client(url: string, options: { protocols: readonly string[]; maxLength: number }): Driver };

const library = createRequire(import.meta.url)('websocket-driver') as Library;

type Frame = { t: string; mid: string; pos: string; recovery: string; data: { number: number; filling: string } };

function open(url: string, protocols: readonly string[], onFrame: (frame: Frame, driver: Driver) => void) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const driver = library.client(url, { protocols, maxLength: 1_000_000 });
  pipeline(socket, driver.io, socket, () => socket.destroy());
  driver.messages.on('data', (text: string) => {
    for (const line of text.split('\n')) {
      if (line === '{"t":"ping"}') driver.text('{"t":"pong"}');
      else onFrame(JSON.parse(line) as Frame, driver);
    }
  });
  const closed = new Promise<number>((resolve) => {
    driver.on('close', ({ code }) => resolve(code));
  });
  socket.once('connect', () => driver.start());
  return closed;
}

/** @returns what it was told, and how many of its pings came back */
export async function converseByDriver(
  { url, token, room, last }: Conversation,
  told: () => void,
): Promise<Told & { pongs: number }> {
  const good = ['carillon.v1', `bearer.${token}`];
  let pongs = 0;
  const listen = async (from: string | undefined) => {
    const messages: Told['live'] = [];
    let recovery = '';
    let tenth = '';
    const code = await open(url, good, (frame, driver) => {
      if (frame.t === 'ready') driver.text(JSON.stringify({ t: 'subscribe', id: 1, room, from }));
      if (frame.t === 'subscribed') {
        recovery = frame.recovery;
        driver.ping('are you there', () => {
          pongs++;
          told();
        });
      }
      if (frame.t !== 'msg') return;
      messages.push([frame.mid, frame.data.number, frame.data.filling.length]);
      if (messages.length === 10) tenth = frame.pos;
      if (frame.data.number === last) driver.close('', 1000);
    });
    return { messages, recovery, tenth, code };
  };
  const closedFor = (text: string): Promise<number> =>
    open(url, good, (frame, driver) => {
      if (frame.t === 'ready') driver.text(text);
    });
  const live = await listen(undefined);
  const { messages: resumed, recovery } = await listen(live.tenth);
  const closes = [
    await open(url, ['chat.v1'], () => {}),
    await closedFor('{"t":'),
    await closedFor('x'.repeat(40_000)),
    live.code,
  ];
  return { live: live.messages, recovery, resumed, closes, pongs };
}
