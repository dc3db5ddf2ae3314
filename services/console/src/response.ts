/** How quickly alarms were answered, in words. */
import type { Result } from '@carillon/client/client';
import { runningTime } from './format.ts';

export type ResponseFigures = Result<'response:figures'>;
export type ResponseBy = 'ward' | 'priority' | 'shift';
type Figures = ResponseFigures['total'];
type Hop = Figures['hops'][number]['hop'];

export const HOP_WORDS: Record<Hop, string> = {
  measured_active: 'Measured to active',
  active_opened: 'Active to opened',
  measured_opened: 'Measured to opened',
  opened_paged: 'Opened to first page',
  paged_delivered: 'Page to a device',
  paged_displayed: 'Page to a screen',
  opened_accepted: 'Opened to accepted',
  opened_acknowledged: 'Opened to acknowledged',
  opened_resolved: 'Opened to resolved',
};

/** "340 ms", "4.2 s", "03:12". */
export const timeTaken = (ms: number): string => {
  if (Math.abs(ms) < 1_000) return `${ms} ms`;
  return ms < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : runningTime(ms);
};

/** What it is called in lists: the wards have names. */
export const groupName = (group: string | null, by: ResponseBy, wards: ReadonlyMap<string, string>): string => {
  if (group === null) return 'No ward';
  return by === 'ward' ? (wards.get(group) ?? `Ward ${group}`) : group;
};

export const percent = (share: number | null): string => (share === null ? '–' : `${Math.round(share * 100)} %`);
export const decimal = (figure: number | null): string => (figure === null ? '–' : figure.toFixed(1));
