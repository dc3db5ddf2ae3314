import { RCP_ACKNOWLEDGEMENT, viewScore } from '../early-warning.ts';
import { capitalised, clockTime, words } from '../format.ts';
import { vitalSign } from '../vital-signs.ts';
import { ScoreBadge } from './bed-tile.tsx';
import { useCell, useLive } from './hooks.ts';

/** NEWS2 opened up: points by parameter, what is missing, and what the score asks for. */
export const ScoreParts = ({ patientId }: { patientId: string }) => {
  const score = useCell(useLive().board.score(patientId));
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
            {score.risk && <b>{capitalised(words(score.risk))} risk.</b>} {view.response}
          </p>
          {!view.isComplete && (
            <p className="incomplete">
              <b>Incomplete.</b> Missing: {view.missing}.
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
          <p className="quiet">Score since {clockTime(score.at)}.</p>
        </>
      ) : (
        <p className="quiet">No score yet.</p>
      )}
      <p className="quiet small">{RCP_ACKNOWLEDGEMENT}</p>
    </section>
  );
};
