import { start as startAlertEscalation } from '@carillon/alert-escalation/service';
import { start as startDirectory } from '@carillon/directory/service';
import { start as startGateway } from '@carillon/gateway/service';
import { start as startMonitoring } from '@carillon/monitoring/service';
import type { ServiceName } from '@carillon/contracts/define';
import { startServices, type Starter } from '@carillon/runtime/process';
import { startDemoPlans } from './demo-plans.ts';
import { startDemoPlayer } from './demo-player.ts';
import type { Environment } from './local-server.ts';
import { readOptions } from './options.ts';
import type { Options } from './options.ts';
import { complain, runProgram } from './program.ts';

const starters: readonly (readonly [ServiceName, Starter])[] = [
  ['directory', startDirectory],
  ['monitoring', startMonitoring],
  ['alert-escalation', startAlertEscalation],
  ['gateway', startGateway],
];

/** `npm start`, once everything is installed and built: see `start.mjs`. */
export async function main(argv: readonly string[], env: Environment): Promise<void> {
  let options: Options;
  try {
    options = readOptions(argv, env);
  } catch (error) {
    complain(error);
    process.exit(1);
  }
  await runProgram(options, env, {
    startServices: (environment, natsUrlOf) =>
      startServices(
        starters.map(
          ([name, start]) =>
            (given) =>
              start({ ...given, NATS_URL: natsUrlOf(name) }),
        ),
        environment,
      ),
    startDemo: (of) => {
      const parts = [startDemoPlayer(of), startDemoPlans(of)];
      return { stop: async () => void (await Promise.all(parts.map((part) => part.stop()))) };
    },
  });
}
