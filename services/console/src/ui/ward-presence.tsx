import { toServerTime } from '../clock.ts';
import { clockTime } from '../format.ts';
import { STATE_WORD, headcount, whoIsThere } from '../presence.ts';
import { useCell, useLinkView, useLive } from './hooks.ts';

/** Who of the staff is there; nothing where this person may not know. */
export const WardPresence = ({ wardId }: { wardId: string }) => {
  const { board, presence } = useLive();
  const people = useCell(presence.ward(wardId));
  const link = useCell(board.link);
  const isLive = useLinkView() !== 'not live';
  if (people === undefined) return null;
  const there = whoIsThere(people);
  return (
    <details className="presence" data-testid="ward-presence" data-live={isLive}>
      <summary>
        {isLive ? 'On the ward now' : `Not live. On the ward at ${clockTime(toServerTime(link.heardAt))}`}:{' '}
        <b>{headcount(people)}</b>
      </summary>
      <ul aria-label="On the ward">
        {there.map(({ person, name, roles, state }) => (
          <li key={person}>
            <b>{name}</b>{' '}
            <span className="quiet">
              {roles.join(', ')}
              {state !== 'online' && ` · ${STATE_WORD[state]}`}
            </span>
          </li>
        ))}
        {there.length === 0 && <li className="quiet">Nobody is signed in.</li>}
      </ul>
    </details>
  );
};
