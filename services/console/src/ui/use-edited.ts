import { useEffect, useState } from 'react';
import { type Edited, isChanged } from '../edited.ts';

type Writing = {
  edited: Edited | undefined;
  setEdited: (edited: Edited | undefined) => void;
  /** Asks where something is not saved: whoever signs out sees no alarms from then on, so the question may hold up the page. */
  mayLeave: () => boolean;
};

/**
 * What is being written. Kept beside the views, so that whoever looks at the board meanwhile finds it as he left it;
 * before the tab closes the browser asks.
 */
export const useEdited = (): Writing => {
  const [edited, setEdited] = useState<Edited>();
  const isUnsaved = edited !== undefined && isChanged(edited);
  useEffect(() => {
    if (!isUnsaved) return undefined;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [isUnsaved]);
  return {
    edited,
    setEdited,
    mayLeave: () => !isUnsaved || window.confirm('What you have written under “On call” is not saved. Sign out?'),
  };
};
