import { expect, test } from '@jest/globals';
import { advance, eventBytes, eventId, parseEventId, type Positions } from './event-stream.ts';

const frame = Buffer.from('{"t":"msg"}');
const streams = ['PERSON', 'CARE', 'VITALS'] as const;

test('an event is its name, its id and one line of data', () => {
  expect(eventBytes('alert:raised', 'CARE:e7-5', frame).toString()).toBe(
    'event: alert:raised\nid: CARE:e7-5\ndata: {"t":"msg"}\n\n',
  );
  expect(eventBytes('ready', '', frame).toString()).toBe('event: ready\ndata: {"t":"msg"}\n\n');
});

test.each([
  ['a\nb', 'a b'],
  ['a\r\nb\rc', 'a  b c'],
  ['a\n\ndata: evil', 'a  data: evil'],
  ['a\0b', 'a b'],
  ['\n', 'message'],
  ['', 'message'],
])('the name %j is written as %j', (name, written) => {
  expect(eventBytes(name, 'x\r\ny\0', frame).toString()).toBe(`event: ${written}\nid: x  y\ndata: {"t":"msg"}\n\n`);
});

test('an id comes back as the positions that it was made of, of the streams that are asked for', () => {
  const positions: Positions = new Map([
    ['CARE', { epoch: 'e7', sequence: 4711, upToRoom: 'patient:p1' }],
    ['PERSON', { epoch: 'e7', sequence: 12 }],
  ]);
  expect(eventId(positions)).toBe('CARE:e7-4711!patient:p1,PERSON:e7-12');
  expect(parseEventId(eventId(positions), streams)).toEqual(positions);
  expect([...parseEventId(eventId(positions), ['PERSON', 'VITALS']).keys()]).toEqual(['PERSON']);
});

test.each([
  '1',
  ',',
  'CARE',
  'CARE:',
  'CARE:e7',
  'CARE:e7-1,',
  'care:e7-1',
  'CARE:e7-1!',
  'CARE:e7-1!a b',
  'CARE:e7-1\n',
])('%j tells nothing, so that everything is lost', (id) => {
  const lost = { epoch: '0', sequence: 0 };
  expect([...parseEventId(id, streams)]).toEqual(streams.map((stream) => [stream, lost]));
});

test('a position moves forward only, and the last copy of a message completes it', () => {
  const positions: Positions = new Map();
  const after = (sequence: number, upToRoom?: string): string => {
    advance(positions, 'CARE', { epoch: 'e7', sequence, ...(upToRoom === undefined ? {} : { upToRoom }) });
    return eventId(positions);
  };
  expect(after(5)).toBe('CARE:e7-5');
  expect(after(4)).toBe('CARE:e7-5');
  expect(after(5, 'patient:p1')).toBe('CARE:e7-5');
  expect(after(6, 'patient:p1')).toBe('CARE:e7-6!patient:p1');
  expect(after(6)).toBe('CARE:e7-6');
});
