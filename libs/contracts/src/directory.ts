/** `directory`: who is who, and the source of every authorisation relation. */
import { commandAgesMs } from './command-ages.ts';
import {
  defineCommand,
  defineConsumer,
  defineEvent,
  defineQuery,
  roles,
  staffRoles,
  type ConsumerDefinition,
  type ServiceName,
} from './define.ts';
import { Id, Instant, LocalDate, Nullable, OneOf, Shape, Type, type Static } from './schema.ts';

const Version = Type.Integer({ minimum: 1, description: 'Grows with each change; ignore what is lower or equal' });
const Name = Type.String({ minLength: 1, maxLength: 200, description: 'Name, for people' });

const Label = Type.String({ minLength: 1, maxLength: 200, description: 'What is written at the bed' });

/** Whom a ward is for; which limits hold for a patient of unknown age follows from it. */
export const populations = ['adult', 'paediatric', 'maternity'] as const;
export type Population = (typeof populations)[number];

export const bedSchema = Shape({ bedId: Id('Bed'), label: Label });
export const wardSchema = Shape({
  wardId: Id('Ward'),
  name: Name,
  beds: Type.Array(bedSchema, { maxItems: 200, description: 'All of its beds' }),
  population: Type.Optional(OneOf(populations, 'Whom the ward is for; adults where absent')),
});
export const personSchema = Shape({
  personId: Id('Person, patient or device'),
  name: Name,
  roles: Type.Array(OneOf(roles, 'Role'), {
    minItems: 1,
    maxItems: 4,
    description: 'What the person may do follows from them',
  }),
  wards: Type.Array(Id('Ward'), { maxItems: 50, description: 'Wards to which a member of staff belongs' }),
  birthDate: Type.Optional(LocalDate('Of a patient: which limits and scores fit follows from the age')),
});
export const admissionSchema = Shape({ patientId: Id('Patient'), wardId: Id('Ward'), bedId: Id('Bed') });
export const careTeamSchema = Shape({
  patientId: Id('Patient'),
  bedNurses: Type.Array(Id('Nurse'), { maxItems: 10, description: 'Nurses who care for the patient at the bed' }),
  caregivers: Type.Array(Id('Caregiver'), {
    maxItems: 20,
    description: 'Relatives and others who may see how the patient is',
  }),
});
export const shiftSchema = Shape({
  shiftId: Id('Shift'),
  personId: Id('Person'),
  wardId: Nullable(Id('Ward; null for one who serves the whole hospital')),
  role: OneOf(roles, 'In which role'),
  startsAt: Instant('Start'),
  endsAt: Nullable(Instant('End; null for a shift without one (round the clock)')),
});
export type Ward = Static<typeof wardSchema>;
export type Person = Static<typeof personSchema>;
export type Admission = Static<typeof admissionSchema>;
export type CareTeam = Static<typeof careTeamSchema>;
export type Shift = Static<typeof shiftSchema>;

export const hospitalFileSchema = Shape({
  hospital: Shape({ hospitalId: Id('Hospital'), name: Name }),
  wards: Type.Array(wardSchema, { maxItems: 500 }),
  people: Type.Array(personSchema, { maxItems: 20_000 }),
  admissions: Type.Array(admissionSchema, { maxItems: 5_000 }),
  careTeams: Type.Array(careTeamSchema, { maxItems: 5_000 }),
  shifts: Type.Array(shiftSchema, { maxItems: 20_000 }),
});
export type HospitalFile = Static<typeof hospitalFileSchema>;

export const importHospital = defineCommand({
  name: 'hospital:import',
  version: 1,
  owner: 'directory',
  description:
    'Adds and updates wards, people, admissions, care teams and shifts of the own hospital; removes nothing. What the last file said of ' +
    'one already changes nothing, also where people have moved it since.',
  lane: 'normal',
  input: hospitalFileSchema,
  result: Shape({ changed: Type.Integer({ description: 'How many entities were new or different' }) }),
  maxAgeMs: commandAgesMs['hospital:import'],
  allow: [{ roles: ['admin'], relation: 'hospital' }],
  http: { method: 'POST', path: '/v1/hospital/import' },
});

export const getWard = defineQuery({
  name: 'ward:get',
  version: 1,
  owner: 'directory',
  description: 'A ward with its beds and who lies in them.',
  input: Shape({ wardId: Id('Ward') }),
  result: Shape({
    wardId: Id('Ward'),
    name: Name,
    version: Version,
    beds: Type.Array(
      Shape({ bedId: Id('Bed'), label: Label, patientId: Nullable(Id('Patient')), patientName: Nullable(Name) }),
    ),
  }),
  allow: [
    { roles: staffRoles, relation: 'ward', field: 'wardId' },
    { roles: ['operator', 'admin'], relation: 'hospital' },
  ],
  http: { method: 'GET', path: '/v1/wards/:wardId' },
});

export const getMe = defineQuery({
  name: 'person:me',
  version: 1,
  owner: 'directory',
  description: 'Who the caller is: roles, wards, and the patients whom the caller is or cares for.',
  input: Shape({}),
  result: Shape({
    person: Id('Person'),
    name: Name,
    hospital: Id('Hospital'),
    roles: Type.Array(OneOf(roles, 'Role')),
    wards: Type.Array(Shape({ wardId: Id('Ward'), name: Name })),
    patients: Type.Array(Id('Patient')),
  }),
  allow: [{ roles, relation: 'hospital' }],
  http: { method: 'GET', path: '/v1/me' },
});

const changed = <const E extends string>(entity: E, description: string) => ({
  name: `${entity}:changed` as const,
  version: 1,
  owner: 'directory' as const,
  description,
  stream: 'DIRECTORY' as const,
  subject: `directory.<hospital>.${entity}.<id>.changed`,
});

export const wardChanged = defineEvent({
  ...changed('ward', 'A ward as it now is.'),
  data: Shape({ ...wardSchema.properties, version: Version }),
});
export const personChanged = defineEvent({
  ...changed('person', 'A person as he now is.'),
  data: Shape({ ...personSchema.properties, version: Version }),
});
export const admissionChanged = defineEvent({
  ...changed('admission', 'Where a patient lies; the id is the patient. Both null after discharge.'),
  data: Shape({
    patientId: Id('Patient'),
    wardId: Nullable(Id('Ward')),
    bedId: Nullable(Id('Bed')),
    at: Type.Optional(Instant('Since when; absent in what an older release told')),
    version: Version,
  }),
});
export const careTeamChanged = defineEvent({
  ...changed('careTeam', 'Who cares for a patient; the id is the patient.'),
  data: Shape({ ...careTeamSchema.properties, version: Version }),
});
export const shiftChanged = defineEvent({
  ...changed('shift', 'Who is on duty, where, in which role, from when until when.'),
  data: Shape({ ...shiftSchema.properties, version: Version }),
});

export const breakGlassSchema = Shape({
  patientId: Id('Patient'),
  until: Instant('When it ends; whoever reads it compares with his own clock'),
});
const BreakGlass = Type.Array(breakGlassSchema, {
  maxItems: 50,
  description: 'Patients of other wards to whom the person has broken the glass',
});
export const breakGlassChanged = defineEvent({
  ...changed('breakGlass', 'To whom a person has broken the glass as of now; the id is the person.'),
  data: Shape({ personId: Id('Person'), patients: BreakGlass, version: Version }),
});

/**
 * How a service keeps its projection of the directory. The name has a number, since a durable that has passed an event never
 * sees it again: whoever wants more of the directory reads it from the start, by another name.
 */
export const followDirectory = (service: ServiceName): ConsumerDefinition =>
  defineConsumer({
    name: `${service}-directory-2`,
    replaces: [`${service}-directory`],
    service,
    stream: 'DIRECTORY',
    filter: 'directory.>',
    ackWaitMs: 4_000,
    events: [personChanged, wardChanged, admissionChanged, careTeamChanged, shiftChanged, breakGlassChanged],
  });

/** The key-value entry a person: what a permission check needs, and no more. */
export const personEntrySchema = Shape({
  person: Id('Person'),
  hospital: Id('Hospital'),
  name: Name,
  roles: Type.Array(OneOf(roles, 'Role')),
  wards: Type.Array(Id('Ward')),
  caregiverOf: Type.Array(Id('Patient')),
  placement: Nullable(Shape({ wardId: Id('Ward'), bedId: Id('Bed') })),
  /** Absent where there is none. */
  breakGlass: Type.Optional(BreakGlass),
  version: Version,
});
export type PersonEntry = Static<typeof personEntrySchema>;
