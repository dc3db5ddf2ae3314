/**
 * Pages of this person that were not on the screen yet. The banner says which alert it shows, and their senders hear that
 * somebody has the page before his eyes.
 */
export type Pages = ReturnType<typeof createPages>;

export const createPages = () => {
  const unseen = new Map<string, (() => void)[]>();
  let shown: string | undefined;
  const tell = (alertId: string): void => {
    const displayed = unseen.get(alertId) ?? [];
    unseen.delete(alertId);
    for (const each of displayed) each();
  };
  return {
    add: (alertId: string, displayed: () => void): void => {
      unseen.set(alertId, [...(unseen.get(alertId) ?? []), displayed]);
      if (shown === alertId) tell(alertId);
    },
    /** This alert is in the banner, or none. */
    show: (alertId: string | undefined): void => {
      shown = alertId;
      if (alertId !== undefined) tell(alertId);
    },
  };
};
