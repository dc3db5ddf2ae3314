import { useEffect, useState } from 'react';
import { dayAndTime } from '../format.ts';
import type { DeadLetter } from '../shapes.ts';
import { DeadLetterDialog } from './dead-letter-dialog.tsx';
import { useLive } from './hooks.ts';

/** Those that keep dead letters; each answers for its own. */
const SERVICES_WITH_LETTERS: readonly DeadLetter['service'][] = ['directory', 'monitoring', 'alert-escalation'];

type Loaded = { round: number; letters: readonly DeadLetter[]; failures: readonly string[] };

const keyOf = ({ service, sequence }: DeadLetter): string => `${service} ${sequence}`;

/** What the services could not handle, newest first. For operators: loaded when asked for, not kept live. */
export const DeadLetters = () => {
  const { api } = useLive();
  /** Grows with each wish to load; what is shown is of the round that it names. */
  const [round, setRound] = useState(0);
  const [loaded, setLoaded] = useState<Loaded>();
  const [open, setOpen] = useState<DeadLetter>();
  const isLoading = loaded?.round !== round;
  const refresh = (): void => setRound((now) => now + 1);

  useEffect(() => {
    let isGone = false;
    const failures: string[] = [];
    const read = async (service: DeadLetter['service']): Promise<readonly DeadLetter[]> => {
      try {
        const { letters, hasMore } = await api.deadLetters(service);
        if (hasMore) failures.push(`${service}: too many to show; the newest are missing`);
        return letters;
      } catch (error) {
        failures.push(`${service}: ${error instanceof Error ? error.message : String(error)}`);
        return [];
      }
    };
    void Promise.all(SERVICES_WITH_LETTERS.map(read)).then((lists) => {
      const letters = lists.flat().sort((a, b) => b.buriedAt.localeCompare(a.buriedAt));
      if (!isGone) setLoaded({ round, letters, failures });
    });
    return () => {
      isGone = true;
    };
  }, [api, round]);

  const close = (): void => {
    setOpen(undefined);
    refresh();
  };
  return (
    <main className="letters" aria-labelledby="letters-title">
      <header className="letters-head">
        <h2 id="letters-title">Dead letters</h2>
        <p className="quiet" role="status">
          {isLoading ? 'Loading…' : loaded && `${loaded.letters.length} in the last 30 days`}
        </p>
        <button type="button" className="button" data-testid="letters-refresh" onClick={refresh}>
          Refresh
        </button>
      </header>
      {loaded?.failures.map((failure) => (
        <p key={failure} className="letters-failure" role="alert">
          {failure}
        </p>
      ))}
      {loaded?.letters.length === 0 && loaded.failures.length === 0 && (
        <p className="placeholder" data-testid="letters-empty">
          Nothing was put aside: every message was handled.
        </p>
      )}
      {loaded !== undefined && loaded.letters.length > 0 && (
        <div className="letters-space">
          <table className="table letters-table">
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Service</th>
                <th scope="col">What</th>
                <th scope="col">Reason</th>
                <th scope="col">Put back</th>
                <th scope="col">
                  <span className="sr-only">Open</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {loaded.letters.map((letter) => (
                <Row key={keyOf(letter)} letter={letter} onOpen={setOpen} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {open !== undefined && <DeadLetterDialog letter={open} onClose={close} />}
    </main>
  );
};

type RowProps = { letter: DeadLetter; onOpen: (letter: DeadLetter) => void };

const Row = ({ letter, onOpen }: RowProps) => {
  const { service, sequence, kind, name, reason, buriedAt, putBackAt, putBackBy } = letter;
  return (
    <tr data-testid={`letter-${service}-${sequence}`} data-put-back={putBackAt !== null}>
      <td>
        <time dateTime={buriedAt}>{dayAndTime(buriedAt)}</time>
      </td>
      <td>{service}</td>
      <td>
        <b>{name}</b> <span className="quiet">{kind}</span>
      </td>
      <td className="letters-reason">{reason}</td>
      <td>{putBackAt === null ? 'no' : `${dayAndTime(putBackAt)} by ${putBackBy ?? 'somebody'}`}</td>
      <td>
        <button
          type="button"
          className="button"
          aria-label={`Open ${name} of ${service}, ${dayAndTime(buriedAt)}`}
          onClick={() => onOpen(letter)}
        >
          Open
        </button>
      </td>
    </tr>
  );
};
