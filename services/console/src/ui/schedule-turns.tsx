import { useCallback, useState } from 'react';
import { serverNow } from '../clock.ts';
import { dayAndMinute } from '../format.ts';
import type { Schedule, Turn } from '../shapes.ts';
import { AskedButton } from './asked-button.tsx';
import { useLive } from './hooks.ts';
import { useNameOf, useNamesIn } from './use-callable.ts';
import { useRefreshed } from './use-refreshed.ts';

const REFRESH_EVERY_MS = 60_000;
const AHEAD_MS = 14 * 86_400_000;
/** Of shifts of some hours there are many in a fortnight. */
const MOST_TURNS = 30;

type ScheduleTurnsProps = {
  scheduleId: string;
  /** Told of what was taken back; undefined for whoever may not. */
  onChange: (() => void) | undefined;
};

/** Who is on call in the next fortnight, and who stands in for whom. */
export const ScheduleTurns = ({ scheduleId, onChange }: ScheduleTurnsProps) => {
  const { api } = useLive();
  useNamesIn('schedule', scheduleId);
  const read = useCallback(async () => {
    const from = serverNow();
    const span = { from: new Date(from).toISOString(), until: new Date(from + AHEAD_MS).toISOString() };
    const [turns, schedule] = await Promise.all([api.turns({ scheduleId, ...span }), api.schedule(scheduleId)]);
    return { turns, schedule };
  }, [api, scheduleId]);
  const { latest, failure, refresh } = useRefreshed(read, REFRESH_EVERY_MS);
  const changed =
    onChange &&
    ((): void => {
      refresh();
      onChange();
    });
  if (latest === undefined) return <p className="quiet">{failure ?? 'Loading…'}</p>;
  const { turns, schedule } = latest.value;
  return (
    <>
      {failure !== undefined && (
        <p className="letters-failure" role="alert">
          Not as of now. {failure}
        </p>
      )}
      <p className="quiet">The next 14 days, in the time of this page; the schedule is by {schedule.timeZone}.</p>
      <TurnList name={`turns-${scheduleId}`} turns={turns} />
      {schedule.overrides.map((override) => (
        <Override key={override.overrideId} scheduleId={scheduleId} override={override} onEnded={changed} />
      ))}
    </>
  );
};

export const TurnList = ({ name, turns }: { name: string; turns: readonly Turn[] }) => {
  const nameOf = useNameOf();
  return (
    <ol className="policy-levels" data-testid={name}>
      {turns.slice(0, MOST_TURNS).map(({ from, until, person }) => (
        <li key={from}>
          {dayAndMinute(from)} to {dayAndMinute(until)}: {person === null ? 'nobody' : nameOf(person)}
        </li>
      ))}
      {turns.length > MOST_TURNS && <li>and {turns.length - MOST_TURNS} more</li>}
    </ol>
  );
};

type OverrideProps = { scheduleId: string; override: Schedule['overrides'][number]; onEnded: (() => void) | undefined };

const Override = ({ scheduleId, override: { overrideId, person, from, until }, onEnded }: OverrideProps) => {
  const { api } = useLive();
  const name = useNameOf()(person);
  const [failure, setFailure] = useState<string>();
  const [isSending, setSending] = useState(false);
  const end = (told: () => void): void => {
    setSending(true);
    api.endOverride({ scheduleId, overrideId }).then(told, (error: unknown) => {
      setFailure(error instanceof Error ? error.message : String(error));
      setSending(false);
    });
  };
  return (
    <div className="override" data-testid={`override-${overrideId}`}>
      <p>
        {name} steps in {dayAndMinute(from)} to {dayAndMinute(until)}.
      </p>
      {onEnded !== undefined && (
        <AskedButton
          name={`end-override-${overrideId}`}
          label="Take back"
          question={`Whoever the schedule names is on call again instead of ${name}.`}
          verb="Take back"
          keep="Keep it"
          isDisabled={isSending}
          act={() => end(onEnded)}
        />
      )}
      {failure !== undefined && <p role="alert">Not done. {failure}</p>}
    </div>
  );
};
