import { useCallback, useEffect, useState } from 'react';
import type { CallablePerson } from '../shapes.ts';
import { useCell, useLive } from './hooks.ts';

/** Who types a name gets an answer once he pauses, not one for each letter. */
const PAUSE_MS = 200;

/** Adds to the names that this page knows. */
const useLearn = (): ((people: readonly CallablePerson[]) => void) => {
  const { names } = useLive();
  return useCallback(
    (people) => names.set(new Map([...names.get(), ...people.map(({ personId, name }) => [personId, name] as const)])),
    [names],
  );
};

/** Of people as far as their names are known: "Siti Rahman", or the id. */
export const useNameOf = (): ((personId: string) => string) => {
  const names = useCell(useLive().names);
  return (personId) => names.get(personId) ?? personId;
};

/** Brings the names of those whom a plan names; an id is shown where there is none. */
export const useNamesIn = (kind: 'policy' | 'schedule' | 'group', id: string): void => {
  const { api } = useLive();
  const learn = useLearn();
  useEffect(() => {
    if (id === '') return;
    api
      .callable({ [kind]: id })
      .then(({ items }) => learn(items))
      // The ids say who it is as well.
      .catch(() => {});
  }, [api, kind, id, learn]);
};

export type Found = { items: readonly CallablePerson[]; hasMore: boolean; failure?: string };

/** Who may be called and has this in his name; undefined while nothing is asked for, or no answer has come. */
export const useFound = (text: string): Found | undefined => {
  const { api } = useLive();
  const learn = useLearn();
  const [found, setFound] = useState<Found & { of: string }>();
  const name = text.trim();
  useEffect(() => {
    if (name === '') return undefined;
    let isGone = false;
    const put = (of: Found): void => {
      if (!isGone) setFound({ ...of, of: name });
    };
    const timer = setTimeout(() => {
      api.callable({ name }).then(
        (answer) => {
          learn(answer.items);
          put(answer);
        },
        (error: unknown) =>
          put({ items: [], hasMore: false, failure: error instanceof Error ? error.message : String(error) }),
      );
    }, PAUSE_MS);
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [api, learn, name]);
  return name !== '' && found?.of === name ? found : undefined;
};
