/** Whether alarms are escalated at all, as the gateway sees it. */
import type { EventData } from '@carillon/client/client';
import { createCell } from './cell.ts';

type TechnicalState = EventData<'technical:changed'>;
export type TechnicalAlarm = TechnicalState['alarms'][number];

export const technicalRoom = (hospital: string): string => `technical:${hospital}`;

/** For those who are at the beds: what it means, not what is broken. */
export const TECHNICAL_WORDS: Record<TechnicalAlarm['kind'], string> = {
  silent: 'The escalation of alarms is not running, or cannot be reached.',
  database: 'The escalation of alarms has lost its database.',
  loopStopped: 'The escalation of alarms hangs.',
  overdueHigh: 'Alarms of high priority are escalated late.',
  overdue: 'Alarms of medium or low priority are escalated late.',
  outboxLag: 'Pages do not go out.',
  clockStep: 'The clock of the database has stepped: a level may have started early.',
  noCoverage: 'A ward has nobody on duty whom an alarm would call.',
  unknownZone: 'An on-call schedule cannot be read: by its turns nobody is on call.',
  canary: 'Test alarms do not arrive.',
};

/** Why nobody may rely on being called, since when; undefined while all may. */
export const stoppedBy = (alarms: readonly TechnicalAlarm[]): { since: string; words: string[] } | undefined => {
  const stopping = alarms.filter(({ isStopped }) => isStopped);
  const [since] = stopping.map((alarm) => alarm.since).sort();
  return since === undefined ? undefined : { since, words: stopping.map(({ kind }) => TECHNICAL_WORDS[kind]) };
};

export const createTechnical = () => {
  const alarms = createCell<readonly TechnicalAlarm[]>([]);
  return { alarms, show: (state: TechnicalState): void => alarms.set(state.alarms) };
};
