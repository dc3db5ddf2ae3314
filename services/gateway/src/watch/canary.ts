/**
 * The canary: every few seconds one gateway sends an alarm through the whole house and answers it. All gateways see its
 * pages; when none was seen for too long, each says so by itself.
 */
import { canary } from '@carillon/contracts/canary';
import type { StreamName } from '@carillon/contracts/define';
import type { CanaryStats } from '@carillon/contracts/gateway-stats';
import type { Finding } from '@carillon/contracts/technical';
import type { Logger } from '@carillon/runtime/log';
import { latencyBuckets } from '@carillon/runtime/metrics';
import { Counter, Histogram, type Registry } from 'prom-client';
import type { Hub } from '../hub.ts';
import { listenToCanary } from './canary-ear.ts';
import {
  canaryHops,
  canaryKind,
  createCanaryRounds,
  withinMs,
  type CanaryRoundsOptions,
  type Round,
} from './canary-round.ts';

export type Canary = {
  finding(): Finding | undefined;
  stats(): CanaryStats;
  stop(): void;
};

export type CanaryOptions = Omit<CanaryRoundsOptions, 'ear'> & {
  hubs: ReadonlyMap<StreamName, Hub>;
  everySeconds: number;
  log: Logger;
  metrics: CanaryMetrics;
};

type CanaryMetrics = { seconds: Histogram<'hop'>; total: Counter<'outcome'> };
/** They are there without a canary, too: a rule that speaks of them is no mistake then. */
export function measureCanary(registry: Registry): CanaryMetrics {
  const registers = [registry];
  const seconds = new Histogram({
    name: 'carillon_canary_seconds',
    help: 'The alarm of the canary, hop by hop; whole is from the reading to the page at this gateway',
    labelNames: ['hop'],
    buckets: latencyBuckets,
    registers,
  });
  const total = new Counter({
    name: 'carillon_canary_total',
    help: 'Alarms of the canary that this gateway sent: ok, failed, tidied (an earlier one was ended first)',
    labelNames: ['outcome'],
    registers,
  });
  // From the start: an alert on the increase of a counter misses the first of what is not there before it.
  for (const outcome of ['ok', 'failed', 'tidied']) total.inc({ outcome }, 0);
  return { seconds, total };
}

/** A round that failed, one that tidies up after it, another that fails, and the time of the next to begin. */
const missedRounds = 3.5;
/** In the first fifth of its turn each gateway waits a while, so that one is first. */
const shareOfWaiting = 0.2;
const keptRounds = 100;

export async function startCanary({ hubs, everySeconds, log, metrics, ...options }: CanaryOptions): Promise<Canary> {
  const { seconds, total } = metrics;
  const { now, people } = options;
  const everyMs = everySeconds * 1_000;
  const turnOf = (at: number): number => Math.floor(at / everyMs);
  const ear = await listenToCanary(hubs);
  const rounds = createCanaryRounds({ ...options, ear });
  /** By the monotonic clock, as the next: since when pages are to be expected; undefined without a hospital of the canary. */
  let expectedSince: number | undefined;
  let pagedAt: number | undefined;
  let pagedAlertId: string | undefined;
  const wallTime = (at: number): number => now() - (performance.now() - at);
  let failure = 'no page was seen';
  let isTidy = false;
  let failed = 0;
  let wholes: number[] = [];
  let timer: NodeJS.Timeout;
  let isStopping = false;

  ear.onHeard(({ event, data, at }) => {
    if (event !== 'page:new' || data.alert?.kind !== canaryKind) return;
    // An alert that is stuck is paged again and again: only a new one has come the whole way.
    if (data.alertId !== pagedAlertId) pagedAt = at;
    pagedAlertId = data.alertId;
  });
  const fail = (why: string, error?: unknown): void => {
    [failure, isTidy] = [why, false];
    failed++;
    total.inc({ outcome: 'failed' });
    log.warn({ err: error, why }, 'the canary did not come through');
  };
  const judge = (round: Round): void => {
    for (const hop of canaryHops) {
      const tookMs = round[hop];
      if (tookMs !== undefined) seconds.observe({ hop }, tookMs / 1_000);
    }
    if (round.whole !== undefined) wholes = [...wholes, round.whole].slice(-keptRounds);
    const missing = canaryHops.find((hop) => round[hop] === undefined);
    if (missing === undefined) total.inc({ outcome: 'ok' });
    else fail(`no ${missing} within ${withinMs / 1_000} s`);
  };
  const takeTurn = async (): Promise<void> => {
    if (people.find(canary.hospital, canary.nurse) === undefined) return;
    expectedSince ??= performance.now();
    // Another gateway was first.
    if (pagedAt !== undefined && turnOf(wallTime(pagedAt)) === turnOf(now())) return;
    try {
      if (isTidy) return judge(await rounds.play());
      await rounds.tidy();
      isTidy = true;
      total.inc({ outcome: 'tidied' });
    } catch (error) {
      if (!isStopping) fail(error instanceof Error ? error.message : 'it was refused', error);
    }
  };
  const waitForTurn = (): void => {
    const untilNextMs = everyMs - (now() % everyMs) + Math.random() * everyMs * shareOfWaiting;
    timer = setTimeout(() => {
      void takeTurn().then(() => {
        if (!isStopping) waitForTurn();
      });
    }, untilNextMs);
  };
  waitForTurn();

  return {
    finding() {
      if (expectedSince === undefined) return undefined;
      const since = Math.max(pagedAt ?? 0, expectedSince);
      if (performance.now() - since <= missedRounds * everyMs) return undefined;
      return { kind: 'canary', since: new Date(wallTime(since)).toISOString(), detail: failure.slice(0, 300) };
    },
    stats() {
      const sorted = wholes.toSorted((a, b) => a - b);
      const p99 = sorted[Math.ceil(sorted.length * 0.99) - 1];
      return {
        lastAt: pagedAt === undefined ? null : new Date(wallTime(pagedAt)).toISOString(),
        wholeMs: roundedOrNull(wholes.at(-1)),
        p99Ms: roundedOrNull(p99),
        failed,
      };
    },
    stop() {
      // A round that is under way is left: the next gateway ends what it finds.
      isStopping = true;
      clearTimeout(timer);
      rounds.close();
    },
  };
}

const roundedOrNull = (ms: number | undefined): number | null => (ms === undefined ? null : Math.round(ms));
