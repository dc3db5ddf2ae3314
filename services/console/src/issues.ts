/** What the server found wrong with what was sent, and where. */
import { CodedError } from '@carillon/client/client';
import { capitalised, words } from './format.ts';

export type Issue = { path: string; message: string };

const isIssue = (value: unknown): value is Issue =>
  typeof value === 'object' &&
  value !== null &&
  typeof Reflect.get(value, 'path') === 'string' &&
  typeof Reflect.get(value, 'message') === 'string';

export const issuesOf = (error: unknown): readonly Issue[] =>
  error instanceof CodedError ? (error.issues ?? []).filter(isIssue) : [];

const PLACES: Readonly<Record<string, string>> = {
  levels: 'level',
  targets: 'target',
  layers: 'layer',
  people: 'person',
};

/** "levels.1.targets.0.group" as "Level 2, target 1, group". */
export const placeInWords = (path: string): string => {
  const parts = path.split('.').filter((part) => part !== '');
  const said: string[] = [];
  for (const part of parts) {
    const last = said.at(-1);
    if (/^\d+$/.test(part) && last !== undefined) said[said.length - 1] = `${PLACES[last] ?? last} ${Number(part) + 1}`;
    else said.push(part in PLACES ? part : words(part));
  }
  return capitalised(said.join(', '));
};
