/** The life of the page that the program runs in: seen or hidden, online or not, frozen, put away, brought back. */

export type PageEvent = 'shown' | 'online' | 'offline' | 'putAway' | 'broughtBack';

export type Page = {
  isVisible(): boolean;
  isOnline(): boolean;
  /** @returns how to end it */
  listen(listener: (event: PageEvent) => void): () => void;
};

/** The page of a browser; elsewhere one that is always seen and online. */
export function browserPage(): Page {
  const hasPage = typeof document !== 'undefined' && typeof window !== 'undefined';
  const isVisible = (): boolean => !hasPage || document.visibilityState === 'visible';
  return {
    isVisible,
    isOnline: () => !hasPage || navigator.onLine,
    listen(listener) {
      if (!hasPage) return () => {};
      const ends: (() => void)[] = [];
      const on = (target: EventTarget, name: string, act: () => void): void => {
        target.addEventListener(name, act);
        ends.push(() => target.removeEventListener(name, act));
      };
      on(document, 'visibilitychange', () => isVisible() && listener('shown'));
      // After a freeze timers and frames are late: look at the link at once.
      on(document, 'resume', () => listener('shown'));
      on(window, 'online', () => listener('online'));
      on(window, 'offline', () => listener('offline'));
      on(window, 'pagehide', () => listener('putAway'));
      on(window, 'pageshow', () => listener('broughtBack'));
      return () => ends.forEach((end) => end());
    },
  };
}
