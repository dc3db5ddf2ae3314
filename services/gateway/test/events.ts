/** A client of event streams as a browser has it: the fields of the standard, and nothing of the gateway's own code. */
import { request, type IncomingMessage } from 'node:http';
import type { Frame } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';

export type ServerEvent = { event: string; id: string; data: string; frame: Frame };

export type EventClient = {
  status: number;
  headers: IncomingMessage['headers'];
  /** In order. */
  readonly events: readonly ServerEvent[];
  /** Comments and `retry` as they came. */
  readonly others: readonly string[];
  /** The text as it came. */
  text(): string;
  lastEventId(): string;
  expect(fits: (event: ServerEvent) => boolean, what?: string): Promise<ServerEvent>;
  messages(room?: string): Frame[];
  pause(): void;
  resume(): void;
  /** Whether it came to its end in order. */
  ended: Promise<boolean>;
  close(): void;
};

export type EventOptions = { token?: string; lastEventId?: string; headers?: Record<string, string> };

/** The algorithm of the standard: CR, LF and CRLF each end a line. */
function parse(text: string): { events: ServerEvent[]; others: string[] } {
  const events: ServerEvent[] = [];
  const others: string[] = [];
  let id = '';
  let event = '';
  let data: string[] = [];
  const end = Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r'));
  for (const line of text.slice(0, end + 1).split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (line === '') {
      if (data.length > 0) {
        const whole = data.join('\n');
        events.push({ event: event || 'message', id, data: whole, frame: JSON.parse(whole) as Frame });
      }
      event = '';
      data = [];
    } else if (name === 'event') event = value;
    else if (name === 'data') data.push(value);
    else if (name === 'id') id = value.includes('\0') ? id : value;
    else others.push(line);
  }
  return { events, others };
}

export async function openEvents(url: string, options: EventOptions = {}): Promise<EventClient> {
  const { token, lastEventId, headers = {} } = options;
  const asking = request(url, {
    agent: false,
    headers: {
      ...headers,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
  });
  asking.end();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    asking.once('response', resolve);
    asking.once('error', reject);
  });
  asking.on('error', () => {});
  response.on('error', () => {});
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise<boolean>((resolve) => {
    response.once('close', () => resolve(response.complete));
  });
  let parsed: ReturnType<typeof parse> = { events: [], others: [] };
  let parsedChunks = 0;
  const now = (): ReturnType<typeof parse> => {
    if (parsedChunks !== chunks.length) parsed = parse(Buffer.concat(chunks).toString());
    parsedChunks = chunks.length;
    return parsed;
  };
  const client: EventClient = {
    status: response.statusCode ?? 0,
    headers: response.headers,
    get events() {
      return now().events;
    },
    get others() {
      return now().others;
    },
    text: () => Buffer.concat(chunks).toString(),
    lastEventId: () => client.events.at(-1)?.id ?? '',
    // Longer than the gateway reads again what the server did not give.
    expect: (fits, what = 'an event') => eventually(() => client.events.find(fits), { what, withinMs: 60_000 }),
    messages: (room) =>
      client.events
        .map(({ frame }) => frame)
        .filter((frame) => frame.t === 'msg' && (room === undefined || frame['room'] === room)),
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    ended,
    close: () => asking.destroy(),
  };
  return client;
}
