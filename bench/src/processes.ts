/** CPU time and memory of processes with all their children, from /proc: PostgreSQL works in children. */
import { readFileSync, readdirSync } from 'node:fs';

type Spent = { cpuSeconds: number };
export type Usage = Spent & { residentMiB: number };

/** USER_HZ, which Linux fixes at 100 for programs; a page is 4 KiB on every machine that we run on. */
const ticksPerSecond = 100;
const pagesPerMiB = 256;

type Entry = { parent: number; ticks: number; pages: number };

function readEntry(pid: number): Entry | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name stands in parentheses and may hold anything; the fields begin behind the last one.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const field = (index: number): number => Number(fields[index]);
    // Time of children that have ended is the parent's: fields 13 and 14.
    return { parent: field(1), ticks: field(11) + field(12) + field(13) + field(14), pages: field(21) };
  } catch {
    return undefined;
  }
}

/** Shared pages (of PostgreSQL's buffers) count in each process that touched them, so its memory reads high. */
export function usageOf(root: number): Usage {
  const entries = new Map<number, Entry>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const entry = Number.isInteger(pid) ? readEntry(pid) : undefined;
    if (entry !== undefined) entries.set(pid, entry);
  }
  const family = new Set([root]);
  for (let isGrowing = true; isGrowing;) {
    isGrowing = false;
    for (const [pid, { parent }] of entries) {
      if (!family.has(parent) || family.has(pid)) continue;
      family.add(pid);
      isGrowing = true;
    }
  }
  let ticks = 0;
  let pages = 0;
  for (const pid of family) {
    ticks += entries.get(pid)?.ticks ?? 0;
    pages += entries.get(pid)?.pages ?? 0;
  }
  return { cpuSeconds: ticks / ticksPerSecond, residentMiB: Math.round(pages / pagesPerMiB) };
}

/** Of this process without its children, which are the others. */
export function ownUsage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpuSeconds: (user + system) / 1e6, residentMiB: Math.round(process.memoryUsage.rss() / 1024 ** 2) };
}

/** CPU time that this machine wanted and the host gave to other guests. */
export function stolenUsage(): Spent {
  const [total = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  // cpu user nice system idle iowait irq softirq steal …
  return { cpuSeconds: Number(total.split(/ +/)[8] ?? 0) / ticksPerSecond };
}

/** @returns shares of one core, over `seconds` */
export const shareBetween = (before: Spent, after: Spent, seconds: number): number =>
  Math.round(((after.cpuSeconds - before.cpuSeconds) / seconds) * 1000) / 10;
