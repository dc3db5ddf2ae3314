/** Short messages that come and go, and what a screen reader says of them. */
import { createCell } from './cell.ts';
import type { Priority } from './shapes.ts';

export type Tone = Priority | 'done' | 'error' | 'note';
export type Notice = { noticeId: number; tone: Tone; title: string; text: string };

/** More than this many at once hide the board; the oldest goes. */
const MOST_SHOWN = 3;
const SHOWN_MS = 6000;
/** An action that failed has to be read by the person who tried it. */
const ERROR_SHOWN_MS = 20_000;

export type Notices = ReturnType<typeof createNotices>;

export const createNotices = () => {
  const shown = createCell<readonly Notice[]>([]);
  /** Read aloud: `assertive` interrupts, and is kept for high priority and failed actions. */
  const spoken = createCell({ polite: '', assertive: '' });
  let nextId = 1;

  const dismiss = (noticeId: number): void => shown.set(shown.get().filter((notice) => notice.noticeId !== noticeId));

  return {
    shown,
    spoken,
    dismiss,
    show: (tone: Tone, title: string, text: string): void => {
      const notice: Notice = { noticeId: nextId++, tone, title, text };
      shown.set([...shown.get(), notice].slice(-MOST_SHOWN));
      setTimeout(() => dismiss(notice.noticeId), tone === 'error' ? ERROR_SHOWN_MS : SHOWN_MS);
      const channel = tone === 'high' || tone === 'error' ? 'assertive' : 'polite';
      spoken.set({ ...spoken.get(), [channel]: `${title}. ${text}` });
    },
  };
};
