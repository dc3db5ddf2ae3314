import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { getMe, getWard, hospitalFileSchema, importHospital } from '@carillon/contracts/directory';
import { validate } from '@carillon/contracts/schema';
import { provisionPeople } from '@carillon/bus/provision';
import { countOutbox } from '@carillon/database/outbox';
import { onCommand } from '@carillon/runtime/commands';
import { ConfigError, readConfig, type Environment } from '@carillon/runtime/config';
import { onQuery } from '@carillon/runtime/queries';
import { startService, type Dependencies, type RunningService, type ServiceTools } from '@carillon/runtime/service';
import { childTrace } from '@carillon/runtime/trace';
import { configSchema } from './config.ts';
import { importFile, importHospital as onImportHospital } from './handlers/hospital.ts';
import { readMe, readWard } from './handlers/reads.ts';

const seedPublishMs = 10_000;

async function importSeed(tools: ServiceTools, path: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new ConfigError([`CARILLON_DIRECTORY_SEED: ${error instanceof Error ? error.message : String(error)}`]);
  });
  const file = validate(hospitalFileSchema, JSON.parse(text));
  if (!file.ok) throw new ConfigError(file.issues.map((issue) => `${path}: ${issue.path} ${issue.message}`));
  await tools.work(childTrace(undefined), (work) => importFile(work, file.value));
  // Ready means that everybody can know: what was imported has left the outbox, or the bus is away.
  const deadline = performance.now() + seedPublishMs;
  while (performance.now() < deadline && (await countOutbox(tools.database)).length > 0) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export const start = (environment: Environment, dependencies?: Dependencies): Promise<RunningService> =>
  startService(
    ({ common }) => ({
      name: 'directory',
      migrations: [{ folder: fileURLToPath(new URL('../migrations', import.meta.url)), table: 'migrations' }],
      streams: ['COMMANDS', 'DIRECTORY', 'DEADLETTERS'],
      commands: [onCommand(importHospital, onImportHospital)],
      queries: [onQuery(getWard, readWard), onQuery(getMe, readMe)],
      async extra(tools) {
        const config = readConfig(configSchema, environment);
        await provisionPeople(tools.bus, { replicas: common.CARILLON_REPLICAS });
        if (config.CARILLON_DIRECTORY_SEED !== '') await importSeed(tools, config.CARILLON_DIRECTORY_SEED);
        return { stop: () => Promise.resolve() };
      },
    }),
    'directory',
    environment,
    dependencies,
  );
