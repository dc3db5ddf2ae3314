import { useCallback, useState } from 'react';
import type { Result } from '@carillon/client/client';
import { PRIORITY_WORD } from '../alerts.ts';
import { serverNow } from '../clock.ts';
import { capitalised, words } from '../format.ts';
import { useLive } from './hooks.ts';
import { useRefreshed } from './use-refreshed.ts';

type Load = Result<'alarmLoad:get'>;

const REFRESH_EVERY_MS = 60_000;
const PERIODS = [
  { days: 1, label: '24 h' },
  { days: 7, label: '7 days' },
  { days: 31, label: '31 days' },
];

/** How many alarms a ward (or the hospital) had to hear, and how many of them told nobody anything. */
export const AlarmLoad = ({ wardId, place }: { wardId: string | undefined; place: string }) => {
  const { api } = useLive();
  const [days, setDays] = useState(1);
  const read = useCallback(async () => {
    const to = serverNow();
    const range = { from: new Date(to - days * 86_400_000).toISOString(), to: new Date(to).toISOString() };
    return { days, wardId, load: await api.alarmLoad({ ...range, ...(wardId === undefined ? {} : { wardId }) }) };
  }, [api, days, wardId]);
  const { latest, failure } = useRefreshed(read, REFRESH_EVERY_MS);
  // Until the next answer has come, the figures of another time or ward are nobody's.
  const load = latest?.value.days === days && latest.value.wardId === wardId ? latest.value.load : undefined;
  return (
    <section className="operation" aria-labelledby="alarm-load-title" data-testid="alarm-load">
      <h3 id="alarm-load-title">Alarm load of {place}</h3>
      <div className="segmented" role="group" aria-label="Time counted">
        {PERIODS.map((period) => (
          <button
            key={period.days}
            type="button"
            aria-pressed={days === period.days}
            onClick={() => setDays(period.days)}
          >
            {period.label}
          </button>
        ))}
      </div>
      {failure !== undefined && (
        <p className="letters-failure" role="alert">
          No newer figures. {failure}
        </p>
      )}
      {load === undefined ? failure === undefined && <p className="quiet">Counting…</p> : <Figures load={load} />}
    </section>
  );
};

const share = (part: number, whole: number): string =>
  whole === 0 ? `${part}` : `${part} (${Math.round((100 * part) / whole)} %)`;

const Figures = ({ load }: { load: Load }) => {
  const { alarms, exposure } = load;
  const rows: { what: string; figure: number | string; isPart?: true; name?: string }[] = [
    { what: 'Alarms a bed and day', figure: load.alarmsPerBedDay ?? 'no patients', name: 'alarms-per-bed-day' },
    { what: 'Alarms', figure: alarms, name: 'alarms' },
    ...load.byPriority.map((each) => ({
      what: PRIORITY_WORD[each.priority].toLowerCase(),
      figure: share(each.alarms, alarms),
      isPart: true as const,
    })),
    { what: 'Repeated within 10 min', figure: share(load.repeated, alarms) },
    { what: 'Judged when they were resolved', figure: share(load.judged, alarms) },
    { what: 'of these, nothing was to be done', figure: share(load.notActionable, load.judged), isPart: true },
    { what: 'Technical, counted apart', figure: load.technical },
    { what: 'In the 120 min before an alarm: median', figure: exposure.p50 },
    { what: 'one in ten has more than', figure: exposure.p90, isPart: true },
    { what: 'at most', figure: exposure.max, isPart: true },
    { what: 'alarms with 80 or more before them', figure: share(exposure.from80, alarms), isPart: true },
  ];
  return (
    <>
      <dl className="figures">
        {rows.map(({ what, figure, isPart, name }) => (
          <div key={what} data-part={isPart === true}>
            <dt>{what}</dt>
            <dd data-figure={name}>{figure}</dd>
          </div>
        ))}
      </dl>
      {load.byKind.length > 0 && (
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Kind</th>
              <th scope="col">Alarms</th>
            </tr>
          </thead>
          <tbody>
            {load.byKind.slice(0, 10).map((each) => (
              <tr key={each.kind}>
                <th scope="row">{capitalised(words(each.kind))}</th>
                <td>{share(each.alarms, alarms)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
};
