// Ends one server when the program that started it is gone, even by kill -9.
//
// The program holds the other end of this process's stdin and never writes to it. The kernel closes it with the program,
// whatever it died of, so end of file means: see that the server is gone, then go. A program that has stopped
// its server itself closes the pipe too, and the guard then finds nothing left to do.
//
// Plain JavaScript on Node's own modules, so that tests (on the sources) and the built program run the same file.
// Usage: node guard.mjs '{"pid":123,"steps":[{"signal":"SIGTERM","waitMs":5000}]}'; SIGKILL follows the last step.

import { readFileSync, readdirSync } from 'node:fs';

const { pid, steps } = JSON.parse(process.argv[2]);

// A closed terminal or Ctrl-C must not end the guard before the server.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM']) process.on(signal, () => {});

/** [parent, start time] of a process; undefined when it has ended. Where there is no /proc the pid alone must do. */
function processEntry(of) {
  if (process.platform !== 'linux') {
    try {
      process.kill(of, 0);
      return [0, ''];
    } catch (error) {
      return error.code === 'EPERM' ? [0, ''] : undefined;
    }
  }
  try {
    const stat = readFileSync(`/proc/${of}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : [Number(fields[1]), fields[19]];
  } catch {
    return undefined;
  }
}

function childrenOfServer() {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((of) => processEntry(of)?.[0] === pid);
}

function signalTo(of, signal) {
  try {
    process.kill(of, signal);
  } catch {
    // It has ended in the meantime.
  }
}

const startedAt = processEntry(pid)?.[1];
const isRunning = () => startedAt !== undefined && processEntry(pid)?.[1] === startedAt;

process.stdin.on('error', () => {});
process.stdin.resume();
await new Promise((resolve) => process.stdin.once('close', resolve));

for (const { signal, waitMs } of steps) {
  if (!isRunning()) break;
  signalTo(pid, signal);
  const until = performance.now() + waitMs;
  while (isRunning() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
}
if (isRunning()) {
  // PostgreSQL's own children outlive a killed postmaster for a moment: end them with it.
  const all = [pid, ...childrenOfServer()];
  for (const of of all) signalTo(of, 'SIGKILL');
}
process.exit(0);
