import { useCallback, useMemo, useState } from 'react';
import { serverNow } from '../clock.ts';
import {
  HOP_WORDS,
  type ResponseBy,
  type ResponseFigures,
  decimal,
  groupName,
  percent,
  timeTaken,
} from '../response.ts';
import { useLive } from './hooks.ts';
import { useRefreshed } from './use-refreshed.ts';

const REFRESH_EVERY_MS = 60_000;
const PERIODS = [
  { days: 1, label: '24 h' },
  { days: 7, label: '7 days' },
  { days: 31, label: '31 days' },
];
const GROUPS: readonly ResponseBy[] = ['ward', 'priority', 'shift'];
/** What is shown of no group in particular. */
const ALL = '';

/** How quickly alarms were answered, hop by hop. */
export const Response = () => {
  const { api, me } = useLive();
  const [days, setDays] = useState(1);
  const [by, setBy] = useState<ResponseBy>('ward');
  const [group, setGroup] = useState(ALL);
  const read = useCallback(async () => {
    const to = serverNow();
    const range = { from: new Date(to - days * 86_400_000).toISOString(), to: new Date(to).toISOString() };
    return { days, by, figures: await api.response({ ...range, by }) };
  }, [api, days, by]);
  const { latest, failure } = useRefreshed(read, REFRESH_EVERY_MS);
  const wards = useMemo(() => new Map(me.wards.map(({ wardId, name }) => [wardId, name])), [me]);
  // Until the next answer has come, the figures of another time or grouping are nobody's.
  const answer = latest?.value.days === days && latest.value.by === by ? latest.value.figures : undefined;
  const chosen = answer?.groups.find((each) => String(each.group) === group);
  return (
    <section className="operation" aria-labelledby="response-title" data-testid="response">
      <h3 id="response-title">Response to alarms</h3>
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
      <div className="segmented" role="group" aria-label="Grouped by">
        {GROUPS.map((each) => (
          <button
            key={each}
            type="button"
            aria-pressed={by === each}
            onClick={() => {
              setBy(each);
              setGroup(ALL);
            }}
          >
            by {each}
          </button>
        ))}
      </div>
      {failure !== undefined && (
        <p className="letters-failure" role="alert">
          No newer figures. {failure}
        </p>
      )}
      {answer === undefined && failure === undefined && <p className="quiet">Counting…</p>}
      {answer !== undefined && (
        <>
          <label className="field">
            <span>Of</span>
            <select value={group} onChange={(event) => setGroup(event.target.value)}>
              <option value={ALL}>all alerts ({answer.total.alerts})</option>
              {answer.groups.map((each) => (
                <option key={String(each.group)} value={String(each.group)}>
                  {groupName(each.group, by, wards)} ({each.alerts})
                </option>
              ))}
            </select>
          </label>
          <Figures
            figures={chosen ?? answer.total}
            pagesPerNurseHour={chosen === undefined ? answer.pagesPerNurseHour : undefined}
          />
        </>
      )}
    </section>
  );
};

type FiguresProps = {
  figures: ResponseFigures['total'];
  /** Of all together only. */
  pagesPerNurseHour: number | null | undefined;
};

const Figures = ({ figures, pagesPerNurseHour }: FiguresProps) => {
  const rows = [
    { what: 'Answered at the first level', figure: percent(figures.firstLevelShare) },
    { what: 'Escalations a hundred alerts', figure: decimal(figures.escalationsPer100) },
    { what: 'Nothing was to be done', figure: percent(figures.notActionableShare) },
    ...(pagesPerNurseHour === undefined
      ? []
      : [{ what: 'Pages a nurse and hour', figure: decimal(pagesPerNurseHour) }]),
  ];
  return (
    <>
      {figures.hops.length === 0 && <p className="quiet">No alerts in this time.</p>}
      {figures.hops.length > 0 && (
        <table className="table" data-testid="response-hops">
          <thead>
            <tr>
              <th scope="col">Way</th>
              <th scope="col">Half within</th>
              <th scope="col">95 %</th>
              <th scope="col">99 %</th>
            </tr>
          </thead>
          <tbody>
            {figures.hops.map(({ hop, count, p50Ms, p95Ms, p99Ms }) => (
              <tr key={hop} title={`${count} alerts`}>
                <th scope="row">{HOP_WORDS[hop]}</th>
                <td>{timeTaken(p50Ms)}</td>
                <td>{timeTaken(p95Ms)}</td>
                <td>{timeTaken(p99Ms)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <dl className="figures">
        {rows.map(({ what, figure }) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>{figure}</dd>
          </div>
        ))}
      </dl>
    </>
  );
};
