/** `monitoring`: how full the wards are and how ill their patients. */
import { defineEvent, defineQuery, staffRoles } from './define.ts';
import { Id, Instant, Nullable, Shape, Type, type Static } from './schema.ts';

const Count = (description: string) => Type.Integer({ minimum: 0, description });

export const figuresSchema = Shape({
  wardId: Nullable(Id('Ward; null for all wards of the hospital together')),
  name: Nullable(Type.String({ description: 'Name of the ward, for people' })),
  beds: Count('Beds that there are'),
  occupied: Count('Patients who are admitted'),
  free: Count('Beds in which nobody lies'),
  acuity: Shape(
    {
      low: Count('NEWS2 0 to 4'),
      lowMedium: Count('3 in one parameter'),
      medium: Count('5 or 6'),
      high: Count('7 or more'),
      unknown: Count('Without a score, also where all of it has expired'),
      meanLower: Nullable(Type.Number({ description: 'Of the lower bounds, to one decimal; null without any score' })),
    },
    'Patients by the risk of the lower bound of their NEWS2: what is missing counts as normal',
  ),
  conditions: Shape(
    { high: Count('High'), medium: Count('Medium'), low: Count('Low') },
    'Alarm conditions that are active, by priority, without technical ones',
  ),
  silentSignals: Count('Vital signs that are expected and do not come'),
});
export type Figures = Static<typeof figuresSchema>;

/** How long figures may be behind; who comes or leaves is in them within about a second. */
export const figuresEverySeconds = 10;

export const figuresUpdated = defineEvent({
  name: 'figures:updated',
  version: 1,
  owner: 'monitoring',
  description: `Wards whose figures changed, and the hospital: every ${figuresEverySeconds} s, and soon after somebody came or left.`,
  stream: 'OPS',
  subject: 'ops.<hospital>.figures.updated',
  data: Shape({
    items: Type.Array(figuresSchema),
    at: Instant('As of'),
    version: Type.Integer({ description: 'Grows with each change in the hospital' }),
  }),
});

export const getFigures = defineQuery({
  name: 'figures:get',
  version: 1,
  owner: 'monitoring',
  description: `Figures of a ward, or of all wards and the hospital; up to ${figuresEverySeconds} s old.`,
  input: Shape({ wardId: Type.Optional(Id('Only this ward')) }),
  result: Shape({
    items: Type.Array(figuresSchema),
    at: Nullable(Instant('When any of the hospital changed last; null before the first')),
    version: Type.Integer({ description: 'As in `figures:updated`; 0 before the first' }),
  }),
  allow: [
    { roles: staffRoles, relation: 'ward', field: 'wardId' },
    { roles: ['operator', 'admin'], relation: 'hospital' },
  ],
  http: { method: 'GET', path: '/v1/figures' },
});
