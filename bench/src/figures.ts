/** What a run is summed up in: percentiles, a table for people, one line of JSON for programs. */
import { cpus, totalmem } from 'node:os';

export type Spread = { count: number; p50: number; p95: number; p99: number; max: number };

const round = (value: number): number => Math.round(value * 10) / 10;

/** @param values in any unit; the nearest rank, so that a maximum is a value that was seen */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN);
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

export const medianOf = (values: readonly number[]): number => spreadOf(values).p50;

/** Columns as wide as their widest cell; numbers to the right. */
export function printTable(title: string, rows: readonly Readonly<Record<string, string | number>>[]): void {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cell = (row: Readonly<Record<string, string | number>>, name: string): string => {
    const value = row[name];
    return typeof value === 'number' ? value.toLocaleString('en') : (value ?? '');
  };
  const widths = names.map((name) => Math.max(name.length, ...rows.map((row) => cell(row, name).length)));
  const line = (cells: readonly string[], isNumber: (index: number) => boolean): string =>
    cells
      .map((text, index) => (isNumber(index) ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0)))
      .join('  ')
      .trimEnd();
  const areNumbers = names.map((name) => rows.some((row) => typeof row[name] === 'number'));
  console.log(`\n${title}`);
  console.log(line(names, (index) => areNumbers[index] === true));
  for (const row of rows) {
    console.log(
      line(
        names.map((name) => cell(row, name)),
        (index) => areNumbers[index] === true,
      ),
    );
  }
}

export type Machine = { cpu: string; cores: number; memoryGiB: number; node: string; nats: string; postgres: string };

export const machineOf = (nats: string, postgres: string): Machine => ({
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 1024 ** 3),
  node: process.versions.node,
  nats,
  postgres,
});
