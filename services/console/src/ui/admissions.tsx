import { useCallback, useState } from 'react';
import { toServerTime } from '../clock.ts';
import { clockTime, dayAndTime } from '../format.ts';
import type { Beds } from '../shapes.ts';
import { Admit, Discharge, Transfer } from './admission-forms.tsx';
import { useLive } from './hooks.ts';
import { useRefreshed } from './use-refreshed.ts';

const REFRESH_EVERY_MS = 10_000;

/** Who lies where, which beds are free, and who comes, moves and leaves. */
export const Admissions = () => {
  const live = useLive();
  /** Part of the name of a patient without a bed: of many there are only the first in the answer. */
  const [name, setName] = useState('');
  const read = useCallback(() => live.api.beds(name === '' ? {} : { name }), [live, name]);
  const { latest, failure, refresh } = useRefreshed(read, REFRESH_EVERY_MS);
  const onDone = (): void => {
    refresh();
    live.refresh();
  };
  return (
    <main className="operations" aria-labelledby="admissions-title" data-testid="admissions">
      <h2 id="admissions-title">Admissions</h2>
      {latest === undefined && failure === undefined && <p className="placeholder">Loading…</p>}
      {failure !== undefined && (
        <p className="letters-failure" role="alert">
          No newer beds. {failure}
        </p>
      )}
      {latest !== undefined && (
        <div className="operations-columns">
          {wardsOf(latest.value).map((beds) => (
            <WardBeds key={beds[0]?.wardId} beds={beds} at={latest.at} />
          ))}
          <Admit beds={latest.value} onDone={onDone} name={name} onName={setName} />
          <Transfer beds={latest.value} onDone={onDone} />
          <Discharge beds={latest.value} onDone={onDone} />
        </div>
      )}
    </main>
  );
};

type Bed = Beds['beds'][number];

const wardsOf = ({ beds }: Beds): Bed[][] =>
  [...new Set(beds.map(({ wardId }) => wardId))].map((wardId) => beds.filter((bed) => bed.wardId === wardId));

/** Whoever lies in a bed of another ward is not named. */
const occupantOf = ({ isTaken, patientName, patientId }: Bed): string =>
  isTaken ? (patientName ?? patientId ?? 'Taken') : 'Free';

const WardBeds = ({ beds, at }: { beds: readonly Bed[]; at: number }) => {
  const [first] = beds;
  const free = beds.filter(({ isTaken }) => !isTaken).length;
  const title = `beds-${first?.wardId}`;
  return (
    <section className="operation" aria-labelledby={title} data-testid={title}>
      <h3 id={title}>{first?.wardName}</h3>
      <p className="quiet">
        {free} of {beds.length} beds free. As of {clockTime(toServerTime(at))}.
      </p>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Bed</th>
            <th scope="col">Patient</th>
            <th scope="col">Since</th>
          </tr>
        </thead>
        <tbody>
          {beds.map((bed) => (
            <tr key={bed.bedId} data-free={!bed.isTaken}>
              <td>{bed.label}</td>
              <td>{occupantOf(bed)}</td>
              <td>{bed.since === null ? '' : dayAndTime(bed.since)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
};
