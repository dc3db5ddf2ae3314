import type { Figures } from '../shapes.ts';
import { useCell, useLive } from './hooks.ts';

/** "5 of 6 beds taken · 1 with NEWS2 of 7 or more · 2 alarms, 1 of them high"; what is nothing is left out. */
const inWords = ({ beds, occupied, acuity, conditions, silentSignals }: Figures): string => {
  const alarms = conditions.high + conditions.medium + conditions.low;
  const high = conditions.high > 0 ? `, ${conditions.high} of them high` : '';
  return [
    `${occupied} of ${beds} beds taken`,
    acuity.high > 0 && `${acuity.high} with NEWS2 of 7 or more`,
    acuity.medium > 0 && `${acuity.medium} with 5 or 6`,
    alarms > 0 && `${alarms} ${alarms === 1 ? 'alarm' : 'alarms'}${high}`,
    silentSignals > 0 && `${silentSignals} ${silentSignals === 1 ? 'sensor' : 'sensors'} silent`,
  ]
    .filter((part) => part !== false)
    .join(' · ');
};

/** How full the ward is and how ill its patients, in a line. */
export const WardLine = ({ wardId }: { wardId: string }) => {
  const figures = useCell(useLive().figures.of(wardId));
  if (figures === undefined) return null;
  return (
    <p className="ward-line quiet" data-testid="ward-line">
      {inWords(figures)}
    </p>
  );
};

/** All wards and the hospital, for operators. */
export const WardFigures = () => {
  const { figures } = useLive();
  const all = useCell(figures.all);
  return (
    <section className="operation" aria-labelledby="ward-figures-title" data-testid="ward-figures">
      <h3 id="ward-figures-title">Wards</h3>
      {all.length === 0 && <p className="quiet">Nothing was counted yet.</p>}
      {all.length > 0 && (
        <div className="ward-figures-space">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Ward</th>
                <th scope="col">Beds</th>
                <th scope="col">Free</th>
                <th scope="col">NEWS2 7+</th>
                <th scope="col">5–6</th>
                <th scope="col">Alarms</th>
                <th scope="col">Silent</th>
              </tr>
            </thead>
            <tbody>
              {all.map((ward) => (
                <Row key={ward.wardId} ward={ward} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
};

const Row = ({ ward }: { ward: Figures }) => {
  const { conditions, acuity } = ward;
  const alarms = conditions.high + conditions.medium + conditions.low;
  return (
    <tr data-testid={`figures-${ward.wardId ?? 'hospital'}`}>
      <th scope="row">{ward.wardId === null ? 'Hospital' : ward.name}</th>
      <td>{ward.beds}</td>
      <td>{ward.free}</td>
      <td>{acuity.high}</td>
      <td>{acuity.medium}</td>
      <td>{conditions.high > 0 ? `${alarms} (${conditions.high} high)` : alarms}</td>
      <td>{ward.silentSignals}</td>
    </tr>
  );
};
