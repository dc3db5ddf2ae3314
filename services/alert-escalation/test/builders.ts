/** Alerts and those who are there, for tests of what is decided about them. */
import type { Policy } from '@carillon/contracts/escalation-policies';
import type { AlertState, Change, Facts } from '../src/domain/alert.ts';
import type { Staffing } from '../src/domain/levels.ts';
import { openAlert, type NewAlert } from '../src/domain/runs.ts';

export const seconds = (count: number): number => count * 1000;

/** Bed nurse at once, the ward's nurses after 20 s, its doctor after 40 s, the operator after 60 s and every 60 s. */
export const ladder: Policy = {
  levels: [
    { afterSeconds: 0, targets: [{ kind: 'bedNurse' }] },
    { afterSeconds: 20, targets: [{ kind: 'wardRole', role: 'nurse' }] },
    { afterSeconds: 40, targets: [{ kind: 'wardRole', role: 'doctor' }] },
    { afterSeconds: 60, targets: [{ kind: 'failsafe' }] },
  ],
  repeatSeconds: 60,
};
/** The ladder whose first level is other than usual. */
export const ladderWith = (first: Partial<Policy['levels'][number]>): Policy => ({
  ...ladder,
  levels: ladder.levels.map((level, index) => (index === 0 ? { ...level, ...first } : level)),
});

export const staffed = (given: Partial<Staffing> = {}): Staffing => ({
  bedNurses: ['n1'],
  ward: { nurse: ['n1', 'n2'], doctor: ['d1'] },
  hospital: { operator: ['o1'] },
  onShift: new Set(['n1', 'n2', 'd1', 'o1']),
  anybody: {},
  groups: {},
  schedules: {},
  nearby: [],
  busy: new Set(),
  ...given,
});
export const everybody = staffed();

export const opened = (given: Partial<NewAlert> = {}, facts: Partial<Facts> = {}, now = 0): Change =>
  openAlert(
    {
      alertId: 'alert1',
      hospital: 'h1',
      patientId: 'p1',
      wardId: 'w1',
      kind: 'spo2-below',
      priority: 'high',
      message: 'SpO2 is low',
      source: 'condition',
      policy: ladder,
      policyId: 'default',
      policyVersion: 1,
      ...given,
    },
    now,
    { staffing: everybody, ...facts },
  );
export const on = (given?: Partial<NewAlert>, staffing = everybody): AlertState => opened(given, { staffing }).state;

/** Level and person of what was paged and by when, in order. */
export const calls = ({ pages }: AlertState): string[] =>
  pages.map((page) => `${page.level} ${page.person} ${page.at / 1000}s`);
export const statuses = ({ pages }: AlertState): string[] => pages.map((page) => `${page.person} ${page.status}`);
export const told = (change: Change): string[] => change.events.map(({ name }) => name);
export const logged = (change: Change): string[] =>
  change.log.map(({ kind, level, reason }) => [kind, level, reason].filter((part) => part !== undefined).join(' '));
