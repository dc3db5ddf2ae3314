import { fileURLToPath } from 'node:url';
import {
  acknowledgeAlert,
  criticalConditions,
  declineAlert,
  directoryOfAlertEscalation,
  getAlert,
  getPolicy,
  listAlerts,
  normalConditions,
  raiseAlert,
  resolveAlert,
  setPolicy,
} from '@carillon/contracts/alert-escalation';
import type { ConsumerDefinition } from '@carillon/contracts/define';
import { conditionChanged, conditionCleared, conditionRaised } from '@carillon/contracts/monitoring';
import { recordReceipts } from '@carillon/contracts/receipts';
import { onCommand } from '@carillon/runtime/commands';
import type { Environment } from '@carillon/runtime/config';
import { directoryProjectionMigrations, directorySubscription } from '@carillon/runtime/directory-projection';
import { onQuery } from '@carillon/runtime/queries';
import { startService, type Dependencies, type RunningService } from '@carillon/runtime/service';
import { onEvent, type Subscription } from '@carillon/runtime/subscriptions';
import * as alerts from './handlers/alerts.ts';
import { onConditionActive, onConditionChanged, onConditionCleared } from './handlers/conditions.ts';
import { escalationTimers } from './handlers/due.ts';
import * as reads from './handlers/reads.ts';
import { keepReceipts } from './handlers/receipts.ts';

/** The patient of `care.<hospital>.<ward>.<patient>.…`; a move to another ward changes no order. */
const patientOf = (subject: string): string => subject.split('.')[3] ?? '';

export const start = (environment: Environment, dependencies?: Dependencies): Promise<RunningService> =>
  startService(
    ({ wakeTimers }) => {
      /** What changes a deadline wakes the loops when it has committed, and not before. */
      const waking =
        <W extends { afterCommit(action: () => void): void }, I, R>(handle: (work: W, input: I) => Promise<R>) =>
        (work: W, input: I): Promise<R> => {
          work.afterCommit(wakeTimers);
          return handle(work, input);
        };
      const conditions = (consumer: ConsumerDefinition): Subscription => ({
        consumer,
        // Of one patient in order; another patient's waits for nothing but its own rows.
        sideBySide: { width: 3, keyOf: patientOf },
        handlers: [
          onEvent(conditionRaised, waking(onConditionActive)),
          onEvent(conditionChanged, waking(onConditionChanged)),
          onEvent(conditionCleared, waking(onConditionCleared)),
        ],
      });
      return {
        name: 'alert-escalation',
        migrations: [
          directoryProjectionMigrations,
          { folder: fileURLToPath(new URL('../migrations', import.meta.url)), table: 'migrations' },
        ],
        streams: ['COMMANDS', 'CARE', 'PERSON', 'DIRECTORY', 'DEADLETTERS'],
        commands: [
          onCommand(raiseAlert, waking(alerts.raiseAlert)),
          onCommand(acknowledgeAlert, waking(alerts.acknowledgeAlert)),
          onCommand(declineAlert, waking(alerts.declineAlert)),
          onCommand(resolveAlert, waking(alerts.resolveAlert)),
          onCommand(setPolicy, reads.setPolicy),
          onCommand(recordReceipts, keepReceipts),
        ],
        queries: [
          onQuery(listAlerts, reads.listAlerts),
          onQuery(getAlert, reads.getAlert),
          onQuery(getPolicy, reads.getPolicy),
        ],
        subscriptions: [
          conditions(criticalConditions),
          conditions(normalConditions),
          directorySubscription(directoryOfAlertEscalation),
        ],
        timers: escalationTimers,
      };
    },
    'alert-escalation',
    environment,
    dependencies,
  );
