import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  breakGlass,
  disconnectPerson,
  endBreakGlass,
  endSubscription,
  logOut,
  revokeAccess,
} from '@carillon/contracts/access';
import { admitPatient, dischargePatient, listBeds, listStays, transferPatient } from '@carillon/contracts/admissions';
import { getMe, getWard, hospitalFileSchema, importHospital } from '@carillon/contracts/directory';
import {
  getNotice,
  listNotices,
  listTopics,
  publishNotice,
  subscribeTopic,
  unsubscribeTopic,
} from '@carillon/contracts/notices';
import { recordReceipts } from '@carillon/contracts/receipts';
import { validate } from '@carillon/contracts/schema';
import { accessBucket } from '@carillon/contracts/streams';
import { provisionAccess, provisionPeople } from '@carillon/bus/provision';
import { CodedError } from '@carillon/contracts/errors';
import { countEntries } from '@carillon/bus/key-value';
import { countOutbox } from '@carillon/database/outbox';
import { onCommand } from '@carillon/runtime/commands';
import { ConfigError, readConfig, type Environment } from '@carillon/runtime/config';
import { onQuery } from '@carillon/runtime/queries';
import { startService, type Dependencies, type RunningService, type ServiceTools } from '@carillon/runtime/service';
import { childTrace } from '@carillon/runtime/trace';
import { canaryHospital } from './canary-hospital.ts';
import { configSchema } from './config.ts';
import * as admissions from './handlers/admissions.ts';
import * as access from './handlers/access.ts';
import { createBreakGlass } from './handlers/break-glass.ts';
import { importFile, importHospital as onImportHospital } from './handlers/hospital.ts';
import * as notices from './handlers/notices.ts';
import { readMe, readWard } from './handlers/reads.ts';
import * as topics from './handlers/topics.ts';
import { listEntityKeys } from './store.ts';
import { countAccessEntries } from './store-access.ts';

const seedPublishMs = 10_000;

async function importSeed(tools: ServiceTools, path: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new ConfigError([`CARILLON_DIRECTORY_SEED: ${error instanceof Error ? error.message : String(error)}`]);
  });
  const file = validate(hospitalFileSchema, JSON.parse(text));
  if (!file.ok) throw new ConfigError(file.issues.map((issue) => `${path}: ${issue.path} ${issue.message}`));
  const { hospitalId } = file.value.hospital;
  try {
    await tools.work(childTrace(undefined), (work) => importFile(work, file.value, null));
  } catch (error) {
    // People were moved since the last file. A hospital without its directory could sign nobody in, over one bed.
    const isContradicted = error instanceof CodedError && (await listEntityKeys(tools.database, hospitalId)).length > 0;
    if (!isContradicted) throw error;
    tools.log.error({ path, issues: error.issues }, 'the file contradicts what holds by now: nothing of it was taken');
  }
  // Ready means that everybody can know: what was imported has left the outbox, or the bus is away.
  const deadline = performance.now() + seedPublishMs;
  while (performance.now() < deadline && (await countOutbox(tools.database)).length > 0) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A bucket with fewer entries than there are was lost, or they are on their way. */
async function restoreAccess(tools: ServiceTools): Promise<void> {
  const published = await countEntries(tools.bus, accessBucket);
  if (published < (await countAccessEntries(tools.database))) {
    await tools.work(childTrace(undefined), access.publishAllEntries);
  }
}

export const start = (environment: Environment, dependencies?: Dependencies): Promise<RunningService> =>
  startService(
    ({ common, tools: serviceTools, wakeTimers }) => {
      const config = readConfig(configSchema, environment);
      const policy = {
        mfaFreshMs: config.CARILLON_MFA_FRESH_SECONDS * 1_000,
        lastsMs: config.CARILLON_BREAK_GLASS_MINUTES * 60_000,
      };
      const glass = createBreakGlass(serviceTools, policy, wakeTimers);
      return {
        name: 'directory',
        migrations: [{ folder: fileURLToPath(new URL('../migrations', import.meta.url)), table: 'migrations' }],
        streams: ['COMMANDS', 'DIRECTORY', 'PERSON', 'OPS', 'AUDIT', 'DEADLETTERS'],
        commands: [
          onCommand(importHospital, onImportHospital),
          onCommand(admitPatient, admissions.admitPatient),
          onCommand(transferPatient, admissions.transferPatient),
          onCommand(dischargePatient, admissions.dischargePatient),
          onCommand(revokeAccess, access.revokeAccess),
          onCommand(logOut, access.logOut),
          onCommand(disconnectPerson, access.disconnectPerson),
          onCommand(endSubscription, access.endSubscription),
          onCommand(breakGlass, glass.breakGlass),
          onCommand(endBreakGlass, glass.endBreakGlass),
          onCommand(publishNotice, (work, input) => {
            work.afterCommit(wakeTimers);
            return notices.publishNotice(work, input);
          }),
          onCommand(subscribeTopic, topics.followTopic),
          onCommand(unsubscribeTopic, topics.leaveTopic),
          onCommand(recordReceipts, notices.keepReceipts),
        ],
        queries: [
          onQuery(getWard, readWard),
          onQuery(getMe, readMe),
          onQuery(listBeds, admissions.listBeds),
          onQuery(listStays, admissions.listStays),
          onQuery(listNotices, notices.readNotices),
          onQuery(getNotice, notices.readNotice),
          onQuery(listTopics, topics.readTopics),
        ],
        timers: (tools) => [glass.timer, ...notices.noticeTimers(tools)],
        async extra(tools) {
          await provisionPeople(tools.bus, { replicas: common.CARILLON_REPLICAS });
          await provisionAccess(tools.bus, { replicas: common.CARILLON_REPLICAS });
          await restoreAccess(tools);
          if (config.CARILLON_CANARY_SECONDS > 0) {
            const file = canaryHospital(new Date(tools.now()).getUTCFullYear());
            await tools.work(childTrace(undefined), (work) => importFile(work, file, null));
          }
          if (config.CARILLON_DIRECTORY_SEED !== '') await importSeed(tools, config.CARILLON_DIRECTORY_SEED);
          return { stop: () => Promise.resolve() };
        },
      };
    },
    'directory',
    environment,
    dependencies,
  );
