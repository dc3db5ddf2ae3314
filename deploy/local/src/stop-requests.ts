import { commandLineOf, parentOf } from './process-table.ts';
import type { Environment } from './local-server.ts';

/** npm forwards to us the Ctrl-C that the terminal has sent us too: what comes so soon after is the same one. */
const sameKeyMs = 500;
const parentCheckMs = 250;

/**
 * Whether the npm that runs us is gone. npm puts a shell between itself and us, and a kill of npm leaves that shell
 * waiting, so its parent is watched as well. Undefined when nobody is to be watched: not under npm, or first in a container.
 */
function watchParent(env: Environment): (() => boolean) | undefined {
  const parent = process.ppid;
  if (env['npm_lifecycle_event'] === undefined || parent <= 1) return undefined;
  const isShell = process.platform === 'linux' && /^(\S*\/)?(ba|da|z|a)?sh -c /.test(commandLineOf(parent) ?? '');
  const grandparent = isShell ? parentOf(parent) : undefined;
  const hasGrandparent = grandparent !== undefined && grandparent > 1;
  return () => process.ppid !== parent || (hasGrandparent && parentOf(parent) !== grandparent);
}

/** Why the program shall end: a signal, or npm is gone. A second signal calls `onImpatience`. */
export function stopRequest(env: Environment, onImpatience: () => void): Promise<string> {
  return new Promise((resolve) => {
    let requestedAt: number | undefined;
    const request = (why: string): void => {
      requestedAt ??= performance.now();
      resolve(why);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (requestedAt !== undefined && performance.now() - requestedAt > sameKeyMs) onImpatience();
        else request(signal);
      });
    }
    const isParentGone = watchParent(env);
    if (isParentGone === undefined) return;
    const timer = setInterval(() => {
      if (!isParentGone()) return;
      clearInterval(timer);
      request('npm is gone');
    }, parentCheckMs);
    timer.unref();
  });
}
