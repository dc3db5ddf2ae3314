/**
 * Devices and nurses who do not give up: what was not accepted is sent again with the same content and key, and what was
 * accepted is written down, to be looked for afterwards.
 */
import { call, type Answer } from '@carillon/testkit/client';
import type { Item } from '@carillon/testkit/hospital';

export type Raised = { alertId: string; openedAt: number; patientId: string; kind: string };

export type Load = {
  /** Items of posts that were answered 202. */
  readonly accepted: readonly Item[];
  /** Alerts that were answered 201. */
  readonly raised: readonly Raised[];
  /** Ids of alerts whose acknowledgement was answered 200. */
  readonly acknowledged: ReadonlySet<string>;
  /** How often each answer came that is not the wanted one; `no answer` for a connection that failed. */
  readonly refusals: ReadonlyMap<string, number>;
  /** Begins nothing new, and waits until everything that was begun has succeeded. */
  stop(withinMs?: number): Promise<void>;
  /** Ends at once, whatever was begun. */
  abandon(): Promise<void>;
};

export type LoadOptions = {
  baseUrl: string;
  /** Device, raising nurse and acknowledging nurse. */
  tokens: { device: string; raiser: string; answerer: string };
  postEveryMs?: number;
  alertEveryMs?: number;
};

/** Of the device; nothing else posts in its name. */
export const loadDevice = 'dev-load';
const patients = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6'];
/** Values that raise no alarm. */
const vitals: readonly [string, number][] = [
  ['heartRate', 70],
  ['spo2', 97],
  ['respirationRate', 15],
  ['temperature', 37],
  ['glucose', 5.5],
];
const retryMs = 150;

export function startLoad({ baseUrl, tokens, postEveryMs = 100, alertEveryMs = 250 }: LoadOptions): Load {
  const accepted: Item[] = [];
  const raised: Raised[] = [];
  const acknowledged = new Set<string>();
  const refusals = new Map<string, number>();
  const pending = new Set<Promise<void>>();
  let hasGivenUp = false;

  const insist = async (status: number, send: () => Promise<Answer>): Promise<Answer> => {
    for (;;) {
      const answer = await send().catch(() => undefined);
      if (answer?.status === status) return answer;
      const what =
        answer === undefined ? 'no answer' : `${answer.status} ${JSON.stringify(answer.body['error'] ?? '')}`;
      refusals.set(what, (refusals.get(what) ?? 0) + 1);
      if (hasGivenUp) throw new Error(`given up at: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  };

  let lastInstant = 0;
  const post = async (): Promise<void> => {
    lastInstant = Math.max(Date.now(), lastInstant + 1);
    const measuredAt = new Date(lastInstant).toISOString();
    const items = patients.flatMap((patientId) =>
      vitals.map(([vital, value]) => ({ patientId, vital, value, measuredAt, deviceId: loadDevice })),
    );
    const { body } = await insist(202, () =>
      call(baseUrl, 'POST', '/v1/vitals', { token: tokens.device, body: { items } }),
    );
    if (body['accepted'] !== items.length) throw new Error(`some were rejected: ${JSON.stringify(body)}`);
    accepted.push(...items);
  };

  let count = 0;
  const run = `${Date.now().toString(36)}${Math.floor(Math.random() * 1e6).toString(36)}`;
  const raise = async (): Promise<void> => {
    const index = count++;
    const patientId = patients[index % patients.length] ?? 'p1';
    const kind = `load-${run}-${index}`;
    const key = { 'idempotency-key': kind };
    const body = { patientId, kind, priority: 'high', message: `Call ${index}` };
    const answer = await insist(201, () =>
      call(baseUrl, 'POST', '/v1/alerts', { token: tokens.raiser, body, headers: key }),
    );
    const { alertId, openedAt } = answer.body as { alertId: string; openedAt: string };
    raised.push({ alertId, patientId, kind, openedAt: Date.parse(openedAt) });
    if (index % 2 === 1) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
    await insist(200, () =>
      call(baseUrl, 'POST', `/v1/alerts/${alertId}/acknowledge`, { token: tokens.answerer, headers: key }),
    );
    acknowledged.add(alertId);
  };

  const failures: unknown[] = [];
  const begin = (work: () => Promise<void>): void => {
    const running: Promise<void> = work()
      .catch((error: unknown) => void failures.push(error))
      .finally(() => pending.delete(running));
    pending.add(running);
  };
  // Not one after another: a device that waits for an answer keeps no other from measuring.
  const timers = [setInterval(() => begin(post), postEveryMs), setInterval(() => begin(raise), alertEveryMs)];

  const finish = async (): Promise<void> => {
    timers.forEach(clearInterval);
    while (pending.size > 0) await Promise.all(pending);
  };

  return {
    accepted,
    raised,
    acknowledged,
    refusals,
    async stop(withinMs = 20_000) {
      const deadline = setTimeout(() => (hasGivenUp = true), withinMs);
      await finish();
      clearTimeout(deadline);
      if (failures.length > 0) throw new AggregateError(failures, `${failures.length} calls never succeeded`);
    },
    async abandon() {
      hasGivenUp = true;
      await finish();
    },
  };
}

/** Every item of the load that is stored, read page by page. */
export async function readBack(baseUrl: string, token: string, since: number): Promise<Set<string>> {
  const found = new Set<string>();
  for (const patientId of patients) {
    let cursor: string | undefined;
    do {
      const query = new URLSearchParams({
        from: new Date(since).toISOString(),
        limit: '500',
        ...(cursor && { cursor }),
      });
      const { status, body } = await call(baseUrl, 'GET', `/v1/patients/${patientId}/vitals?${query.toString()}`, {
        token,
      });
      if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
      for (const item of body['items'] as (Item & { deviceId: string })[]) {
        if (item.deviceId === loadDevice) found.add(itemKey({ ...item, patientId }));
      }
      cursor = body['next'] as string | undefined;
    } while (cursor !== undefined);
  }
  return found;
}

export const itemKey = ({ patientId, vital, measuredAt, value }: Item): string =>
  `${patientId} ${vital} ${measuredAt} ${value}`;
