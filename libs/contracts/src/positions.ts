/** Where responders are: told by their own devices, worth something for a minute, and kept for ten. */
import { commandAgesMs } from './command-ages.ts';
import { defineCommand, defineRoute, staffRoles } from './define.ts';
import { Id, Instant, Nullable, Shape, Type, type Static } from './schema.ts';

const place = {
  latitude: Type.Number({ minimum: -90, maximum: 90, description: 'WGS 84, degrees' }),
  longitude: Type.Number({ minimum: -180, maximum: 180, description: 'WGS 84, degrees' }),
};
const Floor = Type.Integer({ minimum: -20, maximum: 200, description: 'Floor; 0 is the ground' });

export const maxPositions = 20;
/** Older than this it says nothing of where somebody is. */
export const positionFreshMs = 60_000;
/** By one person in a minute. */
export const positionsPerMinute = 60;

export const positionBatchSchema = Shape({
  items: Type.Array(
    Shape({
      ...place,
      floor: Type.Optional(Floor),
      measuredAt: Instant('When it was measured; one in the future counts as of its receipt'),
    }),
    { minItems: 1, maxItems: maxPositions },
  ),
});
export type Position = Static<typeof positionBatchSchema>['items'][number];

export const recordPositions = defineRoute({
  name: 'position:record',
  method: 'POST',
  path: '/v1/positions',
  access: 'bearer',
  description:
    `Where the caller is: the newest of up to ${maxPositions} counts, unless it is older than 60 s. Policies that call the nearest use it ` +
    `while he is on shift; it is kept for 10 min. At most ${positionsPerMinute} a minute.`,
  allow: [{ roles: staffRoles, relation: 'hospital' }],
  body: { schema: positionBatchSchema },
  answers: {
    202: {
      description: 'Heard; not stored durably, since the next one comes soon',
      schema: Shape({ accepted: Type.Integer({ minimum: 0, description: 'How many are not too old' }) }),
    },
  },
});

/** A signal on core NATS: worthless when the next one comes. */
export const positionSubject = (hospital: string, person: string): string => `sig.position.${hospital}.${person}`;
export const positionSignalSchema = Shape({
  ...place,
  floor: Nullable(Floor),
  measuredAt: Type.Integer({ minimum: 0, description: 'ms since the epoch, not after the receipt' }),
});
export type PositionSignal = Static<typeof positionSignalSchema>;

const wardPlace = { ...place, floor: Type.Optional(Floor) };
export const placeWard = defineCommand({
  name: 'ward:place',
  version: 1,
  owner: 'alert-escalation',
  description: 'Says where a ward is, so that the nearest can be called to it.',
  lane: 'normal',
  input: Shape({ wardId: Id('Ward'), ...wardPlace }),
  result: Shape({ wardId: Id('Ward'), ...wardPlace }),
  maxAgeMs: commandAgesMs['ward:place'],
  allow: [{ roles: ['admin'], relation: 'hospital' }],
  http: { method: 'PUT', path: '/v1/wards/:wardId/place' },
});
