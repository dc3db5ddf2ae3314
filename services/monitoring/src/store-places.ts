/** What ends with a stay. */
import type { Sql } from '@carillon/database/database';

type Stay = { hospital: string; patientId: string; now: number };

/** What clinicians decided on the score. One of the same instant holds for no time. */
export async function endDecisions(tx: Sql, { hospital, patientId, now }: Stay): Promise<void> {
  await tx.query(
    `update score_decision set ended_at = greatest($3, decided_at)
     where hospital = $1 and patient_id = $2 and ended_at is null`,
    [hospital, patientId, new Date(now)],
  );
}
