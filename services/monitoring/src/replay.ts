/**
 * `npm run replay -- --file FILE --limits LIMITS.json [--json]`: the alarms that limits would have raised over a
 * recording. No server: the engine of the live path over a file, with values as they stand, without quality rules
 * and without a gap rule. Times are the file's own seconds.
 *
 * Exit codes: 0 done, 1 a file cannot be used, 2 wrong usage. Where it is not 0, nothing is printed on stdout.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { limitSchema } from '@carillon/contracts/limits';
import { Shape, Type, validate, type Issue } from '@carillon/contracts/schema';
import { alarmHistory, secondsToMs } from './domain/alarm-engine.ts';
import { clearAtIssue, limitSide, thresholdIssue, type Limit } from './domain/limit.ts';
import { parseRecording, RecordingError, type Recording } from './recording.ts';

export type ReplayedAlarm = {
  vital: string;
  kind: 'above' | 'below';
  raisedAtSeconds: number;
  /** Null where it was still active at the end of the recording. */
  endedAtSeconds: number | null;
};
export type ReplayOutput = { stdout: string; stderr: string; exitCode: 0 | 1 | 2 };

const usage = `usage: npm run replay -- --file FILE --limits LIMITS.json [--json]
  --file FILE      recording with the columns "Time [s], HR, PULSE, RESP, SpO2"
  --limits FILE    [{"vital":"respirationRate","above":24,"clearAt":22,"persistSeconds":15}, …]
  --json           print {"alarms":[…]} instead of a table
`;

/** What the user can mend; every other error is a fault of ours and keeps its stack. */
class InputError extends Error {
  readonly exitCode: 1 | 2;
  constructor(message: string, exitCode: 1 | 2) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** @param directory what relative paths are relative to. */
export function replay(args: readonly string[], directory: string): ReplayOutput {
  try {
    const options = parseOptions(args);
    const { limits, warnings } = readLimits(resolve(directory, options.limits), options.limits);
    const recording = readRecording(resolve(directory, options.file), options.file);
    for (const vital of new Set(limits.map((limit) => limit.vital))) {
      if (!recording.vitals.includes(vital)) warnings.push(`${options.file}: has no column for ${vital}`);
    }
    const alarms = replayRecording(recording, limits);
    return {
      stdout: options.json ? `${JSON.stringify({ alarms })}\n` : table(alarms),
      stderr: warnings.map((warning) => `replay: warning: ${warning}\n`).join(''),
      exitCode: 0,
    };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const help = error.exitCode === 2 ? usage : '';
    return { stdout: '', stderr: `replay: ${error.message}\n${help}`, exitCode: error.exitCode };
  }
}

/** By the time they were raised, then in the order of the limits. */
export function replayRecording(recording: Recording, limits: readonly Limit[]): ReplayedAlarm[] {
  return limits
    .flatMap((limit) => {
      const samples = recording.rows.flatMap(({ atSeconds, values }) => {
        const value = values[limit.vital];
        return value === undefined ? [] : [{ atMs: secondsToMs(atSeconds), value }];
      });
      return alarmHistory(limit, samples).map(({ raisedAtMs, endedAtMs }) => ({
        vital: limit.vital,
        kind: limitSide(limit),
        raisedAtSeconds: raisedAtMs / 1000,
        endedAtSeconds: endedAtMs === null ? null : endedAtMs / 1000,
      }));
    })
    .toSorted((a, b) => a.raisedAtSeconds - b.raisedAtSeconds);
}

function parseOptions(args: readonly string[]): { file: string; limits: string; json: boolean } {
  let values: { file?: string; limits?: string; json?: boolean };
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: { file: { type: 'string' }, limits: { type: 'string' }, json: { type: 'boolean' } },
    }));
  } catch (error) {
    throw new InputError(messageOf(error), 2);
  }
  const { file, limits } = values;
  if (file === undefined || file === '') throw new InputError('--file is missing', 2);
  if (limits === undefined || limits === '') throw new InputError('--limits is missing', 2);
  return { file, limits, json: values.json === true };
}

function readText(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new InputError(`${name}: cannot be read: ${messageOf(error)}`, 1);
  }
}

function readRecording(path: string, name: string): Recording {
  const text = readText(path, name);
  try {
    return parseRecording(text);
  } catch (error) {
    if (error instanceof RecordingError) throw new InputError(`${name}: ${error.message}`, 1);
    throw error;
  }
}

// A limit as everywhere, but without need of a priority: nobody is paged here.
const { priority, ...limitFields } = limitSchema.properties;
const limitsFileSchema = Type.Array(Shape({ ...limitFields, priority: Type.Optional(priority) }));

/** Several limits on one vital sign and side are allowed here, to compare them over one recording. */
function readLimits(path: string, name: string): { limits: Limit[]; warnings: string[] } {
  const text = readText(path, name);
  let input: unknown;
  try {
    input = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new InputError(`${name}: no JSON: ${messageOf(error)}`, 1);
  }
  const validated = validate(limitsFileSchema, input);
  const issues: Issue[] = validated.ok ? [] : validated.issues;
  const limits: Limit[] = [];
  const warnings: string[] = [];
  for (const [index, stated] of (validated.ok ? validated.value : []).entries()) {
    const message = thresholdIssue(stated);
    const limit: Limit = { priority: 'medium', ...stated };
    if (message === undefined) limits.push(limit);
    else issues.push({ path: `${index}`, message });
    // Defined by the rule and so replayed, but hardly what was meant.
    const clearAt = message === undefined ? clearAtIssue(limit) : undefined;
    if (clearAt !== undefined) warnings.push(`${name}: [${index}].clearAt: ${clearAt}`);
    const { breaches } = stated;
    if (breaches !== undefined && breaches.k > breaches.of) {
      warnings.push(`${name}: [${index}].breaches.k: Expected at most ${breaches.of}`);
    }
    if (stated.schedule !== undefined) {
      warnings.push(`${name}: [${index}].schedule: a recording has no time of day; the limit holds all the time`);
    }
  }
  if (issues.length > 0) {
    throw new InputError(issues.map(({ path, message }) => `${name}: ${place(path)}${message}`).join('\nreplay: '), 1);
  }
  return { limits, warnings };
}

/** `0.vital` as a reader of JSON would write it: `[0].vital`. */
const place = (path: string): string => (path === '' ? '' : `${path.replace(/^\d+/, '[$&]')}: `);

function table(alarms: readonly ReplayedAlarm[]): string {
  if (alarms.length === 0) return 'no alarms\n';
  const rows = alarms.map(({ vital, kind, raisedAtSeconds, endedAtSeconds }) => [
    `${raisedAtSeconds} s`,
    endedAtSeconds === null ? 'still on' : `${endedAtSeconds} s`,
    vital,
    kind,
  ]);
  const lines = [['raised', 'ended', 'vital', 'kind'], ...rows].map(([raised, ended, vital, kind]) =>
    `${raised?.padStart(10)}  ${ended?.padStart(10)}  ${vital?.padEnd(16)}  ${kind}`.trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const isMain = process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
if (isMain) {
  // npm runs scripts in the package's folder; INIT_CWD is where the user stands.
  const { stdout, stderr, exitCode } = replay(process.argv.slice(2), process.env['INIT_CWD'] ?? process.cwd());
  // Not process.exit(): it would cut off what a pipe has not yet taken.
  process.exitCode = exitCode;
  process.stderr.write(stderr);
  process.stdout.write(stdout);
}
