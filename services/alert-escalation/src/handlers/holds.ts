/** What holds alerts back at this moment: only calls, never the alerts or their record. */
import type { Sql } from '@carillon/database/database';
import type { AlertState, Hold } from '../domain/alert.ts';
import { isCallOut } from '../domain/call-outs.ts';
import { inhibitorsOf, silenceOf, type Calling } from '../domain/silences.ts';
import { findRules, findSilences, findSources, keepHolding } from '../store-holds.ts';

export type Holdable = Calling & Pick<AlertState, 'alertId' | 'hospital' | 'policyId' | 'policyVersion'>;

/** Whoever ends an inhibiting alert wakes what it held; this is only for the case that he could not. */
const inhibitedForMs = 30_000;
/** What somebody is just changing is looked at again then. */
const inDoubtForMs = 1_000;

const unique = (values: readonly (string | null)[]): string[] => [...new Set(values.filter((value) => value !== null))];

/** @returns by alert; none for those that nothing holds, and for call-outs: an emergency waits for no silence and no rule */
export async function loadHolds(tx: Sql, given: readonly Holdable[], now: number): Promise<ReadonlyMap<string, Hold>> {
  const alerts = given.filter((alert) => !isCallOut(alert));
  if (alerts.length === 0) return new Map();
  const hospitals = unique(alerts.map(({ hospital }) => hospital));
  const silences = await findSilences(tx, hospitals, now);
  const rules = await findRules(tx, hospitals);
  const kinds = unique(rules.flatMap(({ source }) => source));
  const sources =
    kinds.length === 0
      ? []
      : await findSources(tx, {
          hospitals,
          kinds,
          patients: unique(alerts.map(({ patientId }) => patientId)),
          wards: unique(alerts.map(({ wardId }) => wardId)),
        });
  // Two that would hold back each other, looked at together, must not both fall silent.
  const held = new Set<string>();
  const found = alerts.map((alert) => {
    const isOwn = ({ hospital }: { hospital: string }): boolean => hospital === alert.hospital;
    const silence = silenceOf(silences.filter(isOwn), alert, now);
    const free = sources.filter((source) => isOwn(source) && !held.has(source.alertId));
    const [source] = silence === undefined ? inhibitorsOf(rules.filter(isOwn), alert, free) : [];
    if (silence !== undefined || source !== undefined) held.add(alert.alertId);
    return { alert, silence, source };
  });
  const kept = await keepHolding(tx, {
    silences: unique(found.map(({ silence }) => silence?.silenceId ?? null)),
    alerts: unique(found.map(({ source }) => source?.alertId ?? null)),
  });
  const holds = new Map<string, Hold>();
  for (const { alert, silence, source } of found) {
    if (silence !== undefined && kept.has(silence.silenceId)) {
      holds.set(alert.alertId, { kind: 'silence', by: silence.silenceId, until: silence.until });
    }
    if (source !== undefined) {
      const until = now + (kept.has(source.alertId) ? inhibitedForMs : inDoubtForMs);
      holds.set(alert.alertId, { kind: 'inhibition', by: source.alertId, until });
    }
  }
  return holds;
}
