import { treats } from '../alerts.ts';
import { RCP_ACKNOWLEDGEMENT, WITHHELD_WORDS, viewScore } from '../early-warning.ts';
import { capitalised, clockMinute, clockTime, words } from '../format.ts';
import { vitalSign } from '../vital-signs.ts';
import { ScoreBadge } from './bed-tile.tsx';
import { useCell, useLive } from './hooks.ts';
import { OtherScores } from './other-scores.tsx';
import { ScoreDecisions } from './score-decision.tsx';

type ScorePartsProps = { patientId: string; onChart: () => void };

/** NEWS2 opened up: points by parameter, what is missing, and what the score asks for. */
export const ScoreParts = ({ patientId, onChart }: ScorePartsProps) => {
  const { board, me, scoreDecisions } = useLive();
  const score = useCell(board.score(patientId));
  /** A decision may withhold the other scores as well: they are read anew. */
  const decisions = useCell(scoreDecisions.at(patientId));
  const { withheld } = useCell(board.scoring(patientId));
  const view = viewScore(score);
  return (
    <section className="score-parts" aria-label="NEWS2">
      <div className="score-parts-head">
        <h3>NEWS2</h3>
        <ScoreBadge patientId={patientId} testId={`detail-${patientId}-news2`} />
      </div>
      {score && view ? (
        <>
          <p>
            {score.risk && <b>{riskInWords(score.risk, view.isComplete)}</b>} {view.response}
          </p>
          {!view.isComplete && (
            <p className="incomplete">
              <b>Incomplete.</b> Ask for: {view.missing}.
            </p>
          )}
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Parameter</th>
                <th scope="col">Points</th>
              </tr>
            </thead>
            <tbody>
              {Object.entries(score.parts).map(([part, points]) => (
                <tr key={part} data-points={points}>
                  <th scope="row">{vitalSign(part).name}</th>
                  <td>{points}</td>
                </tr>
              ))}
              {score.missing.map((part) => (
                <tr key={part}>
                  <th scope="row">{vitalSign(part).name}</th>
                  <td className="quiet">missing</td>
                </tr>
              ))}
            </tbody>
          </table>
          <p className="quiet">
            Score since {clockTime(score.at)}, SpO₂ scale {score.scale ?? 1}.
          </p>
        </>
      ) : (
        <p className="quiet">{withheld === undefined ? 'No score yet.' : `NEWS2 ${WITHHELD_WORDS[withheld]}.`}</p>
      )}
      <Charted patientId={patientId} />
      {treats(me) && (
        <button type="button" className="button" data-testid="chart-open" aria-keyshortcuts="c" onClick={onChart}>
          Chart…
        </button>
      )}
      <ScoreDecisions patientId={patientId} />
      <OtherScores key={decisions} patientId={patientId} />
      <p className="quiet small">{RCP_ACKNOWLEDGEMENT}</p>
    </section>
  );
};

/** The risk is that of the lower bound: what is missing may only make it higher. */
const riskInWords = (risk: string, isComplete: boolean): string =>
  isComplete ? `${capitalised(words(risk))} risk.` : `At least ${words(risk)} risk.`;

/** Who charted what counts now, and until when. */
const Charted = ({ patientId }: { patientId: string }) => {
  const { board, names } = useLive();
  const { charted = [] } = useCell(board.scoring(patientId));
  const known = useCell(names);
  return charted.map(({ vital, at, by, until }) => (
    <p key={vital} className="quiet small">
      {vitalSign(vital).name} charted by {known.get(by) ?? by} at {clockMinute(at)}, counts until {clockMinute(until)}
    </p>
  ));
};
