import { expect, test } from '@jest/globals';
import { createTransports } from './transports.ts';
import type { OpenWire, TransportName } from './wire.ts';

const open: OpenWire = () => ({ send: () => {}, close: () => {} });

/** What is tried while nothing opens. */
const tryInVain = (transports: ReturnType<typeof createTransports>, times: number): TransportName[] =>
  Array.from({ length: times }, () => {
    const { transport } = transports.choose(false);
    transports.failed(transport, false);
    return transport;
  });

test('where no WebSocket has ever opened an event stream is tried in turns after three', () => {
  const transports = createTransports({ webSocket: open, sse: open });
  const [ws, sse] = ['webSocket', 'sse'];
  expect(tryInVain(transports, 7)).toEqual([ws, ws, ws, sse, ws, sse, ws]);
});

test('where one has opened before, a server that is away is mostly tried by WebSocket, which resumes its rooms', () => {
  const transports = createTransports({ webSocket: open, sse: open });
  transports.opened('webSocket');
  const tried = tryInVain(transports, 21);
  expect(tried.indexOf('sse')).toBe(6);
  expect(tried.filter((transport) => transport === 'sse')).toHaveLength(3);
});
