/** Silences, and the rules by which one alert holds back others. */
import { randomUUID } from 'node:crypto';
import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { CodedError, badInput } from '@carillon/contracts/errors';
import type {
  endSilence as endContract,
  Inhibition,
  listInhibitions as listInhibitionsContract,
  listSilences as listContract,
  removeInhibition as removeInhibitionContract,
  setInhibition as setInhibitionContract,
  Silence,
  startSilence as startContract,
} from '@carillon/contracts/silences';
import type { CommandWork } from '@carillon/runtime/commands';
import { loadRelations } from '@carillon/runtime/directory-projection';
import type { QueryWork } from '@carillon/runtime/queries';
import { findSilenceIssues, restOfHighMs } from '../domain/silences.ts';
import { lockPlans } from '../store-plans.ts';
import {
  countLasting,
  deleteInhibition,
  insertSilence,
  listInhibitions as selectInhibitions,
  listSilences as selectSilences,
  lockSilence,
  markSilenceEnded,
  upsertInhibition,
  wakeHeld,
  wasHighSilenced,
  type KnownSilence,
} from '../store-silences.ts';
import { visibleTo } from './reads.ts';

const text = (at: number): string => new Date(at).toISOString();

/** One whose time is over has ended, though nobody ended it. */
function shown({ wardId, patientId, kinds, ...silence }: KnownSilence, now: number): Silence {
  const endedAt = silence.endedAt ?? (silence.until <= now ? silence.until : null);
  return {
    silenceId: silence.silenceId,
    ...(wardId === null ? {} : { wardId }),
    ...(patientId === null ? {} : { patientId }),
    ...(kinds === null ? {} : { kinds: [...kinds] }),
    priorities: [...silence.priorities],
    until: text(silence.until),
    reason: silence.reason,
    from: text(silence.from),
    setBy: silence.setBy,
    endedAt: endedAt === null ? null : text(endedAt),
  };
}

/** Only staff of the ward, or of the ward where the patient lies. @throws CodedError `forbidden` */
async function assertOwn(
  { tx, actor, now }: CommandWork,
  at: Pick<KnownSilence, 'wardId' | 'patientId'>,
): Promise<void> {
  const relations = await loadRelations(tx, { actor, now }, at.patientId ?? undefined);
  const wards = relations.wardsOf(actor.person);
  const ofPatient = at.patientId === null ? undefined : relations.wardOfPatient(at.patientId);
  const needed = [at.wardId ?? undefined, at.patientId === null ? undefined : (ofPatient ?? '')].filter(
    (ward) => ward !== undefined,
  );
  if (!needed.every((ward) => wards.has(ward))) throw new CodedError('forbidden');
}

/** Each is looked at whenever an alert of the hospital may call. */
const maxLasting = 500;

export async function startSilence(work: CommandWork, input: InputOf<typeof startContract>): Promise<Silence> {
  const { tx, actor, now } = work;
  const silence: KnownSilence = {
    silenceId: randomUUID(),
    wardId: input.wardId ?? null,
    patientId: input.patientId ?? null,
    kinds: input.kinds ?? null,
    priorities: input.priorities,
    from: now,
    until: Date.parse(input.until),
    reason: input.reason,
    setBy: actor.person,
    endedAt: null,
  };
  const issues = findSilenceIssues(silence);
  if (issues.length > 0) throw badInput(issues);
  await assertOwn(work, silence);
  await lockPlans(tx, actor.hospital);
  const { patientId, kinds } = silence;
  if (silence.priorities.includes('high') && patientId !== null && kinds !== null) {
    const since = now - restOfHighMs;
    if (await wasHighSilenced(tx, actor.hospital, { patientId, kinds, since })) {
      throw new CodedError('conflict', 'High priority of this kind was silenced less than 10 min ago');
    }
  }
  if ((await countLasting(tx, actor.hospital, now)) >= maxLasting) {
    throw new CodedError('conflict', `At most ${maxLasting} silences at once`);
  }
  await insertSilence(tx, actor.hospital, silence);
  return shown(silence, now);
}

export async function endSilence(work: CommandWork, { silenceId }: InputOf<typeof endContract>): Promise<Silence> {
  const { tx, actor, now } = work;
  const silence = await lockSilence(tx, actor.hospital, silenceId);
  if (silence === undefined) throw new CodedError('not_found', 'No such silence');
  await assertOwn(work, silence);
  // Ended already: what it held has been woken, or wakes by itself.
  if (silence.endedAt !== null || silence.until <= now) return shown(silence, now);
  await markSilenceEnded(tx, silenceId, now);
  await wakeHeld(tx, silenceId, now);
  return shown({ ...silence, endedAt: now }, now);
}

const shownForMs = 86_400_000;
const maxShown = 200;

export async function listSilences(
  work: QueryWork,
  { wardId }: InputOf<typeof listContract>,
): Promise<ResultOf<typeof listContract>> {
  const { sql, actor, now } = work;
  const visible = await visibleTo(work);
  const isStrange = wardId !== undefined && visible?.wards.includes(wardId) === false && visible.patients.length === 0;
  // As with alerts: an empty list would read as "nothing is silenced".
  if (isStrange) throw new CodedError('forbidden');
  const since = now - shownForMs;
  const found = await selectSilences(sql, actor.hospital, { wardId, visible, now, since, limit: maxShown });
  return { items: found.map((silence) => shown(silence, now)) };
}

const maxRules = 100;

export async function setInhibition(
  { tx, actor }: CommandWork,
  rule: InputOf<typeof setInhibitionContract>,
): Promise<Inhibition> {
  await lockPlans(tx, actor.hospital);
  const rules = await selectInhibitions(tx, actor.hospital);
  if (rules.length >= maxRules && !rules.some(({ ruleId }) => ruleId === rule.ruleId)) {
    throw new CodedError('conflict', `At most ${maxRules} rules`);
  }
  const version = await upsertInhibition(tx, actor.hospital, rule);
  return { ...rule, version };
}

export async function removeInhibition(
  { tx, actor }: CommandWork,
  { ruleId }: InputOf<typeof removeInhibitionContract>,
): Promise<ResultOf<typeof removeInhibitionContract>> {
  if (!(await deleteInhibition(tx, actor.hospital, ruleId))) throw new CodedError('not_found', 'No such rule');
  return { ruleId };
}

export async function listInhibitions({ sql, actor }: QueryWork): Promise<ResultOf<typeof listInhibitionsContract>> {
  return { items: await selectInhibitions(sql, actor.hospital) };
}
