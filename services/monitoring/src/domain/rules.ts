/** The rules of a patient (limits, combinations, trends), prepared for the engine. */
import type { Priority } from '@carillon/contracts/monitoring';
import type { NumericVital } from '@carillon/contracts/vital-signs';
import { isOn, secondsToMs, timingOf, type ConditionState, type LimitStates, type Timing } from './alarm-engine.ts';
import { combinationKind, type Combination } from './combination.ts';
import { limitKey, limitKind, type Limit } from './limit.ts';
import { isAtLeast } from './priority.ts';
import { isInForce, type Schedule } from './schedule.ts';
import { bucketMsOf, trendKind, type Trend } from './trend.ts';

/** As they are set and kept. */
export type Rules = {
  limits: readonly Limit[];
  trends?: readonly Trend[];
  combinations?: readonly Combination[];
};

type Variant = { limit: Limit; priority: Priority; timing: Timing; schedule: Schedule | undefined };

/** One condition with a state of its own under `key`. */
export type LimitSlot = {
  type: 'limit';
  key: string;
  kind: string;
  vital: NumericVital;
  /** Limits that take turns by the clock; the one without a schedule, if there is one, is the last. */
  variants: readonly Variant[];
};
export type CombinationSlot = {
  type: 'combination';
  key: string;
  kind: string;
  priority: Priority;
  timing: Timing;
  combination: Combination;
};
export type TrendSlot = {
  type: 'trend';
  key: string;
  kind: string;
  priority: Priority;
  timing: Timing;
  trend: Trend;
  /** What its window is kept under: of another vital sign, or another length, one of the same name has another. */
  windowKey: string;
};
export type Slot = LimitSlot | CombinationSlot | TrendSlot;

export type CompiledRules = {
  slots: readonly Slot[];
  keys: ReadonlySet<string>;
  windowKeys: ReadonlySet<string>;
  limitsOf: ReadonlyMap<NumericVital, readonly LimitSlot[]>;
  combinationsOf: ReadonlyMap<NumericVital, readonly CombinationSlot[]>;
  trendsOf: ReadonlyMap<Trend['vital'], readonly TrendSlot[]>;
};

/** Devices of one sample a second may lose a few without losing the onset, even with a very short persistence. */
const smallestGapMs = 5_000;
/** Rounds are counted as well, but not together with what was measured in another part of the day. */
const largestGapOfCountMs = 3_600_000;

const liveTiming = (limit: Pick<Limit, 'persistSeconds' | 'breaches' | 'clearForSeconds' | 'isLatching'>): Timing =>
  timingOf(limit, {
    onset:
      limit.breaches === undefined ? Math.max(smallestGapMs, secondsToMs(limit.persistSeconds)) : largestGapOfCountMs,
    clearing: Math.max(smallestGapMs, secondsToMs(limit.clearForSeconds ?? 0)),
  });

function limitSlots(limits: readonly Limit[]): LimitSlot[] {
  const variantsOf = new Map<string, Variant[]>();
  for (const limit of limits) {
    const variant = { limit, priority: limit.priority, timing: liveTiming(limit), schedule: limit.schedule };
    const key = limitKey(limit);
    const others = variantsOf.get(key) ?? [];
    variantsOf.set(key, limit.schedule === undefined ? [...others, variant] : [variant, ...others]);
  }
  return [...variantsOf].flatMap(([key, variants]) => {
    const limit = variants[0]?.limit;
    return limit === undefined ? [] : [{ type: 'limit', key, kind: limitKind(limit), vital: limit.vital, variants }];
  });
}

const combinationSlot = (combination: Combination): CombinationSlot => ({
  type: 'combination',
  key: `multi:${combination.name}`,
  kind: combinationKind(combination),
  priority: combination.priority,
  timing: liveTiming(combination),
  combination,
});

/** A bucket must be full before it counts, and the next one confirm it; gaps are the buckets' own affair. */
const trendSlot = (trend: Trend): TrendSlot => ({
  type: 'trend',
  key: `trend:${trend.name}`,
  kind: trendKind(trend),
  priority: trend.priority,
  timing: { persistMs: bucketMsOf(trend), clearForMs: bucketMsOf(trend), isLatching: false },
  trend,
  windowKey: `${trend.name}:${trend.vital}:${trend.windowMinutes}`,
});

function groupBy<K, S>(slots: readonly S[], keysOf: (slot: S) => readonly K[]): ReadonlyMap<K, readonly S[]> {
  const groups = new Map<K, S[]>();
  for (const slot of slots) {
    for (const key of new Set(keysOf(slot))) groups.set(key, [...(groups.get(key) ?? []), slot]);
  }
  return groups;
}

/** Default sets are the same objects for all patients who have them. */
const compiled = new WeakMap<Rules, CompiledRules>();

export function compileRules(rules: Rules): CompiledRules {
  const known = compiled.get(rules);
  if (known !== undefined) return known;
  const limits = limitSlots(rules.limits);
  const combinations = (rules.combinations ?? []).map(combinationSlot);
  const trends = (rules.trends ?? []).map(trendSlot);
  const slots = [...limits, ...combinations, ...trends];
  const result: CompiledRules = {
    slots,
    keys: new Set(slots.map(({ key }) => key)),
    windowKeys: new Set(trends.map(({ windowKey }) => windowKey)),
    limitsOf: groupBy(limits, ({ vital }) => [vital]),
    combinationsOf: groupBy(combinations, ({ combination }) => combination.all.map(({ vital }) => vital)),
    trendsOf: groupBy(trends, ({ trend }) => [trend.vital]),
  };
  compiled.set(rules, result);
  return result;
}

export const variantAt = ({ variants }: LimitSlot, atMs: number): Variant | undefined =>
  variants.find(({ schedule }) => schedule === undefined || isInForce(schedule, atMs));

/** The limits on a vital sign that hold at an instant. */
export const limitsAt = (rules: CompiledRules, vital: NumericVital, atMs: number): Limit[] =>
  (rules.limitsOf.get(vital) ?? []).flatMap((slot) => variantAt(slot, atMs)?.limit ?? []);

/** An alarm of a limit that holds at some hours only ends when they are over: until then each minute is looked at. */
export function scheduleLookAtMs(rules: CompiledRules, states: LimitStates, nowMs: number): number | null {
  const isWaiting = rules.slots.some(
    (slot) =>
      slot.type === 'limit' && isOn(states[slot.key]) && slot.variants.every(({ schedule }) => schedule !== undefined),
  );
  return isWaiting ? (Math.floor(nowMs / 60_000) + 1) * 60_000 : null;
}

/** By the rule that judged the newest sample. */
export function priorityOf(slot: Slot, state: ConditionState): Priority {
  if (slot.type !== 'limit') return slot.priority;
  const variant = state.lastAtMs === undefined ? undefined : variantAt(slot, state.lastAtMs);
  return (variant ?? slot.variants[0])?.priority ?? 'low';
}

/** @returns the most urgent slot of this kind whose condition is on */
export function mostUrgent(
  rules: CompiledRules,
  states: LimitStates,
  kind: string,
): { slot: Slot; state: ConditionState; priority: Priority } | undefined {
  let worst: { slot: Slot; state: ConditionState; priority: Priority } | undefined;
  for (const slot of rules.slots) {
    const state = states[slot.key];
    if (slot.kind !== kind || !isOn(state)) continue;
    const priority = priorityOf(slot, state);
    if (worst === undefined || !isAtLeast(worst.priority, priority)) worst = { slot, state, priority };
  }
  return worst;
}

/** An active condition of which no rule is left. `atMs`: measurement time of the last sample it saw. */
export type Orphan = { vital?: NumericVital; kind: string; atMs: number };

/** Conditions are kept as `<vital>:<side>:<tier>` (before there were tiers `<vital>:<side>`) or `<type>:<name>`. */
function kindOfKey(key: string): { kind: string; vital?: NumericVital } {
  const [first, second] = key.split(':');
  const kind = `${first}-${second}`;
  return first === 'multi' || first === 'trend' ? { kind } : { kind, vital: first as NumericVital };
}

/**
 * Fits states to the rules after these may have changed. What a removed rule leaves goes to one of the same kind: an
 * active alarm stays active there (the next sample decides, by the new definition), and an onset goes on where the
 * threshold is the same. Only where no rule of the kind is left does an alarm end. So does the state of the release
 * before, which knew no tiers, find its limit.
 *
 * @returns the same `states` object where every state has its rule.
 */
export function fitStates(rules: CompiledRules, states: LimitStates): { states: LimitStates; orphans: Orphan[] } {
  if (Object.keys(states).every((key) => rules.keys.has(key))) return { states, orphans: [] };
  const fitted = Object.fromEntries(Object.entries(states).filter(([key]) => rules.keys.has(key)));
  const orphans: Orphan[] = [];
  for (const [key, state] of Object.entries(states)) {
    if (rules.keys.has(key) || state.phase === 'normal') continue;
    const orphan = kindOfKey(key);
    const heirs = rules.slots.filter(({ kind }) => kind === orphan.kind);
    const heir = heirs.find((one) =>
      heirs.every((other) => isAtLeast(priorityOf(one, state), priorityOf(other, state))),
    );
    if (heir === undefined) {
      if (isOn(state)) orphans.push({ ...orphan, atMs: state.lastAtMs });
    } else if (isOn(state) ? !isOn(fitted[heir.key]) : fitted[heir.key] === undefined) {
      fitted[heir.key] = state;
    }
  }
  return { states: fitted, orphans };
}
