/**
 * Bedside monitors that post on a schedule, whatever becomes of the posts before (an open loop): a slow house is seen as
 * lateness, not as fewer posts.
 */
import type { Http } from './http.ts';
import { bedsAWard, patientId, wardsOf } from './hospital.ts';
import type { Signer } from './tokens.ts';

/** Who posts: each bed's own monitor, or one station a ward for all its beds together. */
export type Shape = 'bedside' | 'station';

export type LoadOptions = {
  http: Http;
  signer: Signer;
  patients: number;
  shape: Shape;
  /** Between two posts of one poster. Each post holds all five vital signs of each of its patients. */
  everyMs: number;
  /** Of these patients somebody has a low SpO2 in one post, and a good one in the next. */
  alarming: readonly number[];
  alarmsASecond: number;
};

export type Load = {
  /** From making the items to the answer 202, ms; a post each. */
  durable: number[];
  offered: number;
  accepted: number;
  failures: Map<string, number>;
  /** When the last low SpO2 of a patient was measured, ms since the epoch. */
  breachedAt: Map<string, number>;
  /** Sends nothing more, and waits for what is on its way. */
  stop(): Promise<void>;
};

/** More than this are not sent but counted as lost: memory must not grow with a house that stands still. */
const maxWaiting = 4_000;
const tickMs = 5;
const alarmOverMs = 3_000;

type Poster = { id: string; token: string; patients: readonly number[]; dueAt: number };

/** Values that raise no alarm and give 0 points. */
const quiet = [
  ['heartRate', 72],
  ['respirationRate', 15],
  ['temperature', 37],
  ['systolic', 121],
] as const;
export const vitalsAPatient = quiet.length + 1;

async function createPosters({ patients, shape, everyMs, signer }: LoadOptions): Promise<Poster[]> {
  const groups =
    shape === 'bedside'
      ? Array.from({ length: patients }, (_, patient) => [patient])
      : Array.from({ length: wardsOf(patients) }, (_, ward) =>
          Array.from({ length: bedsAWard }, (_, bed) => ward * bedsAWard + bed).filter((patient) => patient < patients),
        );
  const posters: Poster[] = [];
  const startAt = performance.now() + 50;
  for (const [index, members] of groups.entries()) {
    const id = `${shape}${index}`;
    // Spread over the period, as monitors that were switched on at different times are.
    const dueAt = startAt + (everyMs * index) / groups.length;
    posters.push({ id, token: await signer.sign(id, 'device'), patients: members, dueAt });
  }
  return posters;
}

export async function startLoad(options: LoadOptions): Promise<Load> {
  const { http, everyMs, alarming, alarmsASecond } = options;
  const posters = await createPosters(options);
  // When each may have his next alarm: the one before must be over, with its good value, acknowledgement and resolution.
  const alarmAgainAt = new Map(alarming.map((patient) => [patient, 0]));
  const low = new Set<number>();
  let alarmCredit = 0;
  const pending = new Set<Promise<void>>();
  const load: Load = {
    durable: [],
    offered: 0,
    accepted: 0,
    failures: new Map(),
    breachedAt: new Map(),
    async stop() {
      clearInterval(timer);
      await Promise.allSettled(pending);
    },
  };
  const fail = (why: string): void => void load.failures.set(why, (load.failures.get(why) ?? 0) + 1);

  const itemsOf = (poster: Poster, measuredAt: number): unknown[] => {
    const at = new Date(measuredAt).toISOString();
    return poster.patients.flatMap((patient) => {
      let spo2 = 98;
      const againAt = alarmAgainAt.get(patient);
      if (againAt !== undefined) {
        if (low.has(patient)) low.delete(patient);
        else if (alarmCredit >= 1 && againAt <= measuredAt) {
          alarmCredit--;
          alarmAgainAt.set(patient, measuredAt + everyMs * 2 + alarmOverMs);
          low.add(patient);
          spo2 = 80;
          load.breachedAt.set(patientId(patient), measuredAt);
        }
      }
      return [...quiet, ['spo2', spo2] as const].map(([vital, value]) => ({
        patientId: patientId(patient),
        vital,
        value,
        measuredAt: at,
      }));
    });
  };

  const post = async (poster: Poster): Promise<void> => {
    const measuredAt = Date.now();
    const madeAt = performance.now();
    const items = itemsOf(poster, measuredAt);
    load.offered += items.length;
    if (pending.size > maxWaiting) return fail('not sent: too many posts are waiting for an answer');
    try {
      const answer = await http('POST', '/v1/vitals', { token: poster.token, body: { items } });
      if (answer.status !== 202) return fail(`${answer.status} ${answer.text.slice(0, 120)}`);
      load.durable.push(performance.now() - madeAt);
      load.accepted += items.length;
    } catch (error) {
      fail(error instanceof Error ? error.message : String(error));
    }
  };

  let next = 0;
  let lastTick = performance.now();
  const tick = (): void => {
    const now = performance.now();
    alarmCredit = Math.min(alarmCredit + ((now - lastTick) / 1000) * alarmsASecond, 2);
    lastTick = now;
    // Posters stand in the order of their due times, which all grow by the same period.
    for (let poster = posters[next]; poster !== undefined && poster.dueAt <= now; poster = posters[next]) {
      poster.dueAt += everyMs;
      next = (next + 1) % posters.length;
      const work = post(poster).finally(() => pending.delete(work));
      pending.add(work);
    }
  };
  const timer = setInterval(tick, tickMs);
  return load;
}
