import { useState } from 'react';
import { dayAndMinute } from '../format.ts';
import type { OnCallNow } from '../shapes.ts';
import { ScheduleTurns } from './schedule-turns.tsx';
import type { Refreshed } from './use-refreshed.ts';

type OnCallProps = {
  schedules: { latest: Refreshed<readonly OnCallNow[]>; failure: string | undefined };
  /** Of a schedule, or a new one; undefined for whoever may not, as the other. */
  onEdit: ((scheduleId: string | undefined) => void) | undefined;
  onChange: (() => void) | undefined;
};

/** Who is on call now, by schedule, and who will be. */
export const OnCall = ({ schedules: { latest, failure }, onEdit, onChange }: OnCallProps) => (
  <section className="operation" aria-labelledby="on-call-title" data-testid="on-call">
    <h3 id="on-call-title">On call now</h3>
    {failure !== undefined && (
      <p className="letters-failure" role="alert">
        Not as of now. {failure}
      </p>
    )}
    {latest === undefined && failure === undefined && <p className="quiet">Loading…</p>}
    {latest?.value.length === 0 && <p className="quiet">There is no on-call schedule.</p>}
    {latest?.value.map((schedule) => (
      <OneSchedule key={schedule.scheduleId} schedule={schedule} onEdit={onEdit} onChange={onChange} />
    ))}
    {onEdit !== undefined && (
      <div className="form-actions">
        <button type="button" className="button" data-testid="new-schedule" onClick={() => onEdit(undefined)}>
          New schedule
        </button>
      </div>
    )}
  </section>
);

type OneScheduleProps = { schedule: OnCallNow } & Pick<OnCallProps, 'onEdit' | 'onChange'>;

const OneSchedule = ({ schedule, onEdit, onChange }: OneScheduleProps) => {
  const [isOpen, setOpen] = useState(false);
  const { scheduleId, name, person, personName, until } = schedule;
  return (
    <details
      className="policy"
      data-testid={`on-call-${scheduleId}`}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary>
        <b>{name}</b>: {person === null ? 'nobody' : (personName ?? person)}{' '}
        <span className="quiet">until {dayAndMinute(until)}</span>
      </summary>
      {isOpen && <ScheduleTurns key={`${person} ${until}`} scheduleId={scheduleId} onChange={onChange} />}
      {onEdit !== undefined && (
        <div className="form-actions">
          <button type="button" className="button" aria-label={`Edit ${name}`} onClick={() => onEdit(scheduleId)}>
            Edit
          </button>
        </div>
      )}
    </details>
  );
};
