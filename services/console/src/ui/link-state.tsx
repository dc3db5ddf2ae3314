import { LIVE_WITHIN_MS } from '../freshness.ts';
import { clockTime } from '../format.ts';
import { toServerTime } from '../clock.ts';
import { useCell, useIsSilent, useLinkView, useLive } from './hooks.ts';
import { BrokenLinkIcon } from './icons.tsx';

export const LinkState = () => {
  const view = useLinkView();
  return (
    <span className="link-state" data-state={view} role="status">
      <span className="link-dot" aria-hidden="true" />
      <span data-testid="link-state">{view}</span>
    </span>
  );
};

/** Across the whole board when nothing on it is live. */
export const LinkBanner = ({ patientIds }: { patientIds: readonly string[] }) => {
  const { board } = useLive();
  const view = useLinkView();
  const link = useCell(board.link);
  const isSilent = useIsSilent(patientIds);
  const newest = Math.max(0, ...patientIds.map((patientId) => board.newestAt(patientId).get()));
  if (view !== 'not live' && !(view === 'live' && isSilent)) return null;
  const isStopped = link.state === 'stopped';
  return (
    <div className="link-banner" role="alert" data-testid="link-banner">
      <BrokenLinkIcon />
      <b>Not live</b>
      <span>
        since {clockTime(view === 'live' ? newest : toServerTime(link.heardAt))}
        {isStopped && `. ${link.reason}`}
        {!isStopped && view === 'live' && `. No bed has sent values for more than ${LIVE_WITHIN_MS / 1000} seconds.`}
        {!isStopped &&
          view !== 'live' &&
          '. Reconnecting. What you see is the last that was known: look at the bedside monitors.'}
      </span>
      {isStopped && (
        <button type="button" className="button" onClick={() => location.reload()}>
          Reload
        </button>
      )}
    </div>
  );
};
