/** How a run ends: enough have said that they come, or the alert is closed. */
import { ackMs, tell, type AlertState, type Change, type LogEntry, type Page } from './alert.ts';
import { needed } from './quorum.ts';

export const withStatus = (pages: readonly Page[], from: Page['status'], to: Page['status'], person?: string): Page[] =>
  pages.map((page) =>
    page.status === from && (person === undefined || page.person === person) ? { ...page, status: to } : page,
  );

/** The first who said that he comes owns it; nobody else is called any more. */
export function take(change: Change, until: number, fields: Partial<AlertState>, log: readonly LogEntry[]): Change {
  const { accepted, pages } = change.state;
  return tell(
    change,
    'acknowledged',
    {
      state: 'acknowledged',
      ackBy: accepted[0] ?? null,
      ackUntil: until,
      deliverBy: null,
      handOverAt: null,
      hold: null,
      pages: withStatus(withStatus(pages, 'accepted', 'acknowledged'), 'paged', 'withdrawn'),
      ...fields,
    },
    log,
  );
}

/** Stops the ladder if enough have said that they come. To be asked whenever that may have become true. */
export function takeIfEnough(change: Change, now: number): Change | undefined {
  const { state } = change;
  const [owner] = state.accepted;
  if (owner === undefined || state.accepted.length < needed(state)) return undefined;
  const entry: LogEntry = { at: now, kind: 'acknowledged', actor: owner };
  const taken = take(change, now + ackMs[state.priority], { snoozes: 0 }, [entry]);
  return state.condition === 'cleared' ? close(taken, now, { reason: 'acknowledged after it had cleared' }) : taken;
}

/** What is over: whoever is called need not come any more. */
export function close(
  change: Change,
  now: number,
  {
    actor,
    reason,
    outcome,
  }: { actor?: string; reason?: string | undefined; outcome?: AlertState['outcome'] | undefined },
): Change {
  const { state } = change;
  return tell(
    change,
    'resolved',
    {
      state: 'resolved',
      resolvedAt: now,
      ackUntil: now + ackMs[state.priority],
      hold: null,
      outcome: outcome ?? null,
      pages: state.pages.map((page) =>
        page.status === 'paged' || page.status === 'accepted' ? { ...page, status: 'withdrawn' } : page,
      ),
    },
    [
      {
        at: now,
        kind: 'resolved',
        ...(actor === undefined ? {} : { actor }),
        ...(reason === undefined ? {} : { reason }),
      },
    ],
  );
}
