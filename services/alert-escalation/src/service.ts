import { fileURLToPath } from 'node:url';
import {
  acknowledgeAlert,
  arriveAtAlert,
  criticalConditions,
  declineAlert,
  directoryOfAlertEscalation,
  escalateAlert,
  getAlert,
  listAlerts,
  normalConditions,
  raiseAlert,
  resolveAlert,
  snoozeAlert,
} from '@carillon/contracts/alert-escalation';
import { callOut, endEmergency, listEmergencies } from '@carillon/contracts/call-outs';
import type { ConsumerDefinition } from '@carillon/contracts/define';
import {
  getPolicy,
  listPolicies,
  previewPolicy,
  removePolicy,
  setPolicy,
} from '@carillon/contracts/escalation-policies';
import { conditionChanged, conditionCleared, conditionRaised } from '@carillon/contracts/monitoring';
import {
  endOverride,
  getSchedule,
  listCallable,
  listGroups,
  listOnCall,
  listTurns,
  overrideSchedule,
  previewTurns,
  removeGroup,
  removeSchedule,
  reportCoverage,
  setGroup,
  setSchedule,
} from '@carillon/contracts/plans';
import { placeWard } from '@carillon/contracts/positions';
import { recordReceipts } from '@carillon/contracts/receipts';
import { getResponse } from '@carillon/contracts/response';
import {
  endSilence,
  listInhibitions,
  listSilences,
  removeInhibition,
  setInhibition,
  startSilence,
} from '@carillon/contracts/silences';
import { onCommand } from '@carillon/runtime/commands';
import { ConfigError, readConfig, type Environment } from '@carillon/runtime/config';
import { directoryProjectionMigrations, directorySubscription } from '@carillon/runtime/directory-projection';
import { onQuery } from '@carillon/runtime/queries';
import { startService, type Dependencies, type RunningService } from '@carillon/runtime/service';
import { onEvent, type Subscription } from '@carillon/runtime/subscriptions';
import { configSchema } from './config.ts';
import { startCoverage } from './coverage-gauges.ts';
import * as alerts from './handlers/alerts.ts';
import * as answers from './handlers/answers.ts';
import * as callOuts from './handlers/call-outs.ts';
import { listEmergencies as listEmergenciesOf } from './handlers/emergencies.ts';
import { listCallable as listCallableOf } from './handlers/callable.ts';
import { onConditionActive, onConditionChanged, onConditionCleared } from './handlers/conditions.ts';
import { onDirectoryNews } from './handlers/directory-news.ts';
import { escalationTimers } from './handlers/due.ts';
import { reportCoverage as reportCoverageOf } from './handlers/coverage.ts';
import * as groups from './handlers/groups.ts';
import * as policies from './handlers/policies.ts';
import { previewPolicy as previewPolicyOf } from './handlers/preview.ts';
import * as reads from './handlers/reads.ts';
import * as schedules from './handlers/schedules.ts';
import * as silences from './handlers/silences.ts';
import { readDayPlan } from './domain/shifts.ts';
import { keepReceipts } from './handlers/receipts.ts';
import { createResponse } from './handlers/response.ts';
import { placeWard as placeWardAt } from './handlers/wards.ts';
import { followPositions } from './positions.ts';
import { startSweeps } from './sweeps.ts';
import { startWatchdog } from './watchdog.ts';

/** The patient of `care.<hospital>.<ward>.<patient>.…`; a move to another ward changes no order. */
const patientOf = (subject: string): string => subject.split('.')[3] ?? '';

export const start = (environment: Environment, dependencies?: Dependencies): Promise<RunningService> =>
  startService(
    ({ common, wakeTimers }) => {
      const config = readConfig(configSchema, environment);
      const plan = readDayPlan(config.CARILLON_SHIFTS, config.CARILLON_TIME_ZONE);
      if ('problem' in plan) throw new ConfigError([plan.problem]);
      /** What changes a deadline wakes the loops when it has committed, and not before. */
      const waking =
        <W extends { afterCommit(action: () => void): void }, I, R>(handle: (work: W, input: I) => Promise<R>) =>
        (work: W, input: I): Promise<R> => {
          work.afterCommit(wakeTimers);
          return handle(work, input);
        };
      const conditions = (consumer: ConsumerDefinition, more: Pick<Subscription, 'isUrgent'> = {}): Subscription => ({
        ...more,
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
        streams: ['COMMANDS', 'PUSH', 'CARE', 'PERSON', 'OPS', 'DIRECTORY', 'DEADLETTERS'],
        commands: [
          onCommand(raiseAlert, waking(alerts.raiseAlert)),
          onCommand(acknowledgeAlert, waking(answers.acknowledgeAlert)),
          onCommand(declineAlert, waking(answers.declineAlert)),
          onCommand(snoozeAlert, waking(answers.snoozeAlert)),
          onCommand(escalateAlert, waking(answers.escalateAlert)),
          onCommand(arriveAtAlert, waking(answers.arriveAtAlert)),
          onCommand(resolveAlert, waking(answers.resolveAlert)),
          onCommand(callOut, waking(callOuts.callOut)),
          onCommand(endEmergency, waking(callOuts.endEmergency)),
          onCommand(setPolicy, policies.setPolicy),
          onCommand(removePolicy, policies.removePolicy),
          onCommand(setGroup, groups.setGroup),
          onCommand(removeGroup, groups.removeGroup),
          onCommand(setSchedule, schedules.setSchedule),
          onCommand(removeSchedule, schedules.removeSchedule),
          onCommand(overrideSchedule, schedules.overrideSchedule),
          onCommand(endOverride, schedules.endOverride),
          onCommand(startSilence, silences.startSilence),
          onCommand(endSilence, waking(silences.endSilence)),
          onCommand(setInhibition, silences.setInhibition),
          onCommand(removeInhibition, silences.removeInhibition),
          onCommand(placeWard, placeWardAt),
          onCommand(recordReceipts, keepReceipts),
        ],
        queries: [
          onQuery(getResponse, createResponse(plan)),
          onQuery(listAlerts, reads.listAlerts),
          onQuery(getAlert, reads.getAlert),
          onQuery(listEmergencies, listEmergenciesOf),
          onQuery(getPolicy, policies.getPolicy),
          onQuery(listPolicies, policies.listPolicies),
          onQuery(previewPolicy, previewPolicyOf),
          onQuery(listCallable, listCallableOf),
          onQuery(listGroups, groups.listGroups),
          onQuery(getSchedule, schedules.getSchedule),
          onQuery(listTurns, schedules.listTurns),
          onQuery(previewTurns, schedules.previewTurns),
          onQuery(listOnCall, schedules.listOnCall),
          onQuery(reportCoverage, reportCoverageOf),
          onQuery(listSilences, silences.listSilences),
          onQuery(listInhibitions, silences.listInhibitions),
        ],
        subscriptions: [
          conditions(criticalConditions, { isUrgent: true }),
          conditions(normalConditions),
          directorySubscription(directoryOfAlertEscalation, waking(onDirectoryNews)),
        ],
        reservedConnections: 3,
        timers: (normal, critical) => escalationTimers({ normal, critical }),
        extra: (tools) => {
          const coverage = startCoverage(tools);
          const watchdog = startWatchdog(tools, common.DATABASE_URL, coverage.hospitals);
          const running = [watchdog, coverage, followPositions(tools), startSweeps(tools, config)];
          return Promise.resolve({ stop: async () => void (await Promise.all(running.map((each) => each.stop()))) });
        },
      };
    },
    'alert-escalation',
    environment,
    dependencies,
  );
