import { useEffect, useState } from 'react';
import { serverNow } from '../clock.ts';
import { dayAndMinute } from '../format.ts';
import type { OnCallNow, Turn } from '../shapes.ts';
import { ConfirmedForm, textOf } from './confirmed-form.tsx';
import { useLive } from './hooks.ts';
import { PeoplePicker } from './people-picker.tsx';
import { useNameOf, useNamesIn } from './use-callable.ts';

const HOUR_MS = 3_600_000;
/** For so long somebody steps in: until the next shift, for a night, over a weekend. */
const HOURS = [4, 8, 12, 24, 48];
const NOW = 'now';
/** An override lasts no longer, so turns are offered no further ahead. */
const LONGEST_MS = 31 * 24 * HOUR_MS;

type StepInProps = { schedules: readonly OnCallNow[]; onDone: () => void };

/** "Dr A takes Dr B's night": somebody instead of whoever a schedule names. */
export const StepIn = ({ schedules, onDone }: StepInProps) => {
  const { api } = useLive();
  const personName = useNameOf();
  const nameOf = (id: string): string => schedules.find(({ scheduleId }) => scheduleId === id)?.name ?? id;
  const spanOf = (values: FormData): { from: string; until: string } => {
    const [from = '', until = ''] = textOf(values, 'when').split(' ');
    if (until !== '') return { from, until };
    const now = serverNow();
    return {
      from: new Date(now).toISOString(),
      until: new Date(now + Number(textOf(values, 'hours')) * HOUR_MS).toISOString(),
    };
  };
  const sayWhen = (values: FormData): string => {
    if (textOf(values, 'when') === NOW) return `for the next ${textOf(values, 'hours')} hours`;
    const { from, until } = spanOf(values);
    return `from ${dayAndMinute(from)} to ${dayAndMinute(until)}`;
  };
  return (
    <ConfirmedForm
      name="step-in"
      title="Put somebody on call"
      explanation="Instead of whoever the schedule names; then it goes on as planned."
      verb="Put on call"
      question={(values) =>
        `${personName(textOf(values, 'person'))} is called for “${nameOf(textOf(values, 'schedule'))}” ${sayWhen(values)}.`
      }
      act={async (values) => {
        const [scheduleId, person] = [textOf(values, 'schedule'), textOf(values, 'person')];
        const made = await api.overrideSchedule({ scheduleId, person, ...spanOf(values) });
        onDone();
        return `${personName(made.person)} is on call from ${dayAndMinute(made.from)} to ${dayAndMinute(made.until)}.`;
      }}
    >
      <StepInFields schedules={schedules} />
    </ConfirmedForm>
  );
};

const StepInFields = ({ schedules }: { schedules: readonly OnCallNow[] }) => {
  const [scheduleId, setScheduleId] = useState(schedules[0]?.scheduleId ?? '');
  const [when, setWhen] = useState(NOW);
  const [people, setPeople] = useState<readonly string[]>([]);
  const turns = useTurns(scheduleId);
  const nameOf = useNameOf();
  return (
    <>
      <label className="field">
        Schedule
        <select
          name="schedule"
          required
          value={scheduleId}
          onChange={(event) => {
            setScheduleId(event.currentTarget.value);
            setWhen(NOW);
          }}
        >
          {schedules.map(({ scheduleId: id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        When
        <select name="when" value={when} onChange={(event) => setWhen(event.currentTarget.value)}>
          <option value={NOW}>from now on</option>
          {turns.map(({ from, until, person }) => (
            <option key={from} value={`${from} ${until}`}>
              {dayAndMinute(from)} to {dayAndMinute(until)}: {person === null ? 'nobody' : `for ${nameOf(person)}`}
            </option>
          ))}
        </select>
      </label>
      {when === NOW && (
        <label className="field">
          Hours
          <select name="hours" defaultValue={12}>
            {HOURS.map((hours) => (
              <option key={hours} value={hours}>
                {hours}
              </option>
            ))}
          </select>
        </label>
      )}
      <PeoplePicker label="Who steps in" path="person" people={people} onChange={setPeople} most={1} isRequired />
      <input type="hidden" name="person" value={people[0] ?? ''} />
    </>
  );
};

/** Those to come; none while they are not known: to step in from now on needs none. */
const useTurns = (scheduleId: string): readonly Turn[] => {
  const { api } = useLive();
  const [read, setRead] = useState<{ of: string; turns: readonly Turn[] }>();
  useNamesIn('schedule', scheduleId);
  useEffect(() => {
    if (scheduleId === '') return undefined;
    let isGone = false;
    const from = serverNow();
    const span = { from: new Date(from).toISOString(), until: new Date(from + LONGEST_MS).toISOString() };
    api
      .turns({ scheduleId, ...span })
      .then((turns) => !isGone && setRead({ of: scheduleId, turns }))
      .catch(() => {});
    return () => {
      isGone = true;
    };
  }, [api, scheduleId]);
  return read?.of === scheduleId ? read.turns : [];
};
