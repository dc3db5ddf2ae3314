/** What each patient is judged by, at the moment when he is judged. */
import { limitsChanged, type RuleSettings } from '@carillon/contracts/limits';
import type { Work } from '@carillon/runtime/work';
import { hasExpired, rulesInForce, type OwnRules } from '../domain/rules-in-force.ts';
import type { Placed } from '../domain/limit-sets.ts';
import type { Rules } from '../domain/rules.ts';
import type { PatientRow } from '../store.ts';
import { findRulesVersion, findSignedSets, insertRules } from '../store-limits.ts';

export const placedOf = ({
  wardId,
  birthDate,
  population,
}: Pick<PatientRow, 'wardId' | 'birthDate' | 'population'>): Placed => ({
  wardId,
  ...(birthDate === null ? {} : { birthDate }),
  ...(population === null ? {} : { population }),
});

/** Of a default set, the rules alone. */
export const rulesOf = ({ limits, trends, combinations }: Rules): RuleSettings => ({
  limits: [...limits],
  ...(trends === undefined ? {} : { trends: [...trends] }),
  ...(combinations === undefined ? {} : { combinations: [...combinations] }),
});

export type Judging = { rules: Rules; expiresAtMs: number | null };

/** Ends what has expired, so that an alarm is judged by what holds now. @param patients whose engines are locked */
export async function settleRules(
  work: Work,
  hospital: string,
  patients: readonly PatientRow[],
): Promise<ReadonlyMap<string, Judging>> {
  const owns = new Map<string, OwnRules | null>();
  for (const patient of patients) {
    const { own } = patient;
    const isOver = own !== null && hasExpired(own, work.now);
    owns.set(patient.patientId, isOver ? await endExpired(work, hospital, patient, own) : own);
  }
  const needsSets = patients.some(({ patientId, hasSets }) => hasSets && (owns.get(patientId)?.body ?? null) === null);
  const sets = needsSets ? await findSignedSets(work.tx, hospital) : [];
  return new Map(
    patients.map((patient) => {
      const { rules, own } = rulesInForce(owns.get(patient.patientId) ?? null, sets, placedOf(patient), work.now);
      return [patient.patientId, { rules, expiresAtMs: own?.expiresAtMs ?? null }];
    }),
  );
}

async function endExpired(work: Work, hospital: string, patient: PatientRow, own: OwnRules): Promise<OwnRules | null> {
  const { tx, now } = work;
  const { patientId, wardId } = patient;
  let before: OwnRules | undefined = own;
  // What it interrupted may have expired in the meantime as well.
  while (before !== undefined && hasExpired(before, now)) {
    before = before.resumes === null ? undefined : await findRulesVersion(tx, hospital, patientId, before.resumes);
  }
  const { body, setBy, expiresAtMs, resumes } = before ?? { body: null, setBy: null, expiresAtMs: null, resumes: null };
  const next = await insertRules(tx, { hospital, patientId }, { body, setBy, setAtMs: now, expiresAtMs, resumes });
  if (next === undefined) return null;
  const sets = next.body === null && patient.hasSets ? await findSignedSets(tx, hospital) : [];
  const { rules } = rulesInForce(next, sets, placedOf(patient), now);
  tellLimits(work, { hospital, patientId, wardId }, next, { rules, setBy: setBy ?? own.setBy ?? patientId });
  return next;
}

export function tellLimits(
  work: Work,
  { hospital, patientId, wardId }: { hospital: string; patientId: string; wardId: string | null },
  { version, setAtMs, expiresAtMs }: OwnRules,
  { rules, setBy }: { rules: Rules; setBy: string },
): void {
  work.emit(
    limitsChanged,
    {
      patientId,
      wardId,
      ...rulesOf(rules),
      setBy,
      at: new Date(setAtMs).toISOString(),
      ...(expiresAtMs === null ? {} : { expiresAt: new Date(expiresAtMs).toISOString() }),
    },
    { lane: 'normal', entity: `limits ${patientId}`, version, tokens: { hospital, ward: wardId, patient: patientId } },
  );
}
