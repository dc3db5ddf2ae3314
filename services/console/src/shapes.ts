/** What the console calls the shapes of contracts. */
import type { Input, Result } from '@carillon/client/client';
import type { Alert as AlertWithTimeline, AlertSummary } from '@carillon/contracts/alert-escalation';
import type { Condition as ConditionEvent, Priority, RecordedVital } from '@carillon/contracts/monitoring';

export type { ConditionEvent, Priority };
export type { DeadLetter } from '@carillon/contracts/dead-letters';
export type { TimelineEntry } from '@carillon/contracts/alert-escalation';

/** As lists and events bring it; the timeline comes when one is read by itself. */
export type Alert = AlertSummary & Partial<Pick<AlertWithTimeline, 'timeline'>>;
export type Reading = RecordedVital;
export type VitalSummary = Result<'vitals:summarise'>['items'][number];
export type NumericVital = Input<'vitals:summarise'>['vital'];
export type PatientStatus = Result<'patient:status'>;
export type Score = NonNullable<PatientStatus['score']>;
/** What people have to do with the score: what they charted, and why none is shown. */
export type Scoring = Pick<PatientStatus, 'withheld' | 'charted'>;
export type ScoreDecision = Result<'score:decisions'>['items'][number];
/** An alarm condition that is active, whatever became of its alert. Kind is `<vital>-above`, `<vital>-below` or `news2`. */
export type Condition = PatientStatus['conditions'][number];
/** As the board keeps it: whether its alert was seen to end while the condition lasted. */
export type ActiveCondition = Condition & { alertResolved: boolean };
export type Ward = Result<'ward:get'>;
/** Beds of the hospital with who lies in them, and patients without a bed. */
export type Beds = Result<'bed:list'>;
export type Figures = Result<'figures:get'>['items'][number];
export type Bed = Ward['beds'][number];
export type Device = Result<'device:list'>['items'][number];
/** What a patient is watched by, and whose that is. */
export type PatientRules = Result<'limits:get'>;
export type LimitVersion = Result<'limits:history'>['items'][number];
/** Limits of those who have none of their own. */
export type LimitSet = Result<'limitSet:list'>['items'][number];
export type Limit = PatientRules['limits'][number];
export type Me = Result<'person:me'>;
export type Silence = Result<'silence:list'>['items'][number];
export type EscalationPolicy = Result<'policy:get'>;
export type ListedPolicy = Result<'policy:list'>['items'][number];
export type Schedule = Result<'schedule:get'>;
export type Turn = Result<'schedule:turns'>['items'][number];
export type Group = Result<'group:list'>['items'][number];
/** Whom policies, groups and schedules may name. */
export type CallablePerson = Result<'person:callable'>['items'][number];
export type OnCallNow = Result<'schedule:onCall'>['items'][number];
export type CoverageReport = Pick<Result<'coverage:report'>, 'from' | 'until' | 'wards' | 'gaps'>;
export type FullDeadLetter = Result<'deadLetter:get'>;
