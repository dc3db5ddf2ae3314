/** `npm run conformance`: exit code 0 when the server conforms, 1 when it does not, 2 for a wrong command line. */
import { outcomeLine, summary } from './report.ts';
import { readOptions, usage, type Options } from './options.ts';
import { runConformance } from './suite.ts';
import { findTarget } from './target.ts';

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function optionsOrExit(): Options {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`conformance: ${messageOf(error)}\n\n${usage}`);
    process.exit(2);
  }
}

if (process.argv.includes('--help')) {
  console.log(usage);
  process.exit(0);
}
const options = optionsOrExit();
try {
  const report = await runConformance(await findTarget(options), {
    neighbourMs: options.neighbourMs,
    ...(options.only === undefined ? {} : { only: options.only }),
    onOutcome: (outcome) => options.isJson || console.log(outcomeLine(outcome)),
  });
  console.log(options.isJson ? JSON.stringify(report, undefined, 2) : summary(report));
  process.exitCode = report.isGood ? 0 : 1;
} catch (error) {
  console.error(`conformance: ${messageOf(error)}`);
  process.exitCode = 1;
}
