/** Figures of wards and hospitals: counted now and then, told where they changed. An idle hospital is silent. */
import { isDeepStrictEqual } from 'node:util';
import { figuresEverySeconds, figuresUpdated, getFigures as contract, type Figures } from '@carillon/contracts/figures';
import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { assertPermitted } from '@carillon/runtime/directory-projection';
import type { DueWork } from '@carillon/runtime/due-loop';
import type { QueryWork } from '@carillon/runtime/queries';
import type { ServiceTools } from '@carillon/runtime/service';
import { childTrace } from '@carillon/runtime/trace';
import type { Work } from '@carillon/runtime/work';
import { figuresOf } from '../domain/figures.ts';
import { countPatients, findTold, isCounter, listWards, upsertTold } from '../store-figures.ts';

/** Those that are not as they were told last. */
function changedFigures(before: readonly Figures[], now: readonly Figures[]): Figures[] {
  const told = new Map(before.map((figures) => [figures.wardId, figures]));
  return now.filter((figures) => !isDeepStrictEqual(told.get(figures.wardId), figures));
}

async function tellFigures(work: Work): Promise<void> {
  const { tx, now } = work;
  // The other replica is at it.
  if (!(await isCounter(tx))) return;
  const wards = await listWards(tx);
  const counts = await countPatients(tx);
  const told = new Map((await findTold(tx)).map(({ hospital, figures }) => [hospital, figures]));
  for (const hospital of new Set(wards.map((ward) => ward.hospital))) {
    const isOfHospital = (one: { hospital: string }): boolean => one.hospital === hospital;
    const figures = figuresOf(wards.filter(isOfHospital), counts.filter(isOfHospital));
    const items = changedFigures(told.get(hospital) ?? [], figures);
    if (items.length === 0) continue;
    const version = await upsertTold(tx, hospital, figures, now);
    work.emit(
      figuresUpdated,
      { items, at: new Date(now).toISOString(), version },
      { lane: 'normal', entity: `figures ${hospital}`, version, tokens: { hospital } },
    );
  }
}

/** Boards read their beds anew by it; of many who move at once it is told once. */
const soonMs = 1_000;

export type FiguresClock = {
  timer(tools: ServiceTools): DueWork;
  /** Somebody came, moved or left: figures are counted soon, and not at their next time. */
  outdate(): void;
};

export function createFiguresClock(): FiguresClock {
  let countedAt = 0;
  let lookAt = 0;
  return {
    timer: ({ metrics, work: doWork }) => ({
      name: 'figures',
      nextDueAt: () => Promise.resolve(lookAt),
      async run(now) {
        // Before the counting: who comes meanwhile is counted again.
        countedAt = now;
        lookAt = now + figuresEverySeconds * 1_000;
        await doWork(childTrace(undefined), tellFigures);
        metrics.handled.inc({ kind: 'timer', name: 'figures:update', outcome: 'ok' });
        return 1;
      },
    }),
    outdate() {
      lookAt = Math.min(lookAt, countedAt + soonMs);
    },
  };
}

export async function getFigures(
  { sql, actor, now }: QueryWork,
  input: InputOf<typeof contract>,
): Promise<ResultOf<typeof contract>> {
  await assertPermitted(sql, contract.allow, { actor, now }, input);
  const [told] = await findTold(sql, actor.hospital);
  const { wardId } = input;
  const items = (told?.figures ?? []).filter((figures) => wardId === undefined || figures.wardId === wardId);
  return { items, at: told?.at.toISOString() ?? null, version: told?.version ?? 0 };
}
