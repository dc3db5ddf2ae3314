import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

const onLinux = process.platform === 'linux';

/** Fields of /proc/<pid>/stat from the third on: [0] state, [1] parent, [19] start time in ticks since boot. */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets, and may itself hold brackets and spaces.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function ps(format: string, pid: number): string | undefined {
  try {
    const answer = execFileSync('ps', ['-o', format, '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return answer.trim() || undefined;
  } catch {
    return undefined;
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/**
 * Names one run of one process, since a pid alone is given out again later. Undefined when it has ended; a zombie has,
 * and in a container whose first process reaps nobody it stays one for ever.
 */
export function identityOf(pid: number): string | undefined {
  if (onLinux) {
    const fields = statFields(pid);
    return fields === undefined || fields[0] === 'Z' || fields[0] === 'X'
      ? undefined
      : `${pid} ${fields[19]} ${bootId()}`;
  }
  const answer = ps('stat=,lstart=', pid);
  return answer === undefined || answer.startsWith('Z') ? undefined : `${pid} ${answer.replace(/^\S+\s+/, '')}`;
}

export function parentOf(pid: number): number | undefined {
  const parent = Number(onLinux ? statFields(pid)?.[1] : ps('ppid=', pid));
  return Number.isInteger(parent) ? parent : undefined;
}

/** The command line of a running process, its words separated by spaces. */
export function commandLineOf(pid: number): string | undefined {
  if (!onLinux) return ps('command=', pid);
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() || undefined;
  } catch {
    return undefined;
  }
}

function childrenOf(pid: number): number[] {
  if (onLinux) {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return pids.map(Number).filter((child) => statFields(child)?.[1] === String(pid));
  }
  try {
    return execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
      .split('\n')
      .filter(Boolean)
      .map(Number);
  } catch {
    return [];
  }
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended in the meantime.
  }
}

/** SIGKILL to a process and its children, which are counted while it stands still and cannot make more. */
export function killTree(pid: number): void {
  signalTo(pid, 'SIGSTOP');
  const children = childrenOf(pid);
  signalTo(pid, 'SIGKILL');
  for (const child of children) signalTo(child, 'SIGKILL');
}

/** A signal, and how long the process may take to end before the next step is taken. */
export interface EndStep {
  signal: NodeJS.Signals;
  waitMs: number;
}

/** Ends a process step by step, at last by SIGKILL to it and its children, and resolves when it is gone. */
export async function endProcess(pid: number, steps: readonly EndStep[]): Promise<void> {
  const identity = identityOf(pid);
  const isRunning = (): boolean => identity !== undefined && identityOf(pid) === identity;
  const isGoneWithin = async (waitMs: number): Promise<boolean> => {
    const until = performance.now() + waitMs;
    while (isRunning() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 15));
    return !isRunning();
  };
  for (const step of steps) {
    if (!isRunning()) return;
    signalTo(pid, step.signal);
    if (await isGoneWithin(step.waitMs)) return;
  }
  if (isRunning()) killTree(pid);
  await isGoneWithin(2_000);
}
