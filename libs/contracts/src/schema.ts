/**
 * The only file that imports the schema library. TypeBox schemas *are* JSON Schema, so Fastify, OpenAPI and the
 * client types take them as they stand. Nothing is coerced and unknown fields are refused.
 */
import {
  FormatRegistry,
  Kind,
  Type,
  TypeRegistry,
  type Static,
  type TObject,
  type TProperties,
  type TSchema,
} from '@sinclair/typebox';
import { TypeCompiler, type TypeCheck } from '@sinclair/typebox/compiler';
import { ValueErrorType, type ValueError } from '@sinclair/typebox/errors';

export { Type, type Static, type TObject, type TProperties, type TSchema };

/** One thing that is wrong with an input: where (a JSON pointer written with dots) and what. */
export type Issue = { path: string; message: string };

export type Validated<T> = { ok: true; value: T } | { ok: false; issues: Issue[] };

/** RFC 3339 with a zone; a time without one would mean another instant at every reader. */
const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

/** @returns milliseconds since the epoch, or undefined for a text that is no RFC 3339 instant (31 June included). */
export function parseInstant(text: string): number | undefined {
  if (!rfc3339.test(text)) return undefined;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) return undefined;
  // Date.parse rolls 30 February over into March; the day must come back as it was written.
  const day = Number(text.slice(8, 10));
  const daysInMonth = new Date(Date.UTC(Number(text.slice(0, 4)), Number(text.slice(5, 7)), 0)).getUTCDate();
  return day <= daysInMonth ? ms : undefined;
}

FormatRegistry.Set('date-time', (text) => parseInstant(text) !== undefined);
FormatRegistry.Set('date', (text) => parseInstant(`${text}T00:00:00Z`) !== undefined);

/** Opaque ids minted by `directory` or by us. Only these enter subjects and rooms. */
export const idPattern = '^[A-Za-z0-9_-]{1,64}$';
export const isId = (text: string): boolean => /^[A-Za-z0-9_-]{1,64}$/.test(text);
export const Id = (description: string) => Type.String({ pattern: idPattern, description });
export const Instant = (description: string) => Type.String({ format: 'date-time', description });
/** A day of the calendar, wherever that is: YYYY-MM-DD. */
export const LocalDate = (description: string) => Type.String({ format: 'date', description });
/** A string enum: one clear message, where a union of literals would give one for each member. */
export const OneOf = <const T extends string>(values: readonly T[], description: string) =>
  Type.Unsafe<T>({ [Kind]: 'StringEnum', type: 'string', enum: [...values], description });
/** An object that refuses unknown fields. */
export const Shape = <T extends TProperties>(properties: T, description?: string): TObject<T> =>
  Type.Object(properties, { additionalProperties: false, ...(description === undefined ? {} : { description }) });
/** Described as what it is when it is not null. */
export const Nullable = <T extends TSchema>(schema: T) =>
  Type.Union([schema, Type.Null()], schema.description === undefined ? {} : { description: schema.description });

TypeRegistry.Set<TSchema & { enum: string[] }>(
  'StringEnum',
  (schema, value) => typeof value === 'string' && schema.enum.includes(value),
);

const compiled = new WeakMap<TSchema, TypeCheck<TSchema>>();

function compile(schema: TSchema): TypeCheck<TSchema> {
  let check = compiled.get(schema);
  if (check === undefined) {
    check = TypeCompiler.Compile(schema);
    compiled.set(schema, check);
  }
  return check;
}

const maxIssues = 20;

/** Checks a value against a schema. Never coerces; reports at most 20 issues, each with its place. */
export function validate<T extends TSchema>(schema: T, value: unknown): Validated<Static<T>> {
  const check = compile(schema);
  if (check.Check(value)) return { ok: true, value: value as Static<T> };
  const issues: Issue[] = [];
  const seen = new Set<string>();
  for (const error of check.Errors(value)) {
    // A missing field is reported twice, as missing and as of the wrong type; the first is the useful one.
    if (seen.has(error.path)) continue;
    seen.add(error.path);
    issues.push({ path: error.path.slice(1).replaceAll('/', '.'), message: describe(error) });
    if (issues.length === maxIssues) break;
  }
  return { ok: false, issues };
}

function describe(error: ValueError): string {
  const schema = error.schema as TSchema & { enum?: string[]; format?: string; pattern?: string };
  if (schema[Kind] === 'StringEnum') return `Expected one of ${schema.enum?.join(', ')}`;
  if (error.type === ValueErrorType.StringFormat) {
    return schema.format === 'date' ? 'Expected a date, YYYY-MM-DD' : 'Expected an RFC 3339 time with a zone';
  }
  if (schema.pattern === idPattern) return 'Expected an id of 1 to 64 letters, digits, _ or -';
  if (error.type === ValueErrorType.ObjectAdditionalProperties) return 'Unknown field';
  if (error.type === ValueErrorType.ObjectRequiredProperty) return 'Required field is missing';
  return error.message;
}
