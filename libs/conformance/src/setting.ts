/** What a check works with: the server under test, people with tokens, rooms, and connections that end with the check. */
import { strict as assert } from 'node:assert';
import { errors, type ErrorCode } from '@carillon/contracts/errors';
import { openClient, type Client, type ClientOptions, type Opened } from './client.ts';
import { openEventStream, type EventStream } from './event-stream.ts';
import { callHttp, errorCodeOf, field, type Answer, type HttpCall } from './http.ts';
import type { Frame, Recorder } from './recorder.ts';

/** What a run may be given; what is missing skips the checks that need it. */
export type Given = {
  /** Another person of the same hospital, best a patient: his limits are used up. */
  otherToken?: string;
  /** Of the same hospital; the gateway must have CARILLON_TEST_PUBLISH=on. */
  operatorToken?: string;
  /** The main person, but past. */
  expiredToken?: string;
  /** The main person, with 3 to 50 s left. */
  expiringToken?: string;
  /** The main person, with a `jti`; it is revoked. */
  revocableToken?: string;
  /** The main person, with a fresh second factor. */
  mfaToken?: string;
  /** A ward of the main person. */
  ward?: string;
  /** A patient of that ward. */
  patient?: string;
  /** A patient of no ward of the main person. */
  foreignPatient?: string;
  /** A query whose service does not run. */
  absentQuery?: string;
};
export type Need = keyof Given;

/** The main person: a member of staff. */
export type Person = { token: string; person: string; hospital: string };

export type Target = { url: URL; me: Person; given: Given; withinMs: number };

export type Setting = Target & {
  recorder: Recorder;
  /** @throws when it was not given: a check names what it needs */
  need(name: Need): string;
  /** An upgrade, however it is answered; as the main person unless told otherwise. */
  open(options?: ClientOptions): Promise<Opened>;
  /** An open connection that nobody has looked at yet. */
  dial(options?: ClientOptions): Promise<Client>;
  /** A connection and how it was greeted, by `ready` or `err`. A limit of handshakes is waited out. */
  greet(options?: ClientOptions): Promise<Client & { greeting: Frame }>;
  /** The same, which must be `ready`. */
  connect(options?: ClientOptions): Promise<Client & { ready: Frame }>;
  http(method: string, path: string, call?: HttpCall): Promise<Answer>;
  /** Calls over HTTP as an operator; a limit of calls is waited out. */
  operate(method: string, path: string, body?: unknown): Promise<Answer>;
  /** A made-up event in a room. @returns the id of the message */
  publish(room: string, data: unknown, event?: string): Promise<string>;
  /** An event stream, or its refusal; a limit of handshakes is waited out. */
  events(
    path: string,
    options?: { token?: string | undefined; headers?: Record<string, string> },
  ): Promise<EventStream>;
  /** That an answer over HTTP is this error. */
  expectError(answer: Answer, code: ErrorCode): void;
  end(): void;
};

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const attempts = 6;

export function createSetting(target: Target, recorder: Recorder): Setting {
  const { url, me, given, withinMs } = target;
  const ends: (() => void)[] = [];

  const setting: Setting = {
    ...target,
    recorder,
    need(name) {
      const value = given[name];
      if (value === undefined) throw new Error(`The check does not say that it needs ${name}`);
      return value;
    },
    async open(options = {}) {
      const opened = await openClient(url, { token: me.token, ...options }, { recorder, withinMs });
      ends.push(() => opened.client?.wire.destroy());
      return opened;
    },
    async dial(options) {
      const { client, status, body } = await setting.open(options);
      assert(client !== undefined, `the upgrade is answered ${status} ${body}`);
      return client;
    },
    async greet(options) {
      for (let attempt = 1; ; attempt++) {
        const client = await setting.dial(options);
        const greeting = await client.expect((frame) => frame.t === 'ready' || frame.t === 'err', 'ready or err');
        if (greeting['code'] !== 'rate_limited' || attempt === attempts) return { ...client, greeting };
        await client.closed;
        await wait(Number(greeting['afterMs'] ?? 1_000));
      }
    },
    async connect(options) {
      const { greeting, ...client } = await setting.greet(options);
      assert.equal(greeting.t, 'ready', `a good token is answered ${JSON.stringify(greeting)}`);
      return { ...client, ready: greeting };
    },
    http: (method, path, call = {}) => callHttp(url, [method, path], call),
    async operate(method, path, body) {
      for (let attempt = 1; ; attempt++) {
        const answer = await setting.http(method, path, { token: setting.need('operatorToken'), body });
        if (answer.status !== errors.rate_limited.status || attempt === attempts) return answer;
        await wait(Number(answer.headers.get('retry-after') ?? 1) * 1_000);
      }
    },
    async publish(room, data, event = 'test:happened') {
      const answer = await setting.operate('POST', '/realtime/test/publish', { room, event, data });
      assert.equal(answer.status, 202, `publishing into ${room}: ${JSON.stringify(answer.body)}`);
      return String(field(answer.body, 'mid'));
    },
    async events(path, options = {}) {
      for (let attempt = 1; ; attempt++) {
        const asking = { token: me.token, ...options };
        const stream = await openEventStream(new URL(path, url), asking, { recorder, withinMs });
        ends.push(stream.close);
        if (stream.status !== errors.rate_limited.status || attempt === attempts) return stream;
        await wait(Number(stream.headers['retry-after'] ?? 1) * 1_000);
      }
    },
    expectError(answer, code) {
      const got = errorCodeOf(answer, recorder);
      assert.deepEqual([answer.status, got], [errors[code].status, code], JSON.stringify(answer.body)?.slice(0, 300));
    },
    end: () => ends.splice(0).forEach((end) => end()),
  };
  return setting;
}
