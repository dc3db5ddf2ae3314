/** A ward that comes back is not told what it missed of patients who lie elsewhere by now. */
import type { People } from './people.ts';
import type { Message } from './ring.ts';
import type { Room } from './rooms.ts';

/** What takes an alert off the ward's list: who misses it would show it for ever. */
const farewells: ReadonlySet<string> = new Set(['alert:left', 'alert:resolved']);
/**
 * The news of a move comes by another way than what happens after it, and clocks differ: only what is older than the news
 * by this is of before the move. So nothing of the ward to which somebody came is ever kept from it.
 */
const slackMs = 60_000;

export type IsDeparted = (message: Pick<Message, 'rooms' | 'event' | 'at'>, room: Room) => boolean;

/** A message of a patient is in his own room as well. */
function patientOf(rooms: readonly string[], hospital: string): string | undefined {
  const prefix = `${hospital}/patient:`;
  return rooms
    .find((key) => key.startsWith(prefix))
    ?.slice(prefix.length)
    .split(':')[0];
}

/**
 * Whether a message of a ward's room is about somebody who lies in another ward by now, and ends nothing that was told.
 * Open alerts of one who was discharged stay with the ward that he left, and so does all of him.
 */
export const isDepartedBy =
  (people: Pick<People, 'placementOf'>): IsDeparted =>
  ({ rooms, event, at }, { definition, hospital, tokens }) => {
    if (!definition.name.startsWith('ward:<id>:') || farewells.has(event)) return false;
    const patient = patientOf(rooms, hospital);
    const placed = patient === undefined ? undefined : people.placementOf(hospital, patient);
    if (placed?.wardId === undefined || placed.wardId === tokens['id']) return false;
    return Date.parse(at) < placed.heardAt - slackMs;
  };
