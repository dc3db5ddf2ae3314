import { useCallback, useEffect, useRef, useState } from 'react';

export type Refreshed<T> = { value: T; at: number } | undefined;

/**
 * Reads at once, and then again each time that this long has passed since the last answer, while somebody can see the page.
 * What was read stays when a later reading fails. `refresh` reads again now.
 */
export const useRefreshed = <T>(
  read: () => Promise<T>,
  everyMs: number,
): { latest: Refreshed<T>; failure: string | undefined; refresh: () => void } => {
  const [latest, setLatest] = useState<Refreshed<T>>();
  const [failure, setFailure] = useState<string>();
  const readAgain = useRef(() => {});
  useEffect(() => {
    let isGone = false;
    let isReading = false;
    /** Somebody knows that what is being read is old already. */
    let isOutdated = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const refresh = (): void => {
      clearTimeout(timer);
      if (isGone || document.visibilityState !== 'visible') return;
      isOutdated = isReading;
      if (isReading) return;
      isReading = true;
      read()
        .then(
          (value) => {
            if (isGone) return;
            setLatest({ value, at: Date.now() });
            setFailure(undefined);
          },
          (error: unknown) => {
            if (!isGone) setFailure(error instanceof Error ? error.message : String(error));
          },
        )
        .finally(() => {
          isReading = false;
          timer = setTimeout(refresh, isOutdated ? 0 : everyMs);
        });
    };
    readAgain.current = refresh;
    refresh();
    document.addEventListener('visibilitychange', refresh);
    return () => {
      isGone = true;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', refresh);
    };
  }, [read, everyMs]);
  return { latest, failure, refresh: useCallback(() => readAgain.current(), []) };
};
