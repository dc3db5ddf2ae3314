/** That the suite notices: a server of a few lines conforms to one check, and each of its lies makes that check fail. */
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { runConformance, type Report } from '../src/suite.ts';
import { targetOf } from '../src/target.ts';
import { createDecoder, encodeWireFrame, opcodes, type Draft } from '../src/wire-frames.ts';

type Ask = { t: string; id: number; room: string };
type Lie = {
  ready?: Record<string, unknown>;
  answer?: (ask: Ask) => Record<string, unknown>;
  draft?: Partial<Draft>;
  onAsk?: (ask: Ask, server: Server) => void;
  delayMs?: (ask: Ask) => number;
};

const ready = {
  t: 'ready',
  connection: 'c-1',
  person: 'n1',
  now: '2026-11-21T08:00:00.000Z',
  expiresAt: '2026-11-21T20:00:00.000Z',
  ping: { everyMs: 60_000, waitMs: 7_000 },
  bulk: { messages: 16, bytes: 4_096 },
  limits: { frameBytes: 32_768, rooms: 128, callsPerMinute: 120 },
  rooms: ['person:n1'],
};
const answerTo = ({ t, id, room }: Ask): Record<string, unknown> =>
  t === 'subscribe' ? { t: 'subscribed', id, room, pos: 'e-1', lane: 'critical', recovery: 'fresh' } : { t: 'ok', id };

let server: Server;
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function startServer({
  ready: more = {},
  answer = answerTo,
  draft = {},
  onAsk = () => {},
  delayMs,
}: Lie): Promise<URL> {
  const sockets = new Set<{ destroy(): void }>();
  server = createServer((_, response) => response.writeHead(404).end());
  server.on('upgrade', (request, socket) => {
    sockets.add(socket);
    const key = `${String(request.headers['sec-websocket-key'])}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    const head = ['HTTP/1.1 101 Switching Protocols', 'upgrade: websocket', 'connection: upgrade'];
    socket.write(`${[...head, `sec-websocket-accept: ${accept}`].join('\r\n')}\r\n\r\n`);
    const send = (frame: Draft): void => void socket.write(encodeWireFrame({ isMasked: false, ...frame }));
    const sendText = (value: unknown): void => send({ payload: JSON.stringify(value), ...draft });
    const decode = createDecoder();
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      for (const { opcode, payload } of decode(chunk)) {
        if (opcode === opcodes.ping) send({ opcode: opcodes.pong, payload });
        if (opcode !== opcodes.text) continue;
        const ask = JSON.parse(payload.toString()) as Ask;
        onAsk(ask, server);
        // Told in the order in which it was asked unless a lie is about that.
        if (delayMs === undefined) sendText(answer(ask));
        else setTimeout(() => sendText(answer(ask)), delayMs(ask));
      }
    });
    sendText({ ...ready, ...more });
  });
  server.closeAllConnections = () => sockets.forEach((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

const claims = Buffer.from(JSON.stringify({ sub: 'n1', hospital: 'h1', roles: ['nurse'] })).toString('base64url');
const judge = async (lie: Lie): Promise<Report> =>
  runConformance(
    { ...targetOf(await startServer(lie), `x.${claims}.x`, {}), withinMs: 1_000 },
    { only: 'ids may begin at 0', neighbourMs: 500 },
  );

test('a server that does what it should conforms', async () => {
  const report = await judge({});
  expect(report.outcomes).toMatchObject([{ result: 'passed' }]);
  expect(report).toMatchObject({ isGood: true, neighbour: { complaints: [] } });
});

test.each<[string, Lie, string]>([
  ['a frame with an unknown field', { ready: { more: 1 } }, 'ready breaks its schema'],
  ['a frame without a field', { ready: { bulk: undefined } }, 'ready breaks its schema'],
  ['masked frames', { draft: { isMasked: true } }, 'a masked frame'],
  ['reserved bits', { draft: { reservedBits: 4 } }, 'reserved bits'],
  ['binary frames', { draft: { opcode: opcodes.binary } }, 'binary'],
  [
    'an answer to another id',
    { answer: (ask) => ({ ...answerTo(ask), id: ask.id === 7 ? 8 : ask.id }) },
    'the answer to 7 did not come',
  ],
  [
    'an error in place of the answer',
    { answer: (ask) => (ask.id === 7 ? { t: 'err', id: 7, code: 'odd', message: '', retry: 'never' } : answerTo(ask)) },
    'err breaks its schema',
  ],
])('a server that sends %s fails', async (_, lie, why) => {
  const report = await judge(lie).catch((error: unknown) => ({ isGood: false, why: String(error) }));
  expect(report.isGood).toBe(false);
  expect(JSON.stringify(report)).toContain(why);
});

test('a neighbour that is cut off is noticed', async () => {
  const report = await judge({
    onAsk: ({ id }, { closeAllConnections }) => void (id === 7 && setImmediate(closeAllConnections)),
  });
  expect(report.isGood).toBe(false);
  expect(JSON.stringify(report)).toContain('the neighbour noticed: it was closed with 1006');
});

test('a neighbour that is answered late is noticed', async () => {
  const report = await judge({ delayMs: ({ room }) => (room === 'no:such:room' ? 700 : 0) });
  expect(report.isGood).toBe(false);
  expect(JSON.stringify(report)).toContain('the neighbour noticed: an answer took 7');
});
