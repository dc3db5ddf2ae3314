/**
 * Plays vital signs of the demo ward into `POST /v1/vitals`, as a device would: what was measured while nobody
 * answered is kept for a minute and sent again, so that a restart of the database or of NATS loses nothing.
 * A repeated post does no harm: a reading is known by patient, vital sign, instant and device.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseRecording, RecordingError, type Recording } from '@carillon/monitoring/recording';
import { createRecordingPlayer } from './recording.ts';
import { createSimulator, demoDeviceId, type DemoItem } from './simulator.ts';

export type DemoPlayerOptions = {
  /** Of the gateway, such as `http://127.0.0.1:8080`. */
  baseUrl: string;
  /** File k (from 0) is played into patient p⟨k+1⟩. The simulator plays p1–p8 where there is none. */
  replayFiles: readonly string[];
  /** Samples a second of each patient: more than 0, at most 1,000. */
  speed: number;
  /** Of the simulator. */
  seed?: number;
  /** Told when posting begins to fail, and when it works again. */
  log?: (message: string) => void;
};

export type DemoPlayerCounts = {
  /** Items that were accepted. */
  posted: number;
  /** Items that will never be accepted, such as those of an unknown patient. */
  refused: number;
  /** Items that were too old to be kept any longer. */
  dropped: number;
  /** Items that wait. */
  queued: number;
};

export type DemoPlayer = {
  /** Ends at once, calls in flight included. */
  stop(): Promise<void>;
  counts(): DemoPlayerCounts;
};

const simulatedPatients = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7', 'p8'];
/** 8 posts a second, well below a device's limit of 600 calls a minute. */
const postIntervalMs = 125;
const maxItemsInPost = 1000;
const deadlineMs = 5_000;
const keptMs = 60_000;
/** A machine that slept goes on from now: what was not measured is not made up. */
const maxLagMs = 1_000;
const firstBackoffMs = 200;
/** Short, so that the board is live soon after an outage. */
const maxBackoffMs = 2_000;
const maxRetryAfterMs = 30_000;

/** Items measured at one instant. */
type Slice = { atMs: number; items: DemoItem[] };
type Outcome =
  | { kind: 'done'; refused: number }
  | { kind: 'refused'; reason: string }
  | { kind: 'retry'; reason: string; afterMs?: number };

/**
 * Starts to play at once.
 *
 * @throws Error for a file that cannot be read or is no recording (naming the file and line), or a speed out of range.
 */
export function startDemoPlayer(options: DemoPlayerOptions): DemoPlayer {
  const { speed, seed, log = () => undefined } = options;
  if (!(speed > 0 && speed <= 1000)) throw new RangeError(`speed ${speed}: expected more than 0 and at most 1000`);
  const source =
    options.replayFiles.length > 0
      ? createRecordingPlayer(options.replayFiles.map(readRecording))
      : createSimulator({ patients: simulatedPatients, ...(seed === undefined ? {} : { seed }) });
  const stopped = new AbortController();
  const post = createPoster(options.baseUrl, stopped.signal);
  const counts = { posted: 0, refused: 0, dropped: 0 };
  let queue: Slice[] = [];

  const periodMs = 1000 / speed;
  let dueAt = performance.now();
  let lastAtMs = 0;
  let timer: NodeJS.Timeout | undefined;
  let delivery: Promise<void> | undefined;

  function tick(): void {
    const now = performance.now();
    if (now - dueAt > maxLagMs) dueAt = now;
    for (; dueAt <= now; dueAt += periodMs) measure(Date.now() - (now - dueAt));
    delivery ??= deliver().finally(() => (delivery = undefined));
    timer = setTimeout(tick, Math.max(dueAt - performance.now(), speed > 8 ? postIntervalMs : 1));
  }

  function measure(instant: number): void {
    const rounded = Math.round(instant);
    // Two samples of one millisecond would be one; a clock that was set back is followed nonetheless.
    const atMs = rounded <= lastAtMs && lastAtMs - rounded < maxLagMs ? lastAtMs + 1 : rounded;
    lastAtMs = atMs;
    const items = source.next(atMs);
    if (items.length > 0) queue.push({ atMs, items });
    while (queue[0] !== undefined && queue[0].atMs < atMs - keptMs) counts.dropped += queue.shift()?.items.length ?? 0;
  }

  async function deliver(): Promise<void> {
    let failures = 0;
    while (queue.length > 0 && !stopped.signal.aborted) {
      const batch = headOf(queue);
      const startedAt = performance.now();
      const outcome = await post(itemsOf(batch));
      if (stopped.signal.aborted) return;
      if (outcome.kind === 'retry') {
        if (failures === 0) log(`vital signs wait, posting fails: ${outcome.reason}`);
        failures += 1;
        await pause(outcome.afterMs ?? backoffMs(failures), stopped.signal);
        continue;
      }
      if (failures > 0) log('vital signs are posted again');
      failures = 0;
      const sent = itemsOf(batch).length;
      const refused = outcome.kind === 'done' ? outcome.refused : sent;
      if (outcome.kind === 'refused') log(`${sent} vital signs were refused: ${outcome.reason}`);
      counts.refused += refused;
      counts.posted += sent - refused;
      const done = new Set(batch);
      queue = queue.filter((slice) => !done.has(slice));
      await pause(postIntervalMs - (performance.now() - startedAt), stopped.signal);
    }
  }

  tick();
  return {
    async stop() {
      stopped.abort();
      clearTimeout(timer);
      await delivery;
    },
    counts: () => ({ ...counts, queued: itemsOf(queue).length }),
  };
}

const itemsOf = (slices: readonly Slice[]): DemoItem[] => slices.flatMap((slice) => slice.items);

/** As many of the oldest slices as fit into one post. */
function headOf(queue: readonly Slice[]): Slice[] {
  let size = 0;
  const end = queue.findIndex((slice, index) => (size += slice.items.length) > maxItemsInPost && index > 0);
  return end === -1 ? [...queue] : queue.slice(0, end);
}

function readRecording(path: string): Recording {
  try {
    return parseRecording(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof RecordingError) throw new Error(`${path}: ${error.message}`, { cause: error });
    throw new Error(`${path}: cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

/** One attempt to post a batch; signs in as the demo device when it has no token, or one that is no longer taken. */
function createPoster(baseUrl: string, stopped: AbortSignal): (items: readonly DemoItem[]) => Promise<Outcome> {
  let token: string | undefined;

  async function call(path: string, body: unknown, bearer?: string): Promise<{ response: Response; text: string }> {
    const authorization = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
    const response = await fetch(new URL(path, baseUrl), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...authorization },
      body: JSON.stringify(body),
      signal: AbortSignal.any([stopped, AbortSignal.timeout(deadlineMs)]),
    });
    return { response, text: await response.text() };
  }

  return async (items) => {
    try {
      if (token === undefined) {
        const { response, text } = await call('/v1/dev/token', { person: demoDeviceId });
        if (!response.ok) return { ...retry(response), reason: `sign-in answers ${response.status}` };
        token = tokenIn(text);
      }
      const { response, text } = await call('/v1/vitals', { items }, token);
      if (response.ok) return { kind: 'done', refused: refusedIn(text) };
      if (response.status === 401) token = undefined;
      const isTransient = [401, 403, 408, 429].includes(response.status) || response.status >= 500;
      return isTransient ? retry(response) : { kind: 'refused', reason: `${response.status} ${text.slice(0, 200)}` };
    } catch (error) {
      return { kind: 'retry', reason: reasonOf(error) };
    }
  };
}

/** 403 too: just after a start the relations of the device may not be known everywhere. */
function retry(response: Response): Outcome & { kind: 'retry' } {
  const afterMs = retryAfterMs(response.headers.get('retry-after'));
  return { kind: 'retry', reason: `status ${response.status}`, ...(afterMs === undefined ? {} : { afterMs }) };
}

/** RFC 9110 §10.2.3: seconds or an HTTP date. */
function retryAfterMs(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(maxRetryAfterMs, Math.max(0, ms));
}

function tokenIn(text: string): string {
  const body = JSON.parse(text) as { token?: unknown };
  if (typeof body.token !== 'string') throw new Error('sign-in answers without a token');
  return body.token;
}

function refusedIn(text: string): number {
  const body = JSON.parse(text) as { rejected?: unknown };
  return Array.isArray(body.rejected) ? body.rejected.length : 0;
}

/** Doubles from 200 ms to 2 s, less up to half of it, so that many devices do not come back in step. */
const backoffMs = (failures: number): number =>
  Math.min(maxBackoffMs, firstBackoffMs * 2 ** (failures - 1)) * (1 - Math.random() / 2);

/** Waits, or ends early when stopped. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await delay(ms, undefined, { signal }).catch(() => undefined);
}

/** fetch hides the reason (ECONNREFUSED, …) in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause: unknown = error.cause;
  return cause instanceof Error && cause.message !== '' ? `${error.message}: ${cause.message}` : error.message;
}
