import type { Input } from '@carillon/client/client';
import { useEffect, useState } from 'react';
import type { Turn } from '../shapes.ts';
import { type ScheduleDraft, scheduleOf } from '../schedule-draft.ts';
import { useLive } from './hooks.ts';
import { TurnList } from './schedule-turns.tsx';

/** While somebody types nothing is asked. */
const PAUSE_MS = 400;

/** What a schedule comes to that is not saved yet: nothing where it is not complete. */
export const DraftTurns = ({ draft, isStored }: { draft: ScheduleDraft; isStored: boolean }) => {
  const turns = useDraftTurns(draft, isStored);
  if (turns === undefined) return null;
  return (
    <section aria-labelledby="draft-turns-title">
      <h4 id="draft-turns-title">The next 14 days by these layers, in the time of this page</h4>
      <TurnList name="draft-turns" turns={turns} />
    </section>
  );
};

const isComplete = ({ timeZone, layers }: ScheduleDraft): boolean =>
  timeZone.trim() !== '' &&
  layers.every(
    ({ people, startsOn, handOverAt, everyDays, windows }) =>
      people.length > 0 &&
      startsOn !== '' &&
      handOverAt !== '' &&
      Number(everyDays) >= 1 &&
      windows.every(({ weekdays, from, until }) => weekdays.length > 0 && from !== '' && until !== ''),
  );

const askedBy = (draft: ScheduleDraft, isStored: boolean): Input<'schedule:preview'> => {
  const { scheduleId, timeZone, layers } = scheduleOf(draft);
  return { timeZone, layers, ...(isStored ? { scheduleId } : {}) };
};

const useDraftTurns = (draft: ScheduleDraft, isStored: boolean): readonly Turn[] | undefined => {
  const { api } = useLive();
  const [read, setRead] = useState<{ of: string; turns: readonly Turn[] }>();
  const canBeAsked = isComplete(draft);
  useEffect(() => {
    if (!canBeAsked) return undefined;
    let isGone = false;
    const asked = askedBy(draft, isStored);
    const timer = setTimeout(() => {
      api
        .previewTurns(asked)
        .then((turns) => !isGone && setRead({ of: JSON.stringify(asked), turns }))
        // What is wrong with it is said when it is sent.
        .catch(() => {});
    }, PAUSE_MS);
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [api, draft, isStored, canBeAsked]);
  return canBeAsked && read?.of === JSON.stringify(askedBy(draft, isStored)) ? read.turns : undefined;
};
