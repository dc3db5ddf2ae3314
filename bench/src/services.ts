/** The services that are named as arguments in this one process, each with its own NATS user: see house.ts. */
import { start as startAlertEscalation } from '@carillon/alert-escalation/service';
import { start as startDirectory } from '@carillon/directory/service';
import { start as startGateway } from '@carillon/gateway/service';
import { start as startMonitoring } from '@carillon/monitoring/service';
import { runProcess, type Starter } from '@carillon/runtime/process';

const starters: Readonly<Record<string, Starter>> = {
  directory: startDirectory,
  monitoring: startMonitoring,
  'alert-escalation': startAlertEscalation,
  gateway: startGateway,
};
const urls = JSON.parse(process.env['BENCH_NATS_URLS'] ?? '{}') as Record<string, string>;
await runProcess(
  Object.entries(starters)
    .filter(([name]) => process.argv.includes(name))
    .map(
      ([name, start]) =>
        (environment) =>
          start({ ...environment, NATS_URL: urls[name] }),
    ),
);
