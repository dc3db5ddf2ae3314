/** What OpenAPI and AsyncAPI have in common: schemas by name, names of operations, and rules in words. */
import type { Role, Rule } from './define.ts';
import { idPattern, type TSchema } from './schema.ts';
import { schemaNames } from './surface.ts';

export type Json = { [key: string]: unknown };

export const documentVersion = '0.1.0';

export type SchemaWriter = {
  /** The schema as plain JSON, with a `$ref` for each part that has a name. */
  write(schema: TSchema): Json;
  /** Everything that was referred to. */
  components(): Json;
};

/** `patientId` becomes `patient-1`: what is made up from the pattern alone looks like noise. */
export const exampleOf = (field: string): string =>
  `${field.replace(/Id$/, '').replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}-1`;

const withExample = (field: string, schema: unknown): unknown =>
  typeof schema === 'object' && schema !== null && Reflect.get(schema, 'pattern') === idPattern
    ? { ...schema, examples: [exampleOf(field)] }
    : schema;

export function createSchemaWriter(): SchemaWriter {
  const components = new Map<string, unknown>();
  const copy = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(refer);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withExample(key, refer(part))]));
  };
  const refer = (value: unknown): unknown => {
    const name = schemaNames.get(value);
    if (name === undefined) return copy(value);
    if (!components.has(name)) {
      components.set(name, undefined);
      components.set(name, copy(value));
    }
    return { $ref: `#/components/schemas/${name}` };
  };
  return {
    write: (schema) => refer(schema) as Json,
    components: () => Object.fromEntries([...components].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** `alert:acknowledge` is `alertAcknowledge`: what generators of clients make good names of. */
export const identifier = (name: string): string =>
  name.replaceAll(/[^A-Za-z0-9]+(\w)?/g, (_, letter: string | undefined) => letter?.toUpperCase() ?? '');

const relationWords = ({ relation, field }: Rule): string => {
  switch (relation) {
    case 'hospital':
      return field === undefined ? 'anywhere in their own hospital' : `of the hospital that \`${field}\` names`;
    case 'ward':
      return `who belong to the ward that \`${field}\` names`;
    case 'wardOfPatient':
      return `who belong to the ward of the patient that \`${field}\` names, or have broken the glass to him`;
    case 'self':
      return `for whom \`${field}\` is their own id`;
    case 'caregiver':
      return `who care for the patient that \`${field}\` names`;
    case 'entity':
      return 'whom it concerns, which its owner decides';
  }
};

const plural: Readonly<Record<Role, string>> = {
  patient: 'patients',
  caregiver: 'caregivers',
  nurse: 'nurses',
  doctor: 'doctors',
  responder: 'responders',
  operator: 'operators',
  admin: 'admins',
  device: 'devices',
  service: 'services',
};

const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;

/** Who may, as a sentence for people. */
export function rulesInWords(rules: readonly Rule[]): string {
  const clauses = rules.map((rule) => `${listed(rule.roles.map((role) => plural[role]))} ${relationWords(rule)}`);
  return `Allowed: ${clauses.join('; ')}.`;
}
