/** A client of `carillon.v1` that judges each frame it gets, and lets its user send what no client should. */
import { opcodes, wireFault, type WireFrame } from './wire-frames.ts';
import { openWire, type Answered, type Ending, type Wire } from './wire.ts';
import type { Frame, Recorder } from './recorder.ts';

export type ClientOptions = {
  token?: string | undefined;
  path?: string;
  protocols?: readonly string[];
  headers?: Readonly<Record<string, string | undefined>>;
  method?: string;
  /** Answers no `ping`. */
  isSilent?: boolean;
};

export type Client = {
  /** All but pings, in order. */
  readonly frames: readonly Frame[];
  /** When each `ping` of the protocol came, in ms. */
  readonly pings: readonly number[];
  headers: ReadonlyMap<string, string>;
  wire: Wire;
  send(...frames: readonly Record<string, unknown>[]): void;
  /** Sends a frame with the next id. @returns its answer */
  ask(frame: Record<string, unknown>): Promise<Frame>;
  /** The first frame, past or to come, that fits. */
  expect(fits: (frame: Frame) => boolean, what: string, withinMs?: number): Promise<Frame>;
  /** Sends a ping of WebSocket itself. @returns when its pong came */
  pong(payload?: string): Promise<void>;
  messages(room?: string): Frame[];
  closed: Promise<Ending>;
  /** Leaves in order. */
  close(): void;
};

export const subprotocol = 'carillon.v1';

type Waiter = { fits: (frame: Frame) => boolean; resolve: (frame: Frame) => void };

export type Opened = Omit<Answered, 'wire'> & { client: Client | undefined };

export async function openClient(
  url: URL,
  { token, path = '/realtime/ws', protocols = [subprotocol], headers = {}, method = 'GET', isSilent }: ClientOptions,
  { recorder, withinMs: usually }: { recorder: Recorder; withinMs: number },
): Promise<Opened> {
  const frames: Frame[] = [];
  const pings: number[] = [];
  const waiters = new Set<Waiter>();
  const pongs: { payload: string; resolve: () => void }[] = [];
  let fragments: Buffer[] = [];
  let wire: Wire | undefined;
  let nextId = 1;

  const take = (frame: Frame): void => {
    if (frame.t === 'ping') {
      pings.push(performance.now());
      if (isSilent !== true) send({ t: 'pong' });
      return;
    }
    frames.push(frame);
    for (const waiter of waiters) if (waiter.fits(frame)) waiter.resolve(frame);
  };
  const takeText = (text: string): void => {
    for (const line of text.split('\n')) {
      const frame = line.trim() === '' ? undefined : recorder.received(line);
      if (frame !== undefined) take(frame);
    }
  };
  const onFrame = (frame: WireFrame): void => {
    const fault = wireFault(frame);
    if (fault !== undefined) recorder.fault(`the server sent ${fault}`);
    const { opcode, isFinal, payload } = frame;
    if (opcode === opcodes.binary) recorder.fault('the server sent a binary frame');
    if (opcode === opcodes.pong) pongs.find((each) => each.payload === payload.toString())?.resolve();
    if (opcode !== opcodes.text && opcode !== opcodes.continuation) return;
    fragments.push(payload);
    if (!isFinal) return;
    const text = Buffer.concat(fragments).toString();
    fragments = [];
    takeText(text);
  };
  const send = (...sent: readonly Record<string, unknown>[]): void => {
    for (const frame of sent) recorder.sent(frame);
    wire?.send({ payload: sent.map((frame) => JSON.stringify(frame)).join('\n') });
  };

  const answered = await openWire(url, {
    path,
    method,
    headers: {
      ...(protocols.length === 0 ? {} : { 'sec-websocket-protocol': protocols.join(', ') }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    onFrame,
  });
  if (answered.wire === undefined) return { ...answered, client: undefined };
  wire = answered.wire;
  const opened = wire;
  const closed = opened.closed.then((ending) => {
    recorder.ended(ending.code);
    return ending;
  });
  const within = <T>(work: Promise<T>, what: string, withinMs = usually): Promise<T> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const fail = (why: string): void =>
        reject(new Error(`${what} did not come ${why}; last: ${JSON.stringify(frames.slice(-3))}`));
      timer = setTimeout(() => fail(`within ${withinMs} ms`), withinMs);
      // What came before the end has been taken by now.
      void closed.then(({ code }) => fail(`before the end with ${code}`));
    });
    return Promise.race([work, late]).finally(() => clearTimeout(timer));
  };
  const client: Client = {
    frames,
    pings,
    headers: answered.headers,
    wire: opened,
    send,
    ask(frame) {
      const id = nextId++;
      send({ ...frame, id });
      return client.expect((answer) => answer['id'] === id, `an answer to ${JSON.stringify(frame).slice(0, 200)}`);
    },
    expect(fits, what, withinMs) {
      const known = frames.find(fits);
      if (known !== undefined) return Promise.resolve(known);
      let waiter: Waiter | undefined;
      const coming = new Promise<Frame>((resolve) => waiters.add((waiter = { fits, resolve })));
      return within(coming, what, withinMs).finally(() => waiter !== undefined && waiters.delete(waiter));
    },
    pong(payload = String(performance.now())) {
      const coming = new Promise<void>((resolve) => pongs.push({ payload, resolve }));
      opened.send({ opcode: opcodes.ping, payload });
      return within(coming, 'a pong').finally(() => {
        const index = pongs.findIndex((each) => each.payload === payload);
        if (index >= 0) pongs.splice(index, 1);
      });
    },
    messages: (room) => frames.filter((frame) => frame.t === 'msg' && (room === undefined || frame['room'] === room)),
    closed,
    close: () => opened.send({ opcode: opcodes.close, payload: Buffer.from([0x03, 0xe8]) }),
  };
  return { ...answered, client };
}
