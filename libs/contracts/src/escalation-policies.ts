/** Escalation policies: who is called, after how long, and to which alerts which policy applies. */
import { commandAgesMs } from './command-ages.ts';
import { defineCommand, defineQuery, roles, staffRoles } from './define.ts';
import { priorities } from './monitoring.ts';
import { Id, Instant, Nullable, OneOf, Shape, Type, type Static } from './schema.ts';

export const targetKinds = [
  'bedNurse',
  'wardRole',
  'hospitalRole',
  'person',
  'group',
  'schedule',
  'nearest',
  'failsafe',
] as const;
export const targetSchema = Shape({
  kind: OneOf(
    targetKinds,
    'Who is meant: on shift, except those of a schedule, of a group that says otherwise, and of a failsafe that has nobody else',
  ),
  role: Type.Optional(OneOf(roles, 'With wardRole, hospitalRole, nearest; with failsafe operator where absent')),
  person: Type.Optional(Id('With person')),
  group: Type.Optional(Id('With group')),
  schedule: Type.Optional(Id('With schedule: who is on call then')),
  count: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 20, description: 'With nearest: how many; 1 where absent' }),
  ),
  withinMetres: Type.Optional(
    Type.Number({
      minimum: 1,
      maximum: 100_000,
      description: 'With nearest: those who are farther are called only where too few are that near',
    }),
  ),
});
const Needs = Type.Union([OneOf(['any', 'all'], 'One of them, or each'), Type.Integer({ minimum: 1, maximum: 50 })], {
  description: 'How many must answer: any, all, or so many; any where absent',
});
export const policyLevelSchema = Shape({
  afterSeconds: Type.Number({ minimum: 0, maximum: 86_400, description: 'After the alert was opened' }),
  targets: Type.Array(targetSchema, { minItems: 1, maxItems: 20 }),
  needs: Type.Optional(Needs),
  deliverWithinSeconds: Type.Optional(
    Type.Number({
      minimum: 2,
      maximum: 3_600,
      description: 'If the calls of this level came to no device by then, the next level starts; no bound where absent',
    }),
  ),
});
const appliesSchema = Shape(
  {
    kinds: Type.Optional(Type.Array(Id('Kind of alert'), { minItems: 1, maxItems: 20 })),
    wards: Type.Optional(Type.Array(Id('Ward'), { minItems: 1, maxItems: 50 })),
    priorities: Type.Optional(Type.Array(OneOf(priorities, 'IEC 60601-1-8'), { minItems: 1, maxItems: 3 })),
  },
  'To which alerts; a list that is absent holds for all. Of several that apply the one that names kinds wins, then wards, then priorities, then the lower id',
);
export const policySchema = Shape({
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: 'For people' })),
  applies: Type.Optional(appliesSchema),
  levels: Type.Array(policyLevelSchema, { minItems: 1, maxItems: 20 }),
  repeatSeconds: Type.Number({
    minimum: 5,
    maximum: 86_400,
    description: 'The last level again, while the alert is on',
  }),
  maxReach: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000,
      description: 'How many people a level calls at most; 100 where absent',
    }),
  ),
});
export type Policy = Static<typeof policySchema>;
export type Target = Static<typeof targetSchema>;

const PolicyVersion = Type.Integer({ minimum: 0, description: 'Grows with each change; 0 is the built-in one' });
export const storedPolicySchema = Shape({
  policyId: Id('Policy; `default` is for alerts to which no other applies'),
  version: PolicyVersion,
  ...policySchema.properties,
});
export type StoredPolicy = Static<typeof storedPolicySchema>;

const common = { version: 1, owner: 'alert-escalation' } as const;
const readers = [{ roles: [...staffRoles, 'operator', 'admin'], relation: 'hospital' }] as const;
const writers = [{ roles: ['doctor', 'admin'], relation: 'hospital' }] as const;
const IfVersion = Type.Optional(
  Type.Integer({
    minimum: 0,
    description: 'Refused with `conflict` if it has another version meanwhile; 0 for one that must be new',
  }),
);

export const getPolicy = defineQuery({
  ...common,
  name: 'policy:get',
  description: 'An escalation policy, the newest or one of its earlier versions.',
  input: Shape({
    policyId: Id('Policy'),
    atVersion: Type.Optional(
      Type.Integer({ minimum: 1, description: 'The newest where absent; kept after a removal' }),
    ),
  }),
  result: storedPolicySchema,
  allow: readers,
  http: { method: 'GET', path: '/v1/policies/:policyId' },
});
export const listPolicies = defineQuery({
  ...common,
  name: 'policy:list',
  description:
    'The escalation policies of the hospital by id, without their levels; the built-in `default` where none was written.',
  input: Shape({}),
  result: Shape({
    items: Type.Array(
      Shape({
        policyId: storedPolicySchema.properties.policyId,
        version: PolicyVersion,
        name: policySchema.properties.name,
        applies: policySchema.properties.applies,
        levelCount: Type.Integer({ minimum: 1, description: 'How many levels it has' }),
        setBy: Nullable(Id('Who wrote this version; null for the built-in one and those before versions were kept')),
        setAt: Nullable(Instant('When')),
      }),
    ),
  }),
  allow: readers,
  http: { method: 'GET', path: '/v1/policies' },
});
export const previewPolicy = defineQuery({
  ...common,
  name: 'policy:preview',
  description:
    'Whom an alert of a ward would call that was opened now and that nobody answered: by which policy, and who is there at this moment.',
  input: Shape({
    wardId: Id('Ward'),
    priority: OneOf(priorities, 'IEC 60601-1-8'),
    kind: Type.Optional(Id('Kind of alert; one that no policy names where absent')),
  }),
  result: Shape({
    policyId: storedPolicySchema.properties.policyId,
    version: PolicyVersion,
    name: policySchema.properties.name,
    levels: Type.Array(
      Shape({
        afterSeconds: policyLevelSchema.properties.afterSeconds,
        callsBedNurse: Type.Boolean({ description: 'Whether the nurse of the patient’s bed is called too' }),
        people: Type.Array(Shape({ personId: Id('Person'), name: Type.String({ description: 'Name, for people' }) }), {
          description: 'At most 50',
        }),
        count: Type.Integer({ minimum: 0, description: 'How many they are' }),
      }),
    ),
  }),
  allow: readers,
  http: { method: 'GET', path: '/v1/wards/:wardId/calls' },
});
export const setPolicy = defineCommand({
  ...common,
  name: 'policy:set',
  description: 'Replaces an escalation policy. Running alerts keep the one they began with. At most 100 a hospital.',
  lane: 'normal',
  input: Shape({ policyId: Id('Policy'), ifVersion: IfVersion, ...policySchema.properties }),
  result: storedPolicySchema,
  maxAgeMs: commandAgesMs['policy:set'],
  allow: writers,
  http: { method: 'PUT', path: '/v1/policies/:policyId' },
});
export const removePolicy = defineCommand({
  ...common,
  name: 'policy:remove',
  description: 'Ends an escalation policy for alerts to come; not `default`. Its versions are kept.',
  lane: 'normal',
  input: Shape({ policyId: Id('Policy'), ifVersion: IfVersion }),
  result: Shape({ policyId: Id('Policy'), version: PolicyVersion }),
  maxAgeMs: commandAgesMs['policy:remove'],
  allow: writers,
  http: { method: 'DELETE', path: '/v1/policies/:policyId' },
});
