/**
 * Says every 2 s how this engine does, by a signal that every gateway judges. It has a timer and a connection to
 * PostgreSQL of its own, and waits for neither: whatever holds up the engine does not hold up this, and whatever stops
 * this as well is known by its silence.
 */
import { openDatabase } from '@carillon/database/database';
import { countOutbox } from '@carillon/database/outbox';
import { encode } from '@carillon/bus/request';
import { beatEveryMs, beatSubject, type Beat } from '@carillon/contracts/technical';
import { readGauge } from '@carillon/runtime/metrics';
import type { ServiceTools } from '@carillon/runtime/service';
import { findingsOf, overdueAfterSeconds, type Sight } from './domain/findings.ts';
import { countOverdue } from './store-watch.ts';

type Seen = Pick<Sight, 'overdue' | 'outboxSeconds'>;

export function startWatchdog(
  tools: ServiceTools,
  databaseUrl: string,
  hospitals: () => Sight['hospitals'],
): { stop(): Promise<void> } {
  const { bus, clock, instance, log, service } = tools;
  const database = openDatabase({
    url: databaseUrl,
    service,
    maxConnections: 1,
    onIdleError: (error) => log.warn({ err: error }, 'connection of the watchdog lost'),
  });
  let seen: Seen = { overdue: [], outboxSeconds: 0 };
  let unansweredSince: number | undefined;
  let isLooking = false;

  const look = async (): Promise<void> => {
    const { high, others } = overdueAfterSeconds;
    const overdue = await countOverdue(database, { highSeconds: high, othersSeconds: others });
    const outbox = await countOutbox(database);
    seen = { overdue, outboxSeconds: outbox.find(({ lane }) => lane === 'critical')?.oldestSeconds ?? 0 };
    unansweredSince = undefined;
  };
  const tick = (): void => {
    if (!isLooking) {
      isLooking = true;
      unansweredSince ??= clock.now();
      void look()
        // Said by `unansweredSince`, which stays.
        .catch(() => {})
        .finally(() => (isLooking = false));
    }
    if (!bus.isConnected()) return;
    const loops = tools.loops().map(({ name, sinceTurnMs }) => ({ name, sinceTurnMs: sinceTurnMs() }));
    const sight = {
      now: clock.now(),
      unansweredSince,
      ...seen,
      loops,
      clockSteps: clock.steps(),
      hospitals: hospitals(),
    };
    const beat: Beat = { instance, findings: findingsOf(sight) };
    bus.nc.publish(beatSubject, encode(beat));
  };

  measureSight(tools, () => seen);
  tick();
  const timer = setInterval(tick, beatEveryMs).unref();
  return {
    async stop() {
      clearInterval(timer);
      await database.close();
    },
  };
}

function measureSight({ metrics, loops, clock }: ServiceTools, seen: () => Seen): void {
  const { registry } = metrics;
  const byLane = (value: (of: Seen['overdue'][number]) => number) => (): [string, number][] =>
    (['critical', 'normal'] as const).map((lane) => {
      const overdue = seen().overdue.find(({ isHigh }) => isHigh === (lane === 'critical'));
      return [lane, overdue === undefined ? 0 : value(overdue)];
    });
  readGauge(
    registry,
    {
      name: 'carillon_overdue_alerts',
      help: 'Alerts whose deadline passed more than 5 s (high priority) or 15 s (others) ago',
      label: 'lane',
    },
    byLane(({ count }) => count),
  );
  readGauge(
    registry,
    {
      name: 'carillon_overdue_oldest_seconds',
      help: 'How long ago the first of their deadlines passed',
      label: 'lane',
    },
    byLane(({ oldestSeconds }) => oldestSeconds),
  );
  readGauge(
    registry,
    {
      name: 'carillon_due_loop_age_seconds',
      help: 'How long ago a timer last began to look for what is due',
      label: 'timer',
    },
    () => loops().map(({ name, sinceTurnMs }) => [name, sinceTurnMs() / 1_000]),
  );
  readGauge(
    registry,
    {
      name: 'carillon_clock_steps',
      help: 'Steps of the clock of PostgreSQL by more than 2 s since the start; the newest 50 are remembered',
    },
    () => [['', clock.steps().length]],
  );
}
