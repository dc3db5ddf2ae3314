/** Break-glass access: on record first, then in the person's entry and in the projections of the other services. */
import {
  breakGlassEnded,
  glassBroken,
  type breakGlass as breakContract,
  type endBreakGlass as endContract,
} from '@carillon/contracts/access';
import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { breakGlassChanged } from '@carillon/contracts/directory';
import { CodedError } from '@carillon/contracts/errors';
import type { CommandWork } from '@carillon/runtime/commands';
import type { DueWork } from '@carillon/runtime/due-loop';
import type { ServiceTools } from '@carillon/runtime/service';
import { childTrace } from '@carillon/runtime/trace';
import type { Work } from '@carillon/runtime/work';
import { decideBreakGlass, requireFreshFactor, type BreakGlassPolicy } from '../domain/break-glass.ts';
import {
  deleteBrokenGlass,
  deleteEndedBrokenGlass,
  listBrokenGlass,
  lockKnownHospital,
  nextBrokenGlassEnd,
  upsertBrokenGlass,
} from '../store-access.ts';
import { findPerson, upsertPersonEntries } from '../store.ts';
import { publishPersonEntry } from './hospital.ts';

export type BreakGlassHandlers = {
  breakGlass(work: CommandWork, input: InputOf<typeof breakContract>): Promise<ResultOf<typeof breakContract>>;
  endBreakGlass(work: CommandWork, input: InputOf<typeof endContract>): Promise<ResultOf<typeof endContract>>;
  /** Ends what has lasted its time. */
  timer: DueWork;
};

const iso = (at: number): string => new Date(at).toISOString();
const isOperator = ({ actor }: CommandWork): boolean =>
  actor.roles.includes('operator') || actor.roles.includes('admin');
/** With the entries of an import, so that of one person's no older one is published after a newer one. */
const order = (person: string, version: number) => ({ lane: 'normal', entity: person, version }) as const;

/** Tells everybody to whom he has broken the glass as of now. */
async function publishChange(work: Work, hospital: string, personId: string): Promise<void> {
  const known = await findPerson(work.tx, hospital, personId);
  if (known === undefined) return;
  const { breakGlass: _, version: __, ...rest } = known;
  const patients = await listBrokenGlass(work.tx, hospital, personId);
  const entry = { ...rest, ...(patients.length === 0 ? {} : { breakGlass: patients }) };
  for (const changed of await upsertPersonEntries(work.tx, hospital, [entry])) {
    const { version } = changed;
    const data = { personId, patients, version };
    work.emit(breakGlassChanged, data, { ...order(personId, version), tokens: { hospital, id: personId } });
    publishPersonEntry(work, changed);
  }
}

export function createBreakGlass(
  { database, log, metrics, work: doWork }: ServiceTools,
  policy: BreakGlassPolicy,
  wakeTimers: () => void,
): BreakGlassHandlers {
  /** Whose it is, and to whom, says the record, and no log. */
  const note = (work: Work, event: 'broken' | 'ended' | 'expired'): void =>
    work.afterCommit(() => {
      log.warn({ event, traceparent: work.traceparent }, 'break-glass');
      // Commands are counted by their names.
      if (event === 'expired') metrics.handled.inc({ kind: 'timer', name: 'breakGlass:expire', outcome: 'ok' });
      wakeTimers();
    });
  const putEndOnRecord = (
    work: Work,
    hospital: string,
    ended: { person: string; patientId: string; by: string | null },
  ): void => {
    const record = { ...ended, at: iso(work.now) };
    work.emit(breakGlassEnded, record, { ...order(ended.person, 1), tokens: { hospital } });
  };

  return {
    async breakGlass(work, { patientId, reason }) {
      const { tx, actor, now } = work;
      const { hospital, person } = actor;
      const mfaAt = requireFreshFactor(actor.mfaAt, now, policy);
      await lockKnownHospital(tx, hospital);
      const until = decideBreakGlass(
        {
          person: await findPerson(tx, hospital, person),
          patient: await findPerson(tx, hospital, patientId),
          broken: (await listBrokenGlass(tx, hospital, person)).map((broken) => broken.patientId),
        },
        now,
        policy,
      );
      await upsertBrokenGlass(tx, { hospital, person, patientId, until });
      const record = { person, patientId, at: iso(now), until: iso(until), mfaAt: iso(mfaAt), reason };
      work.emit(glassBroken, record, { ...order(person, 1), tokens: { hospital } });
      await publishChange(work, hospital, person);
      note(work, 'broken');
      return { patientId, until: iso(until) };
    },

    async endBreakGlass(work, { patientId, person = work.actor.person }) {
      const { tx, actor, now } = work;
      const { hospital } = actor;
      if (person !== actor.person && !isOperator(work)) throw new CodedError('forbidden');
      await lockKnownHospital(tx, hospital);
      if (!(await deleteBrokenGlass(tx, { hospital, person, patientId }))) {
        throw new CodedError('not_found', 'No break-glass access to this patient');
      }
      putEndOnRecord(work, hospital, { person, patientId, by: actor.person });
      await publishChange(work, hospital, person);
      note(work, 'ended');
      return { endedAt: iso(now) };
    },

    timer: {
      name: 'break-glass',
      nextDueAt: async () => (await nextBrokenGlassEnd(database))?.at,
      run: (now) =>
        doWork(childTrace(undefined), async (work) => {
          const next = await nextBrokenGlassEnd(work.tx);
          if (next === undefined || next.at > now) return 0;
          const { hospital } = next;
          await lockKnownHospital(work.tx, hospital);
          const ended = await deleteEndedBrokenGlass(work.tx, hospital, now);
          for (const each of ended) {
            putEndOnRecord(work, hospital, { ...each, by: null });
            note(work, 'expired');
          }
          for (const person of new Set(ended.map((each) => each.person))) await publishChange(work, hospital, person);
          return ended.length;
        }),
    },
  };
}
