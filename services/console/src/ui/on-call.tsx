import { dayAndMinute } from '../format.ts';
import type { OnCallNow } from '../shapes.ts';
import { serverNow } from '../clock.ts';
import { ConfirmedForm, textOf } from './confirmed-form.tsx';
import { useCell, useLive } from './hooks.ts';
import { useRefreshed } from './use-refreshed.ts';

const REFRESH_EVERY_MS = 60_000;
const HOUR_MS = 3_600_000;
/** For so long somebody steps in: until the next shift, for a night, over a weekend. */
const HOURS = [4, 8, 12, 24, 48];

/** Who is on call now, by schedule, and somebody else instead of him. */
export const OnCall = ({ onChange }: { onChange: () => void }) => {
  const { api } = useLive();
  const { latest, failure, refresh } = useRefreshed(api.onCall, REFRESH_EVERY_MS);
  const schedules = latest?.value ?? [];
  const changed = (): void => {
    refresh();
    onChange();
  };
  return (
    <>
      <section className="operation" aria-labelledby="on-call-title" data-testid="on-call">
        <h3 id="on-call-title">On call now</h3>
        {failure !== undefined && (
          <p className="letters-failure" role="alert">
            Not as of now. {failure}
          </p>
        )}
        {latest === undefined && failure === undefined && <p className="quiet">Loading…</p>}
        {latest?.value.length === 0 && <p className="quiet">There is no on-call schedule.</p>}
        <dl className="figures" data-old={failure !== undefined}>
          {schedules.map(({ scheduleId, name, person, personName, until }) => (
            <div key={scheduleId} data-testid={`on-call-${scheduleId}`}>
              <dt>{name}</dt>
              <dd>
                {person === null ? 'nobody' : (personName ?? person)}{' '}
                <span className="quiet">until {dayAndMinute(until)}</span>
              </dd>
            </div>
          ))}
        </dl>
      </section>
      {schedules.length > 0 && <StepIn schedules={schedules} onDone={changed} />}
    </>
  );
};

const StepIn = ({ schedules, onDone }: { schedules: readonly OnCallNow[]; onDone: () => void }) => {
  const { api, names } = useLive();
  const known = useCell(names);
  const nameOf = (id: string): string => schedules.find(({ scheduleId }) => scheduleId === id)?.name ?? id;
  const act = async (values: FormData): Promise<string> => {
    const from = serverNow();
    const made = await api.overrideSchedule({
      scheduleId: textOf(values, 'schedule'),
      person: textOf(values, 'person'),
      from: new Date(from).toISOString(),
      until: new Date(from + Number(textOf(values, 'hours')) * HOUR_MS).toISOString(),
    });
    onDone();
    return `On call until ${dayAndMinute(made.until)}.`;
  };
  return (
    <ConfirmedForm
      name="step-in"
      title="Put somebody on call"
      explanation="From now on, instead of whoever the schedule names; then it goes on as planned."
      verb="Put on call"
      question={(values) => {
        const person = textOf(values, 'person');
        return `${known.get(person) ?? person} is called for “${nameOf(textOf(values, 'schedule'))}” for the next ${textOf(values, 'hours')} hours.`;
      }}
      act={act}
    >
      <label className="field">
        Schedule
        <select name="schedule" required>
          {schedules.map(({ scheduleId, name }) => (
            <option key={scheduleId} value={scheduleId}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        Person
        <input
          name="person"
          required
          maxLength={64}
          pattern="[A-Za-z0-9_\-]+"
          title="The id of a person"
          list="known-people"
          autoComplete="off"
        />
      </label>
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
    </ConfirmedForm>
  );
};
