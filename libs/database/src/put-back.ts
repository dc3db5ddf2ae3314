import type { Sql } from './database.ts';

/** Which letter: its sequence, and when it was stored, in ms since the epoch. */
export type LetterKey = { sequence: number; buriedAt: number };
export type PutBack = { hospital: string; by: string; at: number };

/**
 * Takes the letter for this transaction. A concurrent putting back of the same letter makes this wait until that commits
 * or fails.
 * @returns false when it was put back already
 */
export async function takeLetter(tx: Sql, letter: LetterKey, { hospital, by, at }: PutBack): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into put_back (sequence, buried_at, hospital, put_back_by, put_back_at)
     values ($1, $2, $3, $4, $5) on conflict do nothing`,
    [letter.sequence, new Date(letter.buriedAt), hospital, by, new Date(at)],
  );
  return rowCount === 1;
}

/** Of the letters between two sequences. */
export async function listPutBacks(sql: Sql, from: number, to: number): Promise<(LetterKey & PutBack)[]> {
  const { rows } = await sql.query<{ sequence: number; buriedAt: Date; hospital: string; by: string; at: Date }>(
    `select sequence, buried_at as "buriedAt", hospital, put_back_by as by, put_back_at as at
     from put_back where sequence between $1 and $2`,
    [from, to],
  );
  return rows.map((row) => ({ ...row, buriedAt: row.buriedAt.getTime(), at: row.at.getTime() }));
}

/** Of letters that the stream does not keep any more. */
export async function deleteOldPutBacks(sql: Sql, buriedBefore: number): Promise<void> {
  await sql.query('delete from put_back where buried_at < $1', [new Date(buriedBefore)]);
}
