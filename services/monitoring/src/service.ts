import { fileURLToPath } from 'node:url';
import {
  calculateNews2,
  directoryOfMonitoring,
  getLimits,
  getPatientStatus,
  getWardStatus,
  listVitals,
  setLimits,
} from '@carillon/contracts/monitoring';
import { onCommand } from '@carillon/runtime/commands';
import type { Environment } from '@carillon/runtime/config';
import { directoryProjectionMigrations, directorySubscription } from '@carillon/runtime/directory-projection';
import { onQuery } from '@carillon/runtime/queries';
import { startService, type Dependencies, type RunningService } from '@carillon/runtime/service';
import { startIntake } from './handlers/intake.ts';
import * as limits from './handlers/limits.ts';
import * as reads from './handlers/reads.ts';

export const start = (environment: Environment, dependencies?: Dependencies): Promise<RunningService> =>
  startService(
    () => ({
      name: 'monitoring',
      migrations: [
        directoryProjectionMigrations,
        { folder: fileURLToPath(new URL('../migrations', import.meta.url)), table: 'migrations' },
      ],
      streams: ['COMMANDS', 'INTAKE', 'VITALS', 'CARE', 'DIRECTORY', 'DEADLETTERS'],
      commands: [onCommand(setLimits, limits.setLimits)],
      queries: [
        onQuery(listVitals, reads.listVitals),
        onQuery(getWardStatus, reads.getWardStatus),
        onQuery(getPatientStatus, reads.getPatientStatus),
        onQuery(getLimits, limits.getLimits),
        onQuery(calculateNews2, reads.calculateNews2),
      ],
      subscriptions: [directorySubscription(directoryOfMonitoring)],
      extra: startIntake,
    }),
    'monitoring',
    environment,
    dependencies,
  );
