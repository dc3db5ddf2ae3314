/** An escalation policy while somebody writes it: numbers are texts until they are sent. */
import type { Input } from '@carillon/client/client';
import type { EscalationPolicy, Priority } from './shapes.ts';

type Target = EscalationPolicy['levels'][number]['targets'][number];
type TargetKind = Target['kind'];
type Role = NonNullable<Target['role']>;

export type TargetDraft = {
  id: number;
  kind: TargetKind;
  /** The role, or the id of whom it names. */
  who: string;
  /** Of the nearest. */
  count: string;
  withinMetres: string;
};
export type LevelDraft = {
  id: number;
  afterSeconds: string;
  needs: 'any' | 'all' | 'some';
  /** With some. */
  needed: string;
  deliverWithinSeconds: string;
  targets: readonly TargetDraft[];
};
export type PolicyDraft = {
  policyId: string;
  name: string;
  /** Whether any alert runs by it; always, of the default one. */
  isUsed: boolean;
  /** With commas between; none for all. */
  kinds: string;
  /** None for all; so the priorities. */
  wards: readonly string[];
  priorities: readonly Priority[];
  levels: readonly LevelDraft[];
  repeatSeconds: string;
  maxReach: string;
};

export const DEFAULT_POLICY = 'default';
export const CALLED_ROLES: readonly Role[] = ['nurse', 'doctor', 'responder', 'operator', 'admin'];

/** By which field a target says whom it means. */
export const fieldOf = (kind: TargetKind): 'role' | 'person' | 'group' | 'schedule' | undefined => {
  switch (kind) {
    case 'wardRole':
    case 'hospitalRole':
    case 'nearest':
    case 'failsafe':
      return 'role';
    case 'person':
    case 'group':
    case 'schedule':
      return kind;
    case 'bedNurse':
      return undefined;
  }
};

const firstRole = (kind: TargetKind): string => {
  if (kind === 'failsafe') return 'operator';
  return kind === 'nearest' ? 'responder' : 'nurse';
};

/** What is chosen of another kind means nothing any more. */
export const targetOfKind = (id: number, kind: TargetKind): TargetDraft => ({
  id,
  kind,
  who: fieldOf(kind) === 'role' ? firstRole(kind) : '',
  count: '1',
  withinMetres: '',
});

const text = (value: number | undefined): string => (value === undefined ? '' : String(value));

const targetDraft = (target: Target, id: number): TargetDraft => {
  const field = fieldOf(target.kind);
  return {
    ...targetOfKind(id, target.kind),
    ...(field !== undefined && target[field] !== undefined ? { who: target[field] } : {}),
    count: text(target.count ?? 1),
    withinMetres: text(target.withinMetres),
  };
};

export const policyDraft = ({
  policyId,
  name,
  applies,
  levels,
  repeatSeconds,
  maxReach,
}: EscalationPolicy): PolicyDraft => ({
  policyId,
  name: name ?? '',
  isUsed: policyId === DEFAULT_POLICY || applies !== undefined,
  kinds: applies?.kinds?.join(', ') ?? '',
  wards: applies?.wards ?? [],
  priorities: applies?.priorities ?? [],
  levels: levels.map(({ afterSeconds, needs = 'any', deliverWithinSeconds, targets }, id) => ({
    id,
    afterSeconds: text(afterSeconds),
    needs: typeof needs === 'number' ? 'some' : needs,
    needed: typeof needs === 'number' ? text(needs) : '2',
    deliverWithinSeconds: text(deliverWithinSeconds),
    targets: targets.map(targetDraft),
  })),
  repeatSeconds: text(repeatSeconds),
  maxReach: text(maxReach),
});

/** To begin with: the nurses of the ward, and then whoever always answers. */
export const newPolicy: PolicyDraft = policyDraft({
  policyId: '',
  version: 0,
  applies: {},
  levels: [
    { afterSeconds: 0, targets: [{ kind: 'wardRole', role: 'nurse' }] },
    { afterSeconds: 60, targets: [{ kind: 'failsafe' }] },
  ],
  repeatSeconds: 60,
});

/** Of drafts in a list: none has it yet. */
export const nextId = (drafts: readonly { id: number }[]): number => Math.max(-1, ...drafts.map(({ id }) => id)) + 1;

const optional = <K extends string>(name: K, value: string): { [P in K]?: number } =>
  value.trim() === '' ? {} : ({ [name]: Number(value) } as { [P in K]: number });

const targetOf = ({ kind, who, count, withinMetres }: TargetDraft): Target => {
  const field = fieldOf(kind);
  return {
    kind,
    // What is not chosen is left out, so that the server says where it is missing.
    ...(field === undefined || who === '' ? {} : { [field]: who }),
    ...(kind === 'nearest' ? { ...optional('count', count), ...optional('withinMetres', withinMetres) } : {}),
  };
};

const needsOf = ({ needs, needed }: LevelDraft): { needs?: 'all' | number } => {
  if (needs === 'any') return {};
  return { needs: needs === 'all' ? 'all' : Number(needed) };
};

const filled = <K extends string, T>(name: K, list: readonly T[]): { [P in K]?: T[] } =>
  list.length === 0 ? {} : ({ [name]: [...list] } as { [P in K]: T[] });

export const policyOf = (draft: PolicyDraft): Omit<Input<'policy:set'>, 'ifVersion'> => {
  const kinds = draft.kinds.split(',').map((kind) => kind.trim());
  const applies = {
    ...filled(
      'kinds',
      kinds.filter((kind) => kind !== ''),
    ),
    ...filled('wards', draft.wards),
    ...filled('priorities', draft.priorities),
  };
  return {
    policyId: draft.policyId.trim(),
    ...(draft.name.trim() === '' ? {} : { name: draft.name.trim() }),
    ...(draft.isUsed && draft.policyId !== DEFAULT_POLICY ? { applies } : {}),
    levels: draft.levels.map((level) => ({
      afterSeconds: Number(level.afterSeconds),
      targets: level.targets.map(targetOf),
      ...needsOf(level),
      ...optional('deliverWithinSeconds', level.deliverWithinSeconds),
    })),
    repeatSeconds: Number(draft.repeatSeconds),
    ...optional('maxReach', draft.maxReach),
  };
};
