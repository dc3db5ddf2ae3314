/**
 * Recordings of monitor numerics, in the column format of the BIDMC dataset (PhysioNet; Pimentel et al. 2016,
 * doi 10.1109/TBME.2016.2613124; Goldberger et al. 2000): a header `Time [s], HR, PULSE, RESP, SpO2`, then a row each
 * second. An empty cell or NaN is a sample that was not measured; 0 is a value like any other.
 */
import type { NumericVital } from '@carillon/contracts/vital-signs';

export type RecordingRow = {
  /** The recording's own time, in seconds; it need not begin at 0. */
  atSeconds: number;
  /** What was measured, in canonical units (/min and %). */
  values: Partial<Record<NumericVital, number>>;
};

export type Recording = {
  /** The vital signs that have a column, in the order of the columns. */
  vitals: NumericVital[];
  rows: RecordingRow[];
};

/** What is wrong with a recording, and in which line (the header is line 1). */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';
}

const timeColumn = 'Time [s]';
const vitalOfColumn: Readonly<Record<string, NumericVital>> = {
  HR: 'heartRate',
  PULSE: 'pulse',
  RESP: 'respirationRate',
  SpO2: 'spo2',
};
const knownColumns = [timeColumn, ...Object.keys(vitalOfColumn)].join(', ');

/** Excludes what Number() would take as well: hexadecimal, an empty text, Infinity. */
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** @throws RecordingError naming the line, and the column where one is to blame. */
export function parseRecording(text: string): Recording {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const columns = parseHeader(lines[0] ?? '');
  const rows: RecordingRow[] = [];
  for (const [index, line] of lines.entries()) {
    if (index === 0 || line.trim() === '') continue;
    rows.push(parseRow(columns, line, index + 1));
  }
  if (rows.length === 0) throw new RecordingError('line 2: no samples');
  return { vitals: columns.flatMap((column) => vitalOfColumn[column] ?? []), rows };
}

function parseHeader(line: string): string[] {
  const columns = line.split(',').map((column) => column.trim());
  for (const [index, column] of columns.entries()) {
    if (column !== timeColumn && !Object.hasOwn(vitalOfColumn, column)) {
      throw new RecordingError(`line 1: unknown column "${shown(column)}"; known are ${knownColumns}`);
    }
    if (columns.indexOf(column) !== index) throw new RecordingError(`line 1: column "${column}" comes twice`);
  }
  if (!columns.includes(timeColumn)) throw new RecordingError(`line 1: no column "${timeColumn}"`);
  if (columns.length === 1) throw new RecordingError(`line 1: no vital sign; known columns are ${knownColumns}`);
  return columns;
}

function parseRow(columns: readonly string[], line: string, lineNumber: number): RecordingRow {
  const cells = line.split(',');
  if (cells.length !== columns.length) {
    throw new RecordingError(`line ${lineNumber}: ${cells.length} cells under ${columns.length} columns`);
  }
  let atSeconds: number | undefined;
  const values: RecordingRow['values'] = {};
  for (const [index, column] of columns.entries()) {
    const value = parseCell(cells[index] ?? '', column, lineNumber);
    const vital = vitalOfColumn[column];
    if (vital === undefined) atSeconds = value;
    else if (value !== undefined) values[vital] = value;
  }
  if (atSeconds === undefined) throw new RecordingError(`line ${lineNumber}: no time`);
  return { atSeconds, values };
}

function parseCell(cell: string, column: string, lineNumber: number): number | undefined {
  const text = cell.trim();
  if (text === '' || text.toLowerCase() === 'nan') return undefined;
  const value = decimal.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(value)) {
    throw new RecordingError(`line ${lineNumber}: column "${column}" has "${shown(text)}", not a number`);
  }
  // Half of the recordings begin at "-0", which is the same instant as 0.
  return value === 0 ? 0 : value;
}

/** A binary file given by mistake must not fill the terminal. */
const shown = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);
