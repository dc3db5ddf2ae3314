/** Escalation policies as sentences. */
import type { EscalationPolicy, ListedPolicy } from './shapes.ts';
import { words } from './format.ts';

type Level = EscalationPolicy['levels'][number];
type Target = Level['targets'][number];

const ROLE_PEOPLE: Readonly<Record<string, string>> = {
  nurse: 'nurses',
  doctor: 'doctors',
  responder: 'responders',
  operator: 'operators',
  admin: 'administrators',
};
export const peopleOf = (role: string | undefined): string => ROLE_PEOPLE[role ?? ''] ?? role ?? 'nobody';

/** Whom a target may mean, as a choice. */
export const TARGET_KINDS: readonly (readonly [Target['kind'], string])[] = [
  ['bedNurse', 'the nurse of the bed'],
  ['wardRole', 'a role in the ward'],
  ['hospitalRole', 'a role in the hospital'],
  ['schedule', 'who is on call'],
  ['group', 'a group'],
  ['person', 'one person'],
  ['nearest', 'the nearest'],
  ['failsafe', 'the failsafe'],
];

export const sayTarget = (target: Target): string => {
  switch (target.kind) {
    case 'bedNurse':
      return 'the nurse of the bed';
    case 'wardRole':
      return `${peopleOf(target.role)} of the ward`;
    case 'hospitalRole':
      return `${peopleOf(target.role)} of the hospital`;
    case 'person':
      return target.person ?? 'nobody';
    case 'group':
      return `group ${target.group ?? ''}`;
    case 'schedule':
      return `who is on call for ${target.schedule ?? ''}`;
    case 'nearest':
      return `the ${target.count ?? 1} nearest ${peopleOf(target.role)}`;
    case 'failsafe':
      return `the failsafe (${peopleOf(target.role ?? 'operator')})`;
  }
};

const duration = (seconds: number): string => {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
};

/** "At once", "After 20 s". */
export const sayAfter = (afterSeconds: number): string =>
  afterSeconds === 0 ? 'At once' : `After ${duration(afterSeconds)}`;

/** "After 20 s: nurses of the ward; 2 must answer". */
export const sayLevel = ({ afterSeconds, targets, needs, deliverWithinSeconds }: Level): string =>
  [
    `${sayAfter(afterSeconds)}: ${targets.map(sayTarget).join(', ')}`,
    needs !== undefined && needs !== 'any' && (needs === 'all' ? 'all must answer' : `${needs} must answer`),
    deliverWithinSeconds !== undefined && `must come to a device within ${duration(deliverWithinSeconds)}`,
  ]
    .filter((part) => part !== false)
    .join('; ');

/** For which alerts: "fall, sos; wards w1; high". */
export const sayApplies = ({ policyId, applies }: Pick<ListedPolicy, 'policyId' | 'applies'>): string => {
  if (policyId === 'default') return 'alerts to which no other applies';
  if (applies === undefined) return 'no alerts';
  const { kinds, wards, priorities } = applies;
  const parts = [kinds?.map(words).join(', '), wards && `wards ${wards.join(', ')}`, priorities?.join(', ')];
  const said = parts.filter((part) => part !== undefined).join('; ');
  return said === '' ? 'all alerts' : said;
};
