import { fileURLToPath } from 'node:url';
import * as deviceContracts from '@carillon/contracts/devices';
import { getFigures } from '@carillon/contracts/figures';
import { getAlarmLoad, getReplay, startReplay, summariseVitals } from '@carillon/contracts/history';
import {
  calculateNews2,
  directoryOfMonitoring,
  getPatientStatus,
  getWardStatus,
  listVitals,
} from '@carillon/contracts/monitoring';
import {
  calculateMews,
  chartVitals as chartContract,
  decideScore,
  getScores,
  listDecisions,
  stateScore,
} from '@carillon/contracts/scores';
import { alertAcknowledged, alertResolved } from '@carillon/contracts/alert-escalation';
import {
  adjustLimits,
  answersOfMonitoring,
  getLimits,
  listLimitSets,
  listLimitVersions,
  putLimitSet,
  setLimits,
  signLimitSet,
} from '@carillon/contracts/limits';
import { onCommand } from '@carillon/runtime/commands';
import { readConfig, type Environment } from '@carillon/runtime/config';
import { directoryProjectionMigrations, directorySubscription } from '@carillon/runtime/directory-projection';
import { onQuery } from '@carillon/runtime/queries';
import { onEvent } from '@carillon/runtime/subscriptions';
import { startService, type Dependencies, type RunningService } from '@carillon/runtime/service';
import { configSchema, minutesKeepDays } from './config.ts';
import * as alarmLoad from './handlers/alarm-load.ts';
import { chartVitals } from './handlers/charting.ts';
import { deviceTimer } from './handlers/device-silence.ts';
import * as devices from './handlers/devices.ts';
import * as figures from './handlers/figures.ts';
import { monitorTimer } from './handlers/due.ts';
import { createEars } from './handlers/ears.ts';
import { followEdge } from './handlers/edge.ts';
import { startIntake } from './handlers/intake.ts';
import { onAlertAcknowledged, onAlertResolved } from './handlers/alerts.ts';
import * as limitSets from './handlers/limit-sets.ts';
import * as limits from './handlers/limits.ts';
import { minutesTimer } from './handlers/minutes.ts';
import { followPlaces } from './handlers/places.ts';
import * as reads from './handlers/reads.ts';
import * as replays from './handlers/replays.ts';
import { retentionTimer } from './handlers/retention.ts';
import * as scores from './handlers/scores.ts';
import * as summary from './handlers/summary.ts';

export const start = (environment: Environment, dependencies?: Dependencies): Promise<RunningService> =>
  startService(
    () => {
      const ears = createEars();
      const figuresClock = figures.createFiguresClock();
      const config = readConfig(configSchema, environment);
      return {
        name: 'monitoring',
        migrations: [
          directoryProjectionMigrations,
          { folder: fileURLToPath(new URL('../migrations', import.meta.url)), table: 'migrations' },
        ],
        streams: ['COMMANDS', 'INTAKE', 'VITALS', 'CARE', 'DEVICE', 'OPS', 'DIRECTORY', 'DEADLETTERS'],
        commands: [
          onCommand(setLimits, limits.setLimits),
          onCommand(adjustLimits, limits.adjustLimits),
          onCommand(putLimitSet, limitSets.putLimitSet),
          onCommand(signLimitSet, limitSets.signLimitSet),
          onCommand(chartContract, chartVitals),
          onCommand(decideScore, scores.decideScore),
          onCommand(stateScore, scores.stateScore),
          onCommand(startReplay, replays.startReplay(config.CARILLON_VITALS_KEEP_DAYS)),
          onCommand(deviceContracts.registerDevice, devices.registerDevice),
          onCommand(deviceContracts.bindDevice, devices.bindDevice),
          onCommand(deviceContracts.unbindDevice, devices.unbindDevice),
          onCommand(deviceContracts.reportDevice, devices.reportDevice),
          onCommand(deviceContracts.stopSignal, devices.stopSignal),
        ],
        queries: [
          onQuery(listVitals, reads.listVitals),
          onQuery(getWardStatus, reads.getWardStatus),
          onQuery(getPatientStatus, reads.getPatientStatus),
          onQuery(getLimits, limits.getLimits),
          onQuery(listLimitVersions, limits.listLimitVersions),
          onQuery(listLimitSets, limitSets.listLimitSets),
          onQuery(calculateNews2, reads.calculateNews2),
          onQuery(summariseVitals, summary.summariseVitals(config.CARILLON_VITALS_KEEP_DAYS)),
          onQuery(getFigures, figures.getFigures),
          onQuery(getAlarmLoad, alarmLoad.getAlarmLoad),
          onQuery(getReplay, replays.getReplay),
          onQuery(deviceContracts.listDevices, devices.listDevices),
          onQuery(deviceContracts.listBindings, devices.listBindings),
          onQuery(listDecisions, scores.listDecisions),
          onQuery(getScores, scores.getScores),
          onQuery(calculateMews, scores.calculateMews),
        ],
        subscriptions: [
          directorySubscription(directoryOfMonitoring, followPlaces(figuresClock.outdate)),
          {
            consumer: answersOfMonitoring,
            handlers: [onEvent(alertAcknowledged, onAlertAcknowledged), onEvent(alertResolved, onAlertResolved)],
          },
        ],
        timers: (tools) => [
          monitorTimer(tools, ears),
          deviceTimer(tools, ears),
          figuresClock.timer(tools),
          retentionTimer(tools, config),
          minutesTimer(tools, minutesKeepDays(config)),
          replays.replayTimer(tools),
        ],
        extra: async (tools) => {
          const edge = followEdge(tools, ears);
          const intake = await startIntake(tools, ears);
          return {
            async stop() {
              edge.stop();
              await intake.stop();
            },
          };
        },
      };
    },
    'monitoring',
    environment,
    dependencies,
  );
