import { useEffect, useMemo, useRef, useState } from 'react';
import { PRIORITY_WORD } from '../alerts.ts';
import { serverNow } from '../clock.ts';
import { clockTime } from '../format.ts';
import { LIVE, NO_DATA } from '../freshness.ts';
import { type TrendPoint, toPoints } from '../trends.ts';
import type { Limit, Reading } from '../shapes.ts';
import { sayValue, vitalSign, writeValue } from '../vital-signs.ts';
import { AlertCard } from './alert-card.tsx';
import { useCell, useLive, useStaleSince } from './hooks.ts';
import { BrokenLinkIcon, CloseIcon, PriorityIcon } from './icons.tsx';
import { ScoreParts } from './score-parts.tsx';
import { TrendChart } from './trend-chart.tsx';

const CHARTS: readonly Reading['vital'][] = ['heartRate', 'spo2', 'respirationRate', 'systolic'];
const WINDOWS = [
  { minutes: 10, label: '10 min' },
  { minutes: 60, label: '1 h' },
];

type BedDetailProps = { patientId: string; onClose: () => void };

export const BedDetail = ({ patientId, onClose }: BedDetailProps) => {
  const live = useLive();
  const bed = live.bedOf(patientId);
  const alerts = useCell(live.board.patientAlerts(patientId));
  const since = useStaleSince(patientId);
  const title = useRef<HTMLHeadingElement>(null);
  const [minutes, setMinutes] = useState(10);
  const limits = useLimits(patientId);

  useEffect(() => title.current?.focus(), []);

  return (
    <section className="detail" aria-labelledby="detail-title" data-testid="bed-detail">
      <header className="detail-head">
        <h2 id="detail-title" ref={title} tabIndex={-1}>
          {bed?.label} <span className="bed-patient">{bed?.patientName}</span>
        </h2>
        {since !== LIVE && (
          <p className="stale-band">
            <BrokenLinkIcon /> <b>{since === NO_DATA ? 'No data yet' : 'Not live'}</b>
            {since !== NO_DATA && <span>since {clockTime(since)}</span>}
          </p>
        )}
        <button type="button" className="button plain icon-only" aria-label="Close details" onClick={onClose}>
          <CloseIcon />
        </button>
      </header>
      <div className="detail-scroll">
        {alerts.length > 0 && (
          <ul className="alert-items detail-alerts" aria-label="Alerts of this patient">
            {alerts.map((alert) => (
              <AlertSummary key={alert.alertId} alertId={alert.alertId} />
            ))}
          </ul>
        )}
        <Values patientId={patientId} />
        <div className="detail-columns">
          <div className="detail-trends">
            <div className="segmented" role="group" aria-label="Time shown">
              {WINDOWS.map((choice) => (
                <button
                  key={choice.minutes}
                  type="button"
                  aria-pressed={minutes === choice.minutes}
                  onClick={() => setMinutes(choice.minutes)}
                >
                  {choice.label}
                </button>
              ))}
            </div>
            {CHARTS.map((vital) => (
              <DetailChart
                key={vital}
                patientId={patientId}
                vital={vital}
                minutes={minutes}
                limits={Array.isArray(limits) ? limits : NO_LIMITS}
              />
            ))}
          </div>
          <div className="detail-side">
            <ScoreParts patientId={patientId} />
            <h3>Alarm limits</h3>
            <LimitTable limits={limits} />
          </div>
        </div>
      </div>
    </section>
  );
};

const AlertSummary = ({ alertId }: { alertId: string }) => {
  const alert = useCell(useLive().board.activeAlerts).find((candidate) => candidate.alertId === alertId);
  return alert ? <AlertCard alert={alert} isCopy /> : null;
};

const useLimits = (patientId: string): Limit[] | string | undefined => {
  const { api, limitsChanges } = useLive();
  const [limits, setLimits] = useState<Limit[] | string>();
  useEffect(() => {
    let isGone = false;
    const read = (): void =>
      void api
        .limits(patientId)
        .then((found) => !isGone && setLimits(found))
        .catch((error: Error) => !isGone && setLimits(error.message));
    read();
    const stopFollowing = limitsChanges.at(patientId).subscribe(read);
    return () => {
      isGone = true;
      stopFollowing();
    };
  }, [api, limitsChanges, patientId]);
  return limits;
};

const Values = ({ patientId }: { patientId: string }) => {
  const { board } = useLive();
  // A vital sign that was never seen before appears with the next sample of the bed.
  useCell(board.newestAt(patientId));
  return (
    <dl className="values">
      {board.knownVitals(patientId).map((vital) => (
        <Value key={vital} patientId={patientId} vital={vital} />
      ))}
    </dl>
  );
};

const Value = ({ patientId, vital }: { patientId: string; vital: string }) => {
  const reading = useCell(useLive().board.reading(patientId, vital));
  const { name, unit } = vitalSign(vital);
  return (
    <div className="value" data-suspect={reading?.quality !== 'good'}>
      <dt>{name}</dt>
      <dd aria-label={sayValue(vital, reading)}>
        <b>{writeValue(reading)}</b> {unit}
        <span className="quiet">
          {reading && clockTime(reading.measuredAt)}
          {reading && reading.quality !== 'good' && ` · ${reading.quality}`}
        </span>
      </dd>
    </div>
  );
};

type DetailChartProps = { patientId: string; vital: Reading['vital']; minutes: number; limits: readonly Limit[] };

const NO_PAST: readonly TrendPoint[] = [];
const NO_LIMITS: readonly Limit[] = [];

const DetailChart = ({ patientId, vital, minutes, limits }: DetailChartProps) => {
  const { api } = useLive();
  const [past, setPast] = useState(NO_PAST);
  // A vital sign may have several limits, one a side.
  const ownLimits = useMemo(() => limits.filter((limit) => limit.vital === vital), [limits, vital]);
  const { name, unit } = vitalSign(vital);
  useEffect(() => {
    let isGone = false;
    const to = serverNow();
    const range = { from: new Date(to - minutes * 60_000).toISOString(), to: new Date(to + 5000).toISOString(), vital };
    api
      .vitals({ patientId, ...range })
      .then((readings) => !isGone && setPast(toPoints(readings)))
      // The lines of the board stay; the tile's own minutes are drawn in any case.
      .catch(() => {});
    return () => {
      isGone = true;
    };
  }, [api, patientId, vital, minutes]);
  return (
    <figure className="chart">
      <figcaption>
        {name} <span className="quiet">{unit}</span>
      </figcaption>
      <TrendChart
        patientId={patientId}
        vital={vital}
        past={past}
        windowMs={minutes * 60_000}
        limits={ownLimits}
        height={118}
      />
    </figure>
  );
};

const LimitTable = ({ limits }: { limits: Limit[] | string | undefined }) => {
  if (limits === undefined) return <p className="quiet">Loading…</p>;
  if (typeof limits === 'string') return <p className="quiet">{limits}</p>;
  if (limits.length === 0) return <p className="quiet">No limits are set.</p>;
  return (
    <table className="table">
      <thead>
        <tr>
          <th scope="col">Vital sign</th>
          <th scope="col">Limit</th>
          <th scope="col">For</th>
          <th scope="col">Priority</th>
        </tr>
      </thead>
      <tbody>
        {limits.map((limit) => (
          <tr key={`${limit.vital} ${limit.above} ${limit.below}`}>
            <th scope="row">{vitalSign(limit.vital).name}</th>
            <td>
              {[limit.above !== undefined && `> ${limit.above}`, limit.below !== undefined && `< ${limit.below}`]
                .filter(Boolean)
                .join(', ')}
            </td>
            <td>{limit.persistSeconds} s</td>
            <td>
              <span className="priority" data-priority={limit.priority}>
                <PriorityIcon priority={limit.priority} /> {PRIORITY_WORD[limit.priority]}
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
};
