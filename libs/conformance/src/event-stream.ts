/** A reader of Server-Sent Events by the algorithm of the standard. */
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Frame, Recorder } from './recorder.ts';

export type StreamEvent = { event: string; id: string; frame: Frame };

export type EventStream = {
  status: number;
  headers: IncomingMessage['headers'];
  readonly events: readonly StreamEvent[];
  /** Comments and `retry`. */
  readonly others: readonly string[];
  expect(fits: (event: StreamEvent) => boolean, what: string): Promise<StreamEvent>;
  expectComment(withinMs: number): Promise<void>;
  /** Of an answer other than 200. */
  text: Promise<string>;
  close(): void;
};

type Options = { token?: string | undefined; headers?: Readonly<Record<string, string>> };

export async function openEventStream(
  url: URL,
  { token, headers = {} }: Options,
  { recorder, withinMs }: { recorder: Recorder; withinMs: number },
): Promise<EventStream> {
  const asking = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
    agent: false,
    headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
  });
  asking.end();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    asking.once('response', resolve);
    asking.once('error', reject);
  });
  asking.on('error', () => {});
  response.on('error', () => {});
  const events: StreamEvent[] = [];
  const others: string[] = [];
  const looks = new Set<() => void>();
  let whole = '';
  let rest = '';
  let event = '';
  let id = '';
  let data: string[] = [];

  const dispatch = (): void => {
    const frame = data.length === 0 ? undefined : recorder.received(data.join('\n'));
    if (data.length > 1) recorder.fault('the data of an event holds more than one line');
    if (frame !== undefined) {
      if ('id' in frame) recorder.fault('a frame of an event stream has an id in it');
      events.push({ event, id, frame });
    }
    event = '';
    data = [];
  };
  const takeLine = (line: string): void => {
    const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (line === '') dispatch();
    else if (name === 'event') event = value;
    else if (name === 'data') data.push(value);
    else if (name === 'id') id = value.includes('\0') ? id : value;
    else others.push(line);
  };
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    if (response.statusCode !== 200) whole += chunk;
    const lines = (rest + chunk).split(/\r\n|\n|\r/);
    rest = lines.pop() ?? '';
    if (response.statusCode === 200) for (const line of lines) takeLine(line);
    for (const look of looks) look();
  });
  const text = new Promise<string>((resolve) => {
    response.once('close', () => resolve(whole));
  });
  const until = <T>(find: () => T | undefined, what: string, lateAfterMs = withinMs): Promise<T> =>
    new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        looks.delete(look);
      };
      const timer = setTimeout(() => {
        settle();
        reject(new Error(`${what} did not come within ${lateAfterMs} ms; last: ${JSON.stringify(events.slice(-3))}`));
      }, lateAfterMs);
      const look = (): void => {
        const found = find();
        if (found === undefined) return;
        settle();
        resolve(found);
      };
      looks.add(look);
      look();
    });
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    events,
    others,
    expect: (fits, what) => until(() => events.find(fits), what),
    async expectComment(lateAfterMs) {
      await until(() => others.find((line) => line.startsWith(':')), 'a comment', lateAfterMs);
    },
    text,
    close: () => asking.destroy(),
  };
}
