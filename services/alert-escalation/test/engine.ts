/** The service's own handlers, called as the command path, the subscriptions and the due loops call them. */
import { isDeepStrictEqual } from 'node:util';
import { directoryOfAlertEscalation } from '@carillon/contracts/alert-escalation';
import type { Actor, InputOf } from '@carillon/contracts/define';
import { admissionChanged } from '@carillon/contracts/directory';
import type { ErrorCode } from '@carillon/contracts/errors';
import type { setPolicy as setPolicyContract } from '@carillon/contracts/escalation-policies';
import type { Condition, Priority } from '@carillon/contracts/monitoring';
import type { Receipt } from '@carillon/contracts/receipts';
import type { startSilence as startSilenceContract } from '@carillon/contracts/silences';
import type { Database } from '@carillon/database/database';
import { findInboxEntry, storeInboxResult, takeInboxKey } from '@carillon/database/inbox';
import { directorySubscription } from '@carillon/runtime/directory-projection';
import { createLogger } from '@carillon/runtime/log';
import { createMetrics } from '@carillon/runtime/metrics';
import { judge } from '@carillon/runtime/outcome';
import type { ServiceTools } from '@carillon/runtime/service';
import { doWork, type Work, type WorkTools } from '@carillon/runtime/work';
import { Crash } from '@carillon/testkit/faults';
import { raiseAlert } from '../src/handlers/alerts.ts';
import {
  acknowledgeAlert,
  arriveAtAlert,
  declineAlert,
  escalateAlert,
  resolveAlert,
  snoozeAlert,
} from '../src/handlers/answers.ts';
import { onConditionActive, onConditionChanged, onConditionCleared } from '../src/handlers/conditions.ts';
import { onDirectoryNews } from '../src/handlers/directory-news.ts';
import { escalationTimers } from '../src/handlers/due.ts';
import { removePolicy, setPolicy } from '../src/handlers/policies.ts';
import { keepReceipts } from '../src/handlers/receipts.ts';
import { endSilence, startSilence } from '../src/handlers/silences.ts';

export type Delivery = { key: string } & (
  | { kind: 'raise'; actor: Actor; input: { patientId: string; kind: string; priority: Priority; message: string } }
  | { kind: 'acknowledge' | 'decline' | 'resolve' | 'arrive'; actor: Actor; input: { alertId: string } }
  | { kind: 'snooze'; actor: Actor; input: { alertId: string; seconds: number } }
  | { kind: 'escalate'; actor: Actor; input: { alertId: string; seenVersion: number } }
  | { kind: 'active' | 'changed' | 'cleared'; version: number; condition: Condition }
  /** What `directory` tells. */
  | { kind: 'moved'; version: number; patientId: string; wardId: string | null }
  | { kind: 'silence'; actor: Actor; input: InputOf<typeof startSilenceContract> }
  | { kind: 'endSilence'; actor: Actor; input: { silenceId: string } }
  | { kind: 'setPolicy'; actor: Actor; input: InputOf<typeof setPolicyContract> }
  | { kind: 'removePolicy'; actor: Actor; input: { policyId: string } }
  | { kind: 'receipts'; actor: Actor; items: Receipt[] }
);
/** What the caller hears: the result, or why not. */
export type Answer = { ok: true; result: unknown } | { ok: false; code: ErrorCode };

const log = createLogger('test', { level: 'silent', file: '' });
const metrics = createMetrics('test');
/** Ms since the epoch, or a clock: what is tried again is tried later. */
type Time = number | (() => number);
const timeOf = (now: Time): number => (typeof now === 'number' ? now : now());
const toolsOf = (database: Database, now: Time): WorkTools => ({
  database,
  now: () => timeOf(now),
  log,
  metrics,
  wakeRelay: () => {},
});

const directory = directorySubscription(directoryOfAlertEscalation, onDirectoryNews);

function handle(work: Work, delivery: Delivery): Promise<unknown> {
  switch (delivery.kind) {
    case 'raise':
      return raiseAlert({ ...work, actor: delivery.actor, key: delivery.key }, delivery.input);
    case 'acknowledge':
      return acknowledgeAlert({ ...work, actor: delivery.actor, key: delivery.key }, delivery.input);
    case 'decline':
      return declineAlert({ ...work, actor: delivery.actor, key: delivery.key }, delivery.input);
    case 'resolve':
      return resolveAlert({ ...work, actor: delivery.actor, key: delivery.key }, delivery.input);
    case 'arrive':
      return arriveAtAlert({ ...work, actor: delivery.actor, key: delivery.key }, delivery.input);
    case 'snooze':
      return snoozeAlert({ ...work, actor: delivery.actor, key: delivery.key }, delivery.input);
    case 'escalate':
      return escalateAlert({ ...work, actor: delivery.actor, key: delivery.key }, delivery.input);
    case 'silence':
      return startSilence({ ...work, actor: delivery.actor, key: delivery.key }, delivery.input);
    case 'endSilence':
      return endSilence({ ...work, actor: delivery.actor, key: delivery.key }, delivery.input);
    case 'setPolicy':
      return setPolicy({ ...work, actor: delivery.actor, key: delivery.key }, delivery.input);
    case 'removePolicy':
      return removePolicy({ ...work, actor: delivery.actor, key: delivery.key }, delivery.input);
    case 'active':
      return onConditionActive({ ...work, hospital: 'h1', version: delivery.version }, delivery.condition);
    case 'changed':
      return onConditionChanged({ ...work, hospital: 'h1', version: delivery.version }, delivery.condition);
    case 'cleared':
      return onConditionCleared({ ...work, hospital: 'h1', version: delivery.version }, delivery.condition);
    case 'moved': {
      const { version, patientId, wardId } = delivery;
      const handler = directory.handlers.find(({ definition }) => definition.name === admissionChanged.name);
      const admission = { patientId, wardId, bedId: null, version };
      return handler?.handle({ ...work, hospital: 'h1', version }, admission) ?? Promise.reject(new Error('unhandled'));
    }
    case 'receipts':
      return keepReceipts(
        { ...work, actor: delivery.actor, key: delivery.key },
        { service: 'alert-escalation', items: delivery.items },
      );
  }
}

/** Once in effect: one transaction with the inbox row of its key. */
const deliverOnce = (database: Database, now: Time, delivery: Delivery): Promise<unknown> =>
  doWork(toolsOf(database, now), '', async (work) => {
    const actor = 'actor' in delivery ? delivery.actor.person : '';
    const at = { hospital: 'h1', actor, operation: delivery.kind, key: delivery.key };
    if (!(await takeInboxKey(work.tx, at, '', work.now + 86_400_000)))
      return (await findInboxEntry(work.tx, at))?.result;
    const result = await handle(work, delivery);
    await storeInboxResult(work.tx, at, result ?? null);
    return result ?? null;
  });

/** What a process that died, or whose database was away for a moment, leads to: the same again, on a sound engine. */
async function again<T>(
  database: Database,
  faulty: Database | undefined,
  run: (on: Database) => Promise<T>,
): Promise<T> {
  let on = faulty ?? database;
  for (let failures = 0; ; failures++) {
    try {
      return await run(on);
    } catch (error) {
      if (failures > 20 || (!(error instanceof Crash) && judge(error).kind !== 'later')) throw error;
      on = database;
    }
  }
}

/** @param faulty the same database on the first try, with what befalls the process then */
export const deliver = (database: Database, now: Time, delivery: Delivery, faulty?: Database): Promise<Answer> =>
  again(database, faulty, async (on): Promise<Answer> => {
    try {
      return { ok: true, result: await deliverOnce(on, now, delivery) };
    } catch (error) {
      const outcome = judge(error);
      if (outcome.kind === 'bad') return { ok: false, code: outcome.error.code };
      throw error;
    }
  });

/** Each is 2 ms at least; who holds a row may take its time on a busy machine. */
const maxLooks = 10_000;

/** Does what is due as the due loops do, until they would go to sleep. */
export const tick = (database: Database, now: Time, faulty?: Database): Promise<void> =>
  again(database, faulty, async (on) => {
    // Most looks find nothing: one statement, instead of one for each loop.
    const { rows } = await on.query('select from alert where due_at <= $1 limit 1', [new Date(timeOf(now))]);
    if (rows.length === 0) return;
    const tools = toolsOf(on, now);
    const own = {
      database: on,
      metrics: tools.metrics,
      clock: { steps: () => [] } as Partial<ServiceTools['clock']>,
      work: (traceparent: string, body: (work: Work) => Promise<unknown>) => doWork(tools, traceparent, body),
    } as ServiceTools;
    for (const timer of escalationTimers({ critical: own, normal: own })) {
      for (let looks = 0; ; looks++) {
        if (looks > maxLooks) throw new Error(`${timer.name} does not come to rest`);
        if (((await timer.nextDueAt()) ?? Infinity) > timeOf(now)) break;
        if ((await timer.run(timeOf(now))) > 0) continue;
        // Another transaction holds the row.
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }
  });

/** Whether a repeated delivery was answered as the first one was; JSON, because that is what travels. */
export const isSameAnswer = (first: Answer, second: Answer): boolean =>
  isDeepStrictEqual(JSON.parse(JSON.stringify(first)), JSON.parse(JSON.stringify(second)));
