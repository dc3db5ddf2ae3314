/** Admission, transfer and discharge: who lies where changes by these, or by a file. Told by `admission:changed`. */
import { commandAgesMs } from './command-ages.ts';
import { defineCommand, defineQuery, staffRoles, type Rule } from './define.ts';
import { Id, Instant, Nullable, Shape, Type } from './schema.ts';

const Version = Type.Integer({ minimum: 1, description: 'Of the admission; grows with each change' });
const BedNurses = Type.Array(Id('Nurse of the ward'), {
  maxItems: 10,
  description: 'Nurses at the bed from now on; where absent, those of before who belong to the ward',
});
const Reason = Type.String({ maxLength: 500, description: 'Why, for the record' });

/** Where the patient lies now; both null after discharge. */
export const placementSchema = Shape({
  patientId: Id('Patient'),
  wardId: Nullable(Id('Ward')),
  bedId: Nullable(Id('Bed')),
  since: Instant('Since when'),
  version: Version,
});

const operators: Rule = { roles: ['operator', 'admin'], relation: 'hospital' };
const ofOldWard: Rule = { roles: ['nurse', 'doctor'], relation: 'wardOfPatient', field: 'patientId' };
const ofNewWard: Rule = { roles: ['nurse', 'doctor'], relation: 'ward', field: 'wardId' };
const place = { patientId: Id('Patient'), wardId: Id('Ward'), bedId: Id('A bed of this ward') };

export const admitPatient = defineCommand({
  name: 'admission:admit',
  version: 1,
  owner: 'directory',
  description: 'Gives a bed to a patient who lies in none.',
  lane: 'normal',
  input: Shape({ ...place, bedNurses: Type.Optional(BedNurses) }),
  result: placementSchema,
  maxAgeMs: commandAgesMs['admission:admit'],
  allow: [ofNewWard, operators],
  http: { method: 'POST', path: '/v1/admissions', status: 201 },
});

export const transferPatient = defineCommand({
  name: 'admission:transfer',
  version: 1,
  owner: 'directory',
  description: 'Moves a patient to another bed; his open alerts go with him to its ward.',
  lane: 'normal',
  input: Shape({
    ...place,
    bedNurses: Type.Optional(BedNurses),
    fromBedId: Type.Optional(Id('Where the caller believes that he lies; refused with `conflict` if he does not')),
  }),
  result: placementSchema,
  maxAgeMs: commandAgesMs['admission:transfer'],
  allow: [ofOldWard, ofNewWard, operators],
  http: { method: 'POST', path: '/v1/admissions/:patientId/transfer' },
});

export const dischargePatient = defineCommand({
  name: 'admission:discharge',
  version: 1,
  owner: 'directory',
  description:
    'Ends a stay: the bed is free; monitoring, own limits and bindings of devices end. Open alerts stay with the ward until somebody answers them.',
  lane: 'normal',
  input: Shape({ patientId: Id('Patient'), reason: Type.Optional(Reason) }),
  result: placementSchema,
  maxAgeMs: commandAgesMs['admission:discharge'],
  allow: [ofOldWard, operators],
  http: { method: 'POST', path: '/v1/admissions/:patientId/discharge' },
});

const Text = (description: string) => Type.String({ description });
export const listBeds = defineQuery({
  name: 'bed:list',
  version: 1,
  owner: 'directory',
  description:
    'All beds with who lies in them, nurses who may care at them, and patients in no bed (200 by name). Staff see patients of their own wards only.',
  input: Shape({
    wardId: Type.Optional(Id('Only this ward')),
    name: Type.Optional(Type.String({ maxLength: 100, description: 'Part of the name of patients without a bed' })),
  }),
  result: Shape({
    beds: Type.Array(
      Shape({
        wardId: Id('Ward'),
        wardName: Text('Name of the ward'),
        bedId: Id('Bed'),
        label: Text('What is written at the bed'),
        isTaken: Type.Boolean({ description: 'Whether a patient lies in it' }),
        patientId: Nullable(Id('Patient; null also where the caller may not see who')),
        patientName: Nullable(Text('Name, for people')),
        since: Nullable(Instant('Since when; null also for a patient from before this was recorded')),
      }),
    ),
    nurses: Type.Array(
      Shape({ personId: Id('Nurse'), name: Text('Name, for people'), wards: Type.Array(Id('Ward of the nurse')) }),
      { description: 'Nurses of these wards, by name' },
    ),
    waiting: Type.Array(Shape({ patientId: Id('Patient'), patientName: Text('Name, for people') }), {
      description: 'Patients without a bed',
    }),
  }),
  allow: [
    { roles: staffRoles, relation: 'hospital' },
    { roles: ['operator', 'admin'], relation: 'hospital' },
  ],
  http: { method: 'GET', path: '/v1/beds' },
});

export const listStays = defineQuery({
  name: 'stay:list',
  version: 1,
  owner: 'directory',
  description: 'Where a patient lay and who moved him, the newest 100 first.',
  input: Shape({ patientId: Id('Patient') }),
  result: Shape({
    stays: Type.Array(
      Shape({
        wardId: Id('Ward'),
        bedId: Id('Bed'),
        from: Nullable(Instant('From; null for one that began before this was recorded')),
        movedBy: Nullable(Id('Who moved him there; null for a file, and where nobody knows')),
        until: Nullable(Instant('Until; null while he lies there')),
        endedBy: Nullable(Id('Who ended it; null for a file')),
        reason: Nullable(Reason),
      }),
    ),
  }),
  allow: [ofOldWard, operators],
  http: { method: 'GET', path: '/v1/patients/:patientId/stays' },
});
