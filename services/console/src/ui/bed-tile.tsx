import { memo } from 'react';
import { alarmState, leadingAlert } from '../alerts.ts';
import { WITHHELD_WORDS, sayScore, viewScore, writeCharted } from '../early-warning.ts';
import { clockTime } from '../format.ts';
import { LIVE, NO_DATA } from '../freshness.ts';
import { MARK_WORD, type Mark, NEWS2, marksOf, uncovered } from '../marking.ts';
import type { Bed } from '../shapes.ts';
import { AlarmStrip } from './alarm-strip.tsx';
import { useCell, useLive, useStaleSince } from './hooks.ts';
import { BrokenLinkIcon, PriorityIcon } from './icons.tsx';
import { SignalBand } from './signal-band.tsx';
import { TrendLine } from './trend-line.tsx';
import { HeartBlock, PressureBlock, VitalBlock } from './vital-block.tsx';

type BedTileProps = { bed: Bed; index: number; onOpen: (patientId: string) => void; isOpen: boolean };

/** Rendered again for its own alarm and freshness only; every number below subscribes for itself. */
export const BedTile = memo(({ bed, index, onOpen, isOpen }: BedTileProps) =>
  bed.patientId === null ? (
    <article className="bed bed-empty" aria-label={`${bed.label}, empty`}>
      <div className="bed-face">
        <h3 className="bed-label">{bed.label}</h3>
        <p className="quiet">Empty</p>
      </div>
    </article>
  ) : (
    <OccupiedBed bed={bed} patientId={bed.patientId} index={index} onOpen={onOpen} isOpen={isOpen} />
  ),
);

const OccupiedBed = ({ bed, patientId, index, onOpen, isOpen }: BedTileProps & { patientId: string }) => {
  const { board } = useLive();
  const alerts = useCell(board.patientAlerts(patientId));
  const since = useStaleSince(patientId);
  const isLive = since === LIVE;
  const alert = leadingAlert(alerts);
  const conditions = useCell(board.conditions(patientId));
  const lasting = uncovered(conditions, alerts);
  const marks = marksOf(alerts, conditions);
  const id = `bed-${patientId}`;
  return (
    <article
      className="bed"
      data-testid={id}
      data-live={isLive}
      data-alarm={alarmState(alert)}
      data-priority={alert?.priority}
      data-condition={conditions.map(({ kind }) => kind).join(' ') || undefined}
      data-open={isOpen}
      aria-labelledby={`${id}-label`}
    >
      <div className="bed-face">
        <StaleBand since={since} />
        <header className="bed-head">
          <h3 className="bed-label" id={`${id}-label`}>
            {bed.label} <span className="bed-patient">{bed.patientName}</span>
          </h3>
          <ScoreBadge patientId={patientId} testId={`${id}-news2`} mark={marks.get(NEWS2)} />
        </header>
        <SignalBand kinds={conditions.map(({ kind }) => kind)} testId={`${id}-signals`} />
        <AlarmStrip alert={alert} condition={lasting[0]} more={Math.max(0, alerts.length + lasting.length - 1)} />
        <div className="bed-main">
          <div className="bed-column">
            <HeartBlock patientId={patientId} marks={marks} testId={`${id}-heartRate`} />
            <HeartTrend patientId={patientId} />
          </div>
          <div className="bed-column">
            <VitalBlock patientId={patientId} vital="spo2" mark={marks.get('spo2')} testId={`${id}-spo2`} />
            <TrendLine patientId={patientId} vital="spo2" />
          </div>
        </div>
        <div className="bed-minor">
          <VitalBlock
            patientId={patientId}
            vital="respirationRate"
            mark={marks.get('respirationRate')}
            testId={`${id}-respirationRate`}
          />
          <PressureBlock patientId={patientId} marks={marks} />
          <VitalBlock
            patientId={patientId}
            vital="temperature"
            mark={marks.get('temperature')}
            testId={`${id}-temperature`}
          />
        </div>
        <ChartedLine patientId={patientId} testId={`${id}-charted`} />
      </div>
      <button
        type="button"
        className="bed-open"
        data-bed-index={index}
        data-patient={patientId}
        aria-label={`Details of ${bed.label}, ${bed.patientName ?? 'no name'}`}
        aria-keyshortcuts={index < 9 ? String(index + 1) : undefined}
        aria-expanded={isOpen}
        onClick={() => onOpen(patientId)}
      />
    </article>
  );
};

const HeartTrend = ({ patientId }: { patientId: string }) => {
  const { board } = useLive();
  const hasHeartRate = useCell(board.reading(patientId, 'heartRate')) !== undefined;
  const hasPulse = useCell(board.reading(patientId, 'pulse')) !== undefined;
  return <TrendLine patientId={patientId} vital={!hasHeartRate && hasPulse ? 'pulse' : 'heartRate'} />;
};

/** Over everything else on a tile: nobody may take an old number for a live one. */
const StaleBand = ({ since }: { since: number }) => {
  if (since === LIVE) return null;
  return (
    <p className="stale-band">
      <BrokenLinkIcon />
      {since === NO_DATA ? <b>No data yet</b> : <b>Not live</b>}
      {since !== NO_DATA && <span>since {clockTime(since)}</span>}
    </p>
  );
};

/** What only people see: consciousness and oxygen, for as long as it counts. */
const ChartedLine = ({ patientId, testId }: { patientId: string; testId: string }) => {
  const { board } = useLive();
  const consciousness = useCell(board.reading(patientId, 'consciousness'));
  const oxygenFlow = useCell(board.reading(patientId, 'oxygenFlow'));
  const oxygenConcentration = useCell(board.reading(patientId, 'oxygenConcentration'));
  const score = useCell(board.score(patientId));
  const text = writeCharted({ consciousness, oxygenFlow, oxygenConcentration }, score?.missing);
  return text === '' ? null : (
    <p className="bed-charted" data-testid={testId}>
      {text}
    </p>
  );
};

type ScoreBadgeProps = { patientId: string; testId: string; mark?: Mark | undefined };

export const ScoreBadge = ({ patientId, testId, mark }: ScoreBadgeProps) => {
  const { board } = useLive();
  const view = viewScore(useCell(board.score(patientId)));
  const { withheld } = useCell(board.scoring(patientId));
  const said = withheld === undefined ? sayScore(view) : `NEWS2 ${WITHHELD_WORDS[withheld]}`;
  return (
    <div
      className="score"
      data-priority={mark?.priority ?? view?.priority}
      data-mark={mark?.state}
      data-empty={view === undefined}
      data-complete={view?.isComplete ?? false}
      title={said}
      role="img"
      aria-label={mark ? `${said}, ${MARK_WORD[mark.state]}` : said}
    >
      {mark && <PriorityIcon priority={mark.priority} />}
      <span className="score-label">
        NEWS2{view && !view.isComplete && <em> ask {view.asks}</em>}
        {withheld && <em> {WITHHELD_WORDS[withheld]}</em>}
        {view?.threshold === 'review' && <em> 3 in one</em>}
        {view?.threshold === 'urgent' && <em> urgent</em>}
        {view?.threshold === 'emergency' && <em> emergency</em>}
      </span>
      <b className="score-value" data-testid={testId}>
        {view?.text ?? '–'}
      </b>
    </div>
  );
};
