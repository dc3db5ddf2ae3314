/** Which calls are silenced, as words. */
import { PRIORITY_WORD } from './alerts.ts';
import { words } from './format.ts';
import type { Silence } from './shapes.ts';

/** Those that last and may hold back calls for the patient: his own, and those of the ward where he lies. */
export const silencesOn = (
  items: readonly Silence[],
  { patientId, wardId }: { patientId: string; wardId: string | undefined },
): Silence[] =>
  items.filter(
    (each) =>
      each.endedAt === null &&
      (each.patientId === undefined || each.patientId === patientId) &&
      (each.wardId === undefined || each.wardId === wardId),
  );

/** "Alarms of the whole ward, of medium and low priority (spo2 below)". */
export const saySilenced = ({ patientId, priorities, kinds }: Silence): string =>
  [
    patientId === undefined ? 'Alarms of the whole ward, of' : 'Alarms of',
    priorities.map((priority) => PRIORITY_WORD[priority].toLowerCase()).join(' and '),
    'priority',
    ...(kinds === undefined ? [] : [`(${kinds.map(words).join(', ')})`]),
  ].join(' ');
