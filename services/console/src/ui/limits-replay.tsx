import { type SubmitEvent, useCallback, useEffect, useRef, useState } from 'react';
import type { Input, Result } from '@carillon/client/client';
import { serverNow } from '../clock.ts';
import { capitalised, words } from '../format.ts';
import { type LimitDraft, draftOf, firstLimit, limitOf } from '../limit-draft.ts';
import { useCell, useLive } from './hooks.ts';
import { LimitRows } from './limit-rows.tsx';
import { useRefreshed } from './use-refreshed.ts';

type Replay = Result<'replay:get'>;

const REFRESH_EVERY_MS = 2000;
const PERIODS = [1, 7, 31];

/** What would other limits have done with what was measured? Beside what the limits of then did. */
export const LimitsReplay = ({ wardId, place }: { wardId: string | undefined; place: string }) => {
  const { api } = useLive();
  const { drafts, setDrafts, others } = useFirstRules(wardId);
  const [days, setDays] = useState(7);
  const [replayId, setReplayId] = useState<string>();
  const [failure, setFailure] = useState<string>();
  const [isSending, setSending] = useState(false);

  const start = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const to = serverNow();
    const range = { from: new Date(to - days * 86_400_000).toISOString(), to: new Date(to).toISOString() };
    setSending(true);
    setFailure(undefined);
    api
      .startReplay({ ...range, limits: drafts.map(limitOf), ...others, ...(wardId === undefined ? {} : { wardId }) })
      .then((started) => setReplayId(started.replayId))
      .catch((error: unknown) => setFailure(error instanceof Error ? error.message : String(error)))
      .finally(() => setSending(false));
  };

  return (
    <section className="operation" aria-labelledby="limits-replay-title" data-testid="limits-replay">
      <h3 id="limits-replay-title">What would these limits have done in {place}?</h3>
      <p className="quiet">
        What was measured is judged again, as it would have been then. No limit is changed, and nobody is called. An
        alarm that came and went within a moment, of which nobody was told, is counted: the figure is never too low.
      </p>
      <form className="form" onSubmit={start}>
        <LimitRows drafts={drafts} onChange={setDrafts} />
        {Object.keys(others).length > 0 && (
          <p className="quiet">Together with the trends and combinations that hold there.</p>
        )}
        <label className="field">
          Time
          <select value={days} onChange={(event) => setDays(Number(event.currentTarget.value))}>
            {PERIODS.map((period) => (
              <option key={period} value={period}>
                {period === 1 ? 'The last 24 h' : `The last ${period} days`}
              </option>
            ))}
          </select>
        </label>
        {failure !== undefined && (
          <p className="letters-failure" role="alert">
            Not done. {failure}
          </p>
        )}
        <div className="form-actions">
          <button type="submit" className="button primary" disabled={isSending} data-testid="limits-replay-start">
            {isSending ? 'Sending…' : 'Try them'}
          </button>
        </div>
      </form>
      {replayId !== undefined && <Outcome key={replayId} replayId={replayId} />}
    </section>
  );
};

/** What is on the page no row for. */
type Others = Pick<Input<'replay:start'>, 'trends' | 'combinations'>;

/** Begins with the rules of somebody who lies there: most of a ward have the same. */
const useFirstRules = (wardId: string | undefined) => {
  const { api, board } = useLive();
  const [drafts, setDrafts] = useState<readonly LimitDraft[]>([draftOf(firstLimit, 0)]);
  const [others, setOthers] = useState<Others>({});
  const patientId = useCell(board.ward(wardId ?? ''))?.beds.find((bed) => bed.patientId !== null)?.patientId;
  useEffect(() => {
    if (patientId === undefined || patientId === null) return undefined;
    let isGone = false;
    api
      .rules(patientId)
      .then(({ limits, trends, combinations }) => {
        if (isGone || limits.length === 0) return;
        setDrafts(limits.map(draftOf));
        setOthers({
          ...(trends === undefined ? {} : { trends }),
          ...(combinations === undefined ? {} : { combinations }),
        });
      })
      // The one limit that is there is a beginning as well.
      .catch(() => {});
    return () => {
      isGone = true;
    };
  }, [api, patientId]);
  return { drafts, setDrafts, others };
};

const Outcome = ({ replayId }: { replayId: string }) => {
  const { api } = useLive();
  // What has ended is not asked for again.
  const ended = useRef<Replay>(undefined);
  const read = useCallback(async () => {
    if (ended.current !== undefined) return ended.current;
    const replay = await api.replay(replayId);
    if (replay.state !== 'running') ended.current = replay;
    return replay;
  }, [api, replayId]);
  const { latest, failure } = useRefreshed(read, REFRESH_EVERY_MS);
  const replay = latest?.value;
  return (
    <div data-testid="limits-replay-outcome" data-state={replay?.state ?? 'waiting'}>
      {failure !== undefined && (
        <p className="letters-failure" role="alert">
          No newer answer. {failure}
        </p>
      )}
      {replay === undefined ? <p className="quiet">Waiting…</p> : <Comparison replay={replay} />}
    </div>
  );
};

const Comparison = ({ replay: { state, stays, doneStays, would, did } }: { replay: Replay }) => {
  const kinds = [...new Set([...did.byKind, ...would.byKind].map(({ kind }) => kind))];
  const of = (figures: Replay['did'], kind: string): number =>
    figures.byKind.find((each) => each.kind === kind)?.alarms ?? 0;
  return (
    <>
      <p role="status" className="quiet">
        {state === 'running' && `${doneStays} of ${stays} stays are done. Figures grow until all are.`}
        {state === 'done' && `All ${stays} stays, ${would.bedDays.toFixed(1)} bed-days.`}
        {state === 'failed' && `${stays - doneStays} of ${stays} stays could not be judged: the figures are too low.`}
      </p>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Alarms of these kinds</th>
            <th scope="col">There were</th>
            <th scope="col">There would have been</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">A bed and day</th>
            <td>{did.alarmsPerBedDay ?? '–'}</td>
            <td data-figure="would-per-bed-day">{would.alarmsPerBedDay ?? '–'}</td>
          </tr>
          <tr>
            <th scope="row">All</th>
            <td>{did.alarms}</td>
            <td data-figure="would">{would.alarms}</td>
          </tr>
          {kinds.map((kind) => (
            <tr key={kind}>
              <th scope="row">{capitalised(words(kind))}</th>
              <td>{of(did, kind)}</td>
              <td>{of(would, kind)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
};
