/**
 * What the machine could do at best, measured in the same run: publishing to JetStream alone, and storing rows alone.
 * The house does both, and decides between them.
 */
import type { Bus } from '@carillon/bus/connection';
import { publish } from '@carillon/bus/publish';
import type { Sql } from '@carillon/database/database';

const forMs = 4_000;

/** Messages a second with 64 in flight, each of the size of a post of five readings. */
export async function jetStreamCeiling(bus: Bus): Promise<number> {
  const stream = 'BENCH';
  await bus.jsm.streams.add({ name: stream, subjects: ['bench.>'], max_bytes: 1024 ** 3 });
  const body = new Uint8Array(1_100).fill(0x20);
  const endAt = performance.now() + forMs;
  let count = 0;
  try {
    await Promise.all(
      Array.from({ length: 64 }, async (_, worker) => {
        while (performance.now() < endAt) {
          await publish(bus, { subject: `bench.${worker}`, body, headers: { 'Nats-Msg-Id': `${worker}-${count}` } });
          count++;
        }
      }),
    );
  } finally {
    await bus.jsm.streams.delete(stream);
  }
  return Math.round((count / forMs) * 1000);
}

const batchRows = 500;

/** Rows a second in durable transactions of 500, on two connections, into a table like that of the readings. */
export async function postgresCeiling(sql: Sql): Promise<number> {
  await sql.query('create table bench_vital_sign (like monitoring.vital_sign including all)');
  const endAt = performance.now() + forMs;
  let rows = 0;
  try {
    await Promise.all(
      Array.from({ length: 2 }, async (_, worker) => {
        for (let batch = 0; performance.now() < endAt; batch++) {
          await sql.query(
            `insert into bench_vital_sign (hospital, patient_id, vital, measured_at, device_id, value, quality,
               received_value, received_at, posted_by)
             select 'bench', 'p' || n % 100, 'spo2', to_timestamp($1::bigint) + n * interval '1 ms', $2, 97, 'good',
               '97', now(), 'bench' from generate_series(1, ${batchRows}) n`,
            [batch, `bed${worker}`],
          );
          rows += batchRows;
        }
      }),
    );
  } finally {
    await sql.query('drop table bench_vital_sign');
  }
  return Math.round((rows / forMs) * 1000);
}
