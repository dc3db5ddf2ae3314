/** A client of the gateway as a stranger would write it: plain frames, plain HTTP, nothing of the gateway's own code. */
import { WebSocket } from 'ws';

export type Frame = Record<string, unknown> & { t: string };

export type RealtimeClient = {
  /** Everything that came, in order; pings are answered and left out. */
  readonly frames: readonly Frame[];
  send(frame: Record<string, unknown>): void;
  sendRaw(text: string | Uint8Array): void;
  /** Sends a frame with the next id and waits for its answer. */
  ask(frame: Record<string, unknown>): Promise<Frame>;
  /** The first frame, past or to come, that fits. */
  expect(fits: (frame: Frame) => boolean, what?: string, withinMs?: number): Promise<Frame>;
  /** Close code and reason. */
  closed: Promise<{ code: number; reason: string }>;
  close(): void;
  terminate(): void;
};

export type ConnectOptions = {
  /** In the Authorization header of the upgrade. */
  token?: string;
  protocols?: readonly string[];
  headers?: Record<string, string>;
  path?: string;
};

export async function openRealtime(baseUrl: string, options: ConnectOptions = {}): Promise<RealtimeClient> {
  const { token, protocols = ['carillon.v1'], headers = {}, path = '/realtime/ws' } = options;
  const socket = new WebSocket(baseUrl.replace(/^http/, 'ws') + path, [...protocols], {
    headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
  });
  const frames: Frame[] = [];
  const waiters = new Set<(frame: Frame) => void>();
  socket.on('message', (data: Buffer) => {
    for (const line of data.toString().split('\n')) {
      const frame = JSON.parse(line) as Frame;
      if (frame.t === 'ping') {
        socket.send('{"t":"pong"}');
        continue;
      }
      frames.push(frame);
      for (const waiter of waiters) waiter(frame);
    }
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
    socket.once('unexpected-response', (_, response) => reject(new Error(`HTTP ${response.statusCode ?? 0}`)));
  });
  socket.on('error', () => {});
  let nextId = 1;
  const client: RealtimeClient = {
    frames,
    closed,
    send: (frame) => socket.send(JSON.stringify(frame)),
    sendRaw: (text) => socket.send(text),
    ask(frame) {
      const id = nextId++;
      client.send({ ...frame, id });
      return client.expect((answer) => answer['id'] === id, `an answer to ${JSON.stringify(frame)}`);
    },
    expect(fits, what = 'a frame', withinMs = 15_000) {
      const known = frames.find(fits);
      if (known !== undefined) return Promise.resolve(known);
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiters.delete(waiter);
          reject(new Error(`${what} did not come within ${withinMs} ms; last: ${JSON.stringify(frames.slice(-5))}`));
        }, withinMs);
        const waiter = (frame: Frame): void => {
          if (!fits(frame)) return;
          clearTimeout(timer);
          waiters.delete(waiter);
          resolve(frame);
        };
        waiters.add(waiter);
      });
    },
    close: () => socket.close(1000),
    terminate: () => socket.terminate(),
  };
  return client;
}

export type Answer = { status: number; body: Record<string, unknown>; headers: Headers };

/** One HTTP call with a deadline. A string body is sent as it is. */
export async function call(
  baseUrl: string,
  method: string,
  path: string,
  { token, body, headers = {} }: { token?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const response = await fetch(baseUrl + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(15_000),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
    headers: response.headers,
  };
}

/** A development token of a demo person. */
export async function tokenOf(baseUrl: string, person: string): Promise<string> {
  const { body } = await call(baseUrl, 'POST', '/v1/dev/token', { body: { person } });
  return String(body['token']);
}
