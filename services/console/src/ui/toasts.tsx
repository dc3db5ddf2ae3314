import { useCell, useLive } from './hooks.ts';
import { CheckIcon, CloseIcon, BellIcon, PriorityIcon } from './icons.tsx';
import type { Tone } from '../notices.ts';

const ToneIcon = ({ tone }: { tone: Tone }) => {
  if (tone === 'done') return <CheckIcon />;
  if (tone === 'note') return <BellIcon />;
  if (tone === 'error') return <CloseIcon />;
  return <PriorityIcon priority={tone} />;
};

export const Toasts = () => {
  const { notices } = useLive();
  const shown = useCell(notices.shown);
  const spoken = useCell(notices.spoken);
  return (
    <>
      <div className="sr-only" aria-live="polite">
        {spoken.polite}
      </div>
      <div className="sr-only" aria-live="assertive">
        {spoken.assertive}
      </div>
      <ul className="toasts" aria-label="Messages">
        {shown.map(({ noticeId, tone, title, text }) => (
          <li key={noticeId} className="toast" data-tone={tone} data-priority={tone}>
            <ToneIcon tone={tone} />
            <p>
              <b>{title}</b>
              {text}
            </p>
            <button
              type="button"
              className="button plain icon-only"
              aria-label="Dismiss"
              onClick={() => notices.dismiss(noticeId)}
            >
              <CloseIcon />
            </button>
          </li>
        ))}
      </ul>
    </>
  );
};
