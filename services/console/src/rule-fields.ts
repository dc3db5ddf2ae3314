/** What a form of alarm rules says, by the names of its fields. Pure. */
import { isSameLimit, limitFrom, type LimitFields } from './limits.ts';
import type { Limit, LimitSet, PatientRules, Priority } from './shapes.ts';

type Rules = Pick<PatientRules, 'limits' | 'trends' | 'combinations'>;
export type Trend = NonNullable<PatientRules['trends']>[number];
export type Combination = NonNullable<PatientRules['combinations']>[number];
type Part = Combination['all'][number];

/** Texts are trimmed and empty where nothing was filled in; of boxes those that are checked. */
export type Form = { text: (name: string) => string; checked: (name: string) => string[] };

export const PRIORITIES: readonly Priority[] = ['high', 'medium', 'low'];
export const NEW_VITALS: readonly Limit['vital'][] = ['heartRate', 'pulse', 'spo2', 'respirationRate', 'systolic', 'temperature', 'glucose']; // prettier-ignore
/** Of a new combination; more are seldom read rightly. */
export const NEW_PARTS = [0, 1, 2] as const;
/** The place of what is not there yet. */
export const NEW = 'new';

/** Where whoever fills it in is. */
export const ownTimeZone = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone;

const priorityOf = (form: Form, name: string): Priority =>
  PRIORITIES.find((one) => one === form.text(name)) ?? 'medium';
const vitalOf = (form: Form, name: string): Limit['vital'] | undefined =>
  NEW_VITALS.find((vital) => vital === form.text(name));

const fieldsOf = (form: Form, place: number | string): LimitFields => {
  const text = (name: string): string => form.text(`${name}-${place}`);
  const timeZone = text('timeZone');
  return {
    threshold: text('threshold'),
    seconds: text('seconds'),
    clearAt: text('clearAt'),
    clearFor: text('clearFor'),
    k: text('k'),
    of: text('of'),
    isLatching: form.checked(`latching-${place}`).length > 0,
    // Only where the form shows them.
    ...(timeZone === ''
      ? {}
      : { hours: { from: text('from'), to: text('to'), days: form.checked(`days-${place}`).map(Number), timeZone } }),
  };
};

/** What is beyond a threshold, on the side that was chosen. */
const boundFrom = (form: Form, place: string): Pick<Part, 'above' | 'below'> | undefined => {
  const threshold = form.text(`threshold-${place}`);
  if (threshold === '') return undefined;
  return form.text(`side-${place}`) === 'above' ? { above: Number(threshold) } : { below: Number(threshold) };
};

const newLimit = (form: Form): Limit[] => {
  const vital = vitalOf(form, `vital-${NEW}`);
  const bound = boundFrom(form, NEW);
  if (vital === undefined || bound === undefined) return [];
  const limit = { vital, ...bound, persistSeconds: 0, priority: priorityOf(form, `priority-${NEW}`) };
  return [limitFrom(limit, fieldsOf(form, NEW)) ?? limit];
};

/** Each limit that is left, and the new one. */
export const limitsFrom = (form: Form, shown: readonly Limit[]): { limit: Limit; isChanged: boolean }[] => [
  ...shown.flatMap((before, index) => {
    const limit = limitFrom(before, fieldsOf(form, index));
    return limit === undefined ? [] : [{ limit, isChanged: !isSameLimit(limit, before) }];
  }),
  ...newLimit(form).map((limit) => ({ limit, isChanged: true })),
];

const isTakenAway = (form: Form, list: string, place: number): boolean =>
  form.checked(`${list}-gone-${place}`).length > 0;

const newTrend = (form: Form, others: readonly Trend[]): Trend[] => {
  const chosen = form.text('trend-vital');
  const vital = chosen === 'news2' ? chosen : vitalOf(form, 'trend-vital');
  const change = form.text(`trend-change-${NEW}`);
  if (vital === undefined || change === '') return [];
  const direction = form.text('trend-direction') === 'falling' ? 'falling' : 'rising';
  const windowMinutes = Number(form.text(`trend-window-${NEW}`));
  const name = `${vital}-${direction}`;
  const isTaken = others.some((other) => other.name === name);
  return [
    {
      name: isTaken ? `${name}-${windowMinutes}` : name,
      vital,
      direction,
      change: Number(change),
      windowMinutes,
      priority: priorityOf(form, `trend-priority-${NEW}`),
    },
  ];
};

const trendsFrom = (form: Form, before: readonly Trend[]): Trend[] => {
  const kept = before.flatMap((trend, place) =>
    isTakenAway(form, 'trend', place)
      ? []
      : [
          {
            ...trend,
            change: Number(form.text(`trend-change-${place}`)),
            windowMinutes: Number(form.text(`trend-window-${place}`)),
            priority: priorityOf(form, `trend-priority-${place}`),
          },
        ],
  );
  return [...kept, ...newTrend(form, kept)];
};

const newCombination = (form: Form): Combination[] => {
  const name = form.text('multi-name');
  const all = NEW_PARTS.flatMap((part): Part[] => {
    const vital = vitalOf(form, `vital-part-${part}`);
    const bound = boundFrom(form, `part-${part}`);
    return vital === undefined || bound === undefined ? [] : [{ vital, ...bound }];
  });
  if (name === '' && all.length === 0) return [];
  return [
    {
      name,
      all,
      persistSeconds: Number(form.text(`multi-seconds-${NEW}`)),
      maxAgeSeconds: Number(form.text('multi-minutes')) * 60,
      priority: priorityOf(form, `multi-priority-${NEW}`),
    },
  ];
};

const combinationsFrom = (form: Form, before: readonly Combination[]): Combination[] => [
  ...before.flatMap((combination, place) =>
    isTakenAway(form, 'multi', place)
      ? []
      : [
          {
            ...combination,
            all: combination.all.map((part, index) => {
              const threshold = Number(form.text(`multi-${place}-${index}`));
              return { ...part, ...(part.above === undefined ? { below: threshold } : { above: threshold }) };
            }),
            persistSeconds: Number(form.text(`multi-seconds-${place}`)),
            priority: priorityOf(form, `multi-priority-${place}`),
          },
        ],
  ),
  ...newCombination(form),
];

/** All rules, as they were filled in. */
export const rulesFrom = (form: Form, { limits, trends = [], combinations = [] }: Rules): Required<Rules> => ({
  limits: limitsFrom(form, limits).map(({ limit }) => limit),
  trends: trendsFrom(form, trends),
  combinations: combinationsFrom(form, combinations),
});

/** Within what a nurse may put warning limits: of the vital signs of which both ends were filled in. */
export const nurseRangeFrom = (form: Form, vitals: readonly string[]): LimitSet['nurseRange'] =>
  Object.fromEntries(
    vitals.flatMap((vital) => {
      const [low, high] = [form.text(`low-${vital}`), form.text(`high-${vital}`)];
      return low === '' || high === '' ? [] : [[vital, { low: Number(low), high: Number(high) }]];
    }),
  );
