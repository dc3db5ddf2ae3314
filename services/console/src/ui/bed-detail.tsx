import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { isStaff } from '../alerts.ts';
import type { Api } from '../api.ts';
import { serverNow } from '../clock.ts';
import { clockTime } from '../format.ts';
import { LIVE, NO_DATA } from '../freshness.ts';
import { GAP_SECONDS, TREND_WINDOW_MS, type TrendPoint, pointsOfSummary, toPoints } from '../trends.ts';
import type { Limit, NumericVital } from '../shapes.ts';
import { sayValue, vitalSign, writeValue } from '../vital-signs.ts';
import { AbsentSignals } from './absent-signals.tsx';
import { AlertCard } from './alert-card.tsx';
import { BedDevices } from './bed-devices.tsx';
import { useCell, useLive, useStaleSince } from './hooks.ts';
import { BrokenLinkIcon, CloseIcon } from './icons.tsx';
import { LimitSection, useRules } from './limit-table.tsx';
import { ScoreParts } from './score-parts.tsx';
import { SilenceSection } from './silence-section.tsx';
import { TrendChart } from './trend-chart.tsx';
import { useRefreshed } from './use-refreshed.ts';

const CHARTS: readonly NumericVital[] = ['heartRate', 'spo2', 'respirationRate', 'systolic'];
const WINDOWS = [
  { minutes: 10, label: '10 min' },
  { minutes: 60, label: '1 h' },
  { minutes: 480, label: '8 h' },
  { minutes: 1440, label: '24 h' },
  { minutes: 10_080, label: '7 days' },
  { minutes: 43_200, label: '30 days' },
  { minutes: 129_600, label: '90 days' },
];

type BedDetailProps = { patientId: string; onChart: () => void; onClose: () => void };

export const BedDetail = ({ patientId, onChart, onClose }: BedDetailProps) => {
  const live = useLive();
  const bed = live.bedOf(patientId);
  const alerts = useCell(live.board.patientAlerts(patientId));
  const since = useStaleSince(patientId);
  const title = useRef<HTMLHeadingElement>(null);
  const [minutes, setMinutes] = useState(10);
  const rules = useRules(patientId);

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
        <AbsentSignals patientId={patientId} />
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
                limits={typeof rules === 'object' ? rules.limits : NO_LIMITS}
              />
            ))}
          </div>
          <div className="detail-side">
            <ScoreParts patientId={patientId} onChart={onChart} />
            <LimitSection patientId={patientId} rules={rules} />
            {isStaff(live.me) && <SilenceSection patientId={patientId} />}
            <BedDevices patientId={patientId} />
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

type DetailChartProps = { patientId: string; vital: NumericVital; minutes: number; limits: readonly Limit[] };

/** Up to this long every reading is drawn; beyond it the extremes of equal parts are, about one a pixel. */
const EACH_READING_MINUTES = 60;
const SUMMARY_PARTS = 400;
/** Well before the tile forgets what came since. */
const REREAD_EVERY_MS = TREND_WINDOW_MS / 2;

type Past = { points: readonly TrendPoint[]; gapSeconds: number };
const NO_PAST: Past = { points: [], gapSeconds: GAP_SECONDS };

const readPast = async (api: Api, patientId: string, vital: NumericVital, minutes: number): Promise<Past> => {
  const to = serverNow();
  const range = { from: new Date(to - minutes * 60_000).toISOString(), to: new Date(to + 5000).toISOString() };
  if (minutes <= EACH_READING_MINUTES) {
    const readings = await api.vitals({ patientId, vital, ...range });
    return { points: toPoints(readings), gapSeconds: GAP_SECONDS };
  }
  const { everySeconds, items } = await api.vitalSummary({ patientId, vital, ...range, points: SUMMARY_PARTS });
  // The extremes of two parts that meet may be nearly two parts apart.
  return { points: pointsOfSummary(items), gapSeconds: 2 * everySeconds + GAP_SECONDS };
};
const NO_LIMITS: readonly Limit[] = [];

const DetailChart = ({ patientId, vital, minutes, limits }: DetailChartProps) => {
  const { api } = useLive();
  const read = useCallback(
    async () => ({ minutes, past: await readPast(api, patientId, vital, minutes) }),
    [api, patientId, vital, minutes],
  );
  const { latest, failure } = useRefreshed(read, REREAD_EVERY_MS);
  const past = latest?.value.minutes === minutes ? latest.value.past : NO_PAST;
  // A vital sign may have several limits, one a side.
  const ownLimits = useMemo(() => limits.filter((limit) => limit.vital === vital), [limits, vital]);
  const { name, unit } = vitalSign(vital);
  return (
    <figure className="chart">
      <figcaption>
        {name} <span className="quiet">{unit}</span>
        {/* The tile's own minutes are drawn in any case: what is before them must not look empty. */}
        {failure !== undefined && <span role="status"> The past could not be read. {failure}</span>}
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
