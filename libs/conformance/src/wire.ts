/** A WebSocket over a plain or TLS socket, down to the byte. What it is told to send it sends, good or not. */
import { createHash, randomBytes } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { closePayload, createDecoder, encodeWireFrame, opcodes, type Draft, type WireFrame } from './wire-frames.ts';

const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const connectWithinMs = 10_000;
/** No close frame came: the code that browsers show for it. */
const abnormal = 1006;

export type Ending = { code: number; reason: string };

export type Wire = {
  send(draft: Draft): void;
  write(bytes: Uint8Array): void;
  pause(): void;
  resume(): void;
  /** Of the server, or 1006 where the link ended without one. */
  closed: Promise<Ending>;
  destroy(): void;
};

export type Answered = {
  status: number;
  headers: ReadonlyMap<string, string>;
  /** Of an answer other than 101. */
  body: string;
  /** After 101. */
  wire: Wire | undefined;
};

export type Upgrade = {
  path: string;
  /** Besides or instead of the good ones; undefined leaves one out. */
  headers?: Readonly<Record<string, string | undefined>>;
  method?: string;
  /** Hears each frame, in order. */
  onFrame?: (frame: WireFrame) => void;
};

export function openSocket(url: URL): Promise<Socket> {
  const isSecure = url.protocol === 'wss:' || url.protocol === 'https:';
  const port = url.port === '' ? (isSecure ? 443 : 80) : Number(url.port);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return new Promise((resolve, reject) => {
    const socket = isSecure ? connectTls({ host, port, servername: host }) : connectTcp({ host, port });
    socket.setTimeout(connectWithinMs, () => socket.destroy(new Error('The server does not answer')));
    socket.once('error', reject);
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      socket.setTimeout(0);
      socket.off('error', reject);
      // Its end is told by `close`, with or without an error before it.
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

/** The head of an upgrade; `key` is what the server must answer to. */
export function upgradeHead(url: URL, { path, headers = {}, method = 'GET' }: Upgrade, key: string): string {
  const all: Record<string, string | undefined> = {
    host: url.host,
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-key': key,
    'sec-websocket-version': '13',
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return `${[`${method} ${path} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`;
}

function parseHead(head: string): { status: number; headers: Map<string, string> } {
  const [first = '', ...lines] = head.split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? 0), headers };
}

/** Reads up to the end of the head. @returns the head, and what came behind it */
function readHead(socket: Socket): Promise<{ head: string; rest: Buffer }> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const timer = setTimeout(() => fail(), connectWithinMs);
    const settle = (): void => {
      clearTimeout(timer);
      socket.off('data', onData);
      socket.off('close', fail);
    };
    const fail = (): void => {
      settle();
      socket.destroy();
      reject(new Error(`No answer to the upgrade; it began with ${JSON.stringify(bytes.toString().slice(0, 60))}`));
    };
    const onData = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      settle();
      // What follows at once must wait for its listener.
      socket.pause();
      resolve({ head: bytes.subarray(0, end).toString(), rest: bytes.subarray(end + 4) });
    };
    socket.on('data', onData);
    socket.once('close', fail);
  });
}

async function readBody(socket: Socket, length: number, rest: Buffer): Promise<string> {
  const body = [rest];
  let missing = length - rest.length;
  if (missing > 0) {
    const timer = setTimeout(() => socket.destroy(), connectWithinMs);
    for await (const chunk of socket) {
      body.push(chunk as Buffer);
      missing -= (chunk as Buffer).length;
      if (missing <= 0) break;
    }
    clearTimeout(timer);
  }
  return Buffer.concat(body).toString();
}

function createWire(socket: Socket, rest: Buffer, onFrame: (frame: WireFrame) => void): Wire {
  const decode = createDecoder();
  let ending: Ending | undefined;
  const closed = new Promise<Ending>((resolve) => {
    socket.once('close', () => resolve(ending ?? { code: abnormal, reason: '' }));
  });
  const write = (bytes: Uint8Array): void => {
    if (!socket.destroyed && socket.writable) socket.write(bytes);
  };
  const send = (draft: Draft): void => write(encodeWireFrame(draft));
  const take = (chunk: Buffer): void => {
    for (const frame of decode(chunk)) {
      if (ending !== undefined) return;
      onFrame(frame);
      if (frame.opcode === opcodes.ping) send({ opcode: opcodes.pong, payload: frame.payload });
      if (frame.opcode !== opcodes.close) continue;
      const hasCode = frame.payload.length >= 2;
      const code = hasCode ? frame.payload.readUInt16BE(0) : 1005;
      ending = { code, reason: frame.payload.subarray(2).toString() };
      send({ opcode: opcodes.close, payload: hasCode ? closePayload(code) : '' });
      socket.end();
    }
  };
  socket.on('data', take);
  if (rest.length > 0) take(rest);
  socket.resume();
  return {
    send,
    write,
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    closed,
    destroy: () => socket.destroy(),
  };
}

/** @throws when there is no answer, or one that breaks RFC 6455 */
export async function openWire(url: URL, upgrade: Upgrade): Promise<Answered> {
  const socket = await openSocket(url);
  const key = randomBytes(16).toString('base64');
  const answer = readHead(socket);
  socket.write(upgradeHead(url, upgrade, key));
  const { head, rest } = await answer;
  const { status, headers } = parseHead(head);
  if (status !== 101) {
    const body = await readBody(socket, Number(headers.get('content-length') ?? 0), rest);
    socket.destroy();
    return { status, headers, body, wire: undefined };
  }
  const sent = upgrade.headers?.['sec-websocket-key'] ?? key;
  const expected = createHash('sha1').update(`${sent}${guid}`).digest('base64');
  const isGood = headers.get('sec-websocket-accept') === expected && !headers.has('sec-websocket-extensions');
  if (!isGood) {
    socket.destroy();
    throw new Error(`The upgrade is answered wrongly: ${head}`);
  }
  return { status, headers, body: '', wire: createWire(socket, rest, upgrade.onFrame ?? (() => {})) };
}
