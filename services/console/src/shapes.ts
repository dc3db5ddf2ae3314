/** What the console calls the shapes of contracts. */
import type { Result } from '@carillon/client/client';
import type { Alert as AlertWithTimeline, AlertSummary } from '@carillon/contracts/alert-escalation';
import type { Condition as ConditionEvent, Priority, RecordedVital } from '@carillon/contracts/monitoring';

export type { ConditionEvent, Priority };
export type { DeadLetter } from '@carillon/contracts/dead-letters';
export type { TimelineEntry } from '@carillon/contracts/alert-escalation';

/** As lists and events bring it; the timeline comes when one is read by itself. */
export type Alert = AlertSummary & Partial<Pick<AlertWithTimeline, 'timeline'>>;
export type Reading = RecordedVital;
export type PatientStatus = Result<'patient:status'>;
export type Score = NonNullable<PatientStatus['score']>;
/** An alarm condition that is active, whatever became of its alert. Kind is `<vital>-above`, `<vital>-below` or `news2`. */
export type Condition = PatientStatus['conditions'][number];
/** As the board keeps it: whether its alert was seen to end while the condition lasted. */
export type ActiveCondition = Condition & { alertResolved: boolean };
export type Ward = Result<'ward:get'>;
export type Bed = Ward['beds'][number];
export type Limit = Result<'limits:get'>['limits'][number];
export type Me = Result<'person:me'>;
export type FullDeadLetter = Result<'deadLetter:get'>;
