/** Nothing that can be reached is missing in the documents, and nothing in them is beside what can be reached. */
import { expect, test } from '@jest/globals';
import { asyncApi } from './asyncapi.ts';
import type { Json } from './document-parts.ts';
import { rulesInWords } from './document-parts.ts';
import { errors } from './errors.ts';
import { openApi } from './openapi.ts';
import { eventsOf } from './room-events.ts';
import { Shape, Type } from './schema.ts';
import { events, operations, rooms, routes } from './surface.ts';

const envelope = Shape({ actor: Shape({}), data: Type.Unknown() });
const asyncDocument = asyncApi({ command: envelope, query: envelope });
const document = openApi();

type Operation = Json & {
  operationId: string;
  description: string;
  parameters?: Json[];
  responses: Record<string, Json>;
};
const paths = document['paths'] as Record<string, Record<string, Operation>>;
const described = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
);
const find = (name: string): Operation => {
  const found = described.find(({ operation }) => operation['summary'] === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found.operation;
};

/** Every `$ref` of a document. */
function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => (key === '$ref' ? [String(part)] : references(part)));
}
const resolves = (document: unknown, reference: string): boolean =>
  reference
    .slice('#/'.length)
    .split('/')
    .reduce<unknown>((part, key) => (part as Json | undefined)?.[key], document) !== undefined;

test('OpenAPI has every operation and route of the contracts, and no other', () => {
  const bound = [...operations.values()].flatMap(({ http }) => (http === undefined ? [] : [http]));
  const expected = [...bound, ...routes].map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
  expect(described.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(expected.sort());
});

test('names of operations are unique, and everything has a description', () => {
  const ids = described.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { operation } of described) expect(operation.description.length).toBeGreaterThan(10);
});

test('what is referred to exists, in both documents', () => {
  for (const each of [document, asyncDocument]) {
    const missing = [...new Set(references(each))].filter((reference) => !resolves(each, reference));
    expect(missing).toEqual([]);
  }
});

test('a schema that several operations use stands once, under its name', () => {
  const content = (name: string): unknown => find(name).responses['200']?.['content'];
  expect(content('alert:get')).toEqual(content('alert:acknowledge'));
  expect(JSON.stringify(content('alert:get'))).toContain('#/components/schemas/Alert"');
});

test('fields of the path stand in no body, and a read has its fields in the query', () => {
  const decline = find('alert:decline');
  expect(JSON.stringify(decline['requestBody'])).toContain('"reason"');
  expect(JSON.stringify(decline['requestBody'])).not.toContain('"alertId"');
  expect(decline.parameters).toContainEqual(expect.objectContaining({ name: 'alertId', in: 'path', required: true }));
  expect(find('alert:acknowledge')['requestBody']).toBeUndefined();
  expect(find('alert:list').parameters).toContainEqual(
    expect.objectContaining({ name: 'wardId', in: 'query', required: false }),
  );
});

test('every name in a path is a parameter with a description', () => {
  for (const { path, operation } of described) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const inPath = (operation.parameters ?? []).filter((parameter) => parameter['in'] === 'path');
    expect({ path, inPath: inPath.map(({ name }) => name) }).toEqual({ path, inPath: named });
    for (const { description } of inPath)
      expect({ path, description }).toEqual({ path, description: expect.any(String) });
  }
});

test('commands take a key and can be accepted, reads cannot', () => {
  const key = { $ref: '#/components/parameters/IdempotencyKey' };
  expect(find('alert:raise').parameters).toContainEqual(key);
  expect(Object.keys(find('alert:raise').responses)).toEqual(expect.arrayContaining(['201', '202', '409']));
  expect(find('alert:list').parameters).not.toContainEqual(key);
  expect(Object.keys(find('alert:list').responses)).not.toContain('202');
});

test('every error response has codes of the error table and their status, and 429 says when to try again', () => {
  for (const { operation } of described) {
    for (const [status, response] of Object.entries(operation.responses)) {
      const codes = /^#\/components\/responses\/(.+)$/.exec(String(response['$ref']))?.[1]?.split('.') ?? [];
      for (const code of codes.filter((each) => each !== 'accepted')) {
        expect(`${code} ${errors[code as keyof typeof errors].status}`).toBe(`${code} ${status}`);
      }
    }
  }
  const { responses } = document['components'] as { responses: Record<string, Json> };
  expect(Object.keys(responses['rate_limited']?.['headers'] ?? {})).toEqual(['Retry-After']);
});

test('only what asks for no token is open', () => {
  const open = described.filter(({ operation }) => operation['security'] !== undefined).map(({ path }) => path);
  expect(open.every((path) => /^\/(docs|realtime\/ws|v1\/dev|fhir\/R4\/metadata)/.test(path))).toBe(true);
});

test('AsyncAPI has a channel for every room and every event', () => {
  const channels = Object.values(asyncDocument['channels'] as Record<string, Json>).map(({ address }) => address);
  for (const { name } of rooms) expect(channels).toContain(name.replaceAll(/<(\w+)>/g, '{$1}'));
  for (const { subject } of events) expect(channels).toContain(subject.replaceAll(/<(\w+)>/g, '{$1}'));
});

test('a room shows the events that its filter lets through', () => {
  const shown = (name: string): string[] => {
    const room = rooms.find((each) => each.name === name);
    if (room === undefined) throw new Error(`no ${name}`);
    return eventsOf(room).map((event) => event.name);
  };
  expect(shown('patient:<id>')).toEqual(expect.arrayContaining(['alert:raised', 'score:updated', 'condition:raised']));
  expect(shown('ward:<id>:alerts')).toContain('alert:raised');
  expect(shown('ward:<id>:alerts')).not.toContain('score:updated');
  expect(shown('person:<id>')).toEqual(expect.arrayContaining(['page:new', 'page:withdrawn']));
  expect(shown('person:<id>')).not.toContain('alert:raised');
});

test('rules are said in words', () => {
  const words = rulesInWords([
    { roles: ['nurse', 'doctor'], relation: 'wardOfPatient', field: 'patientId' },
    { roles: ['patient'], relation: 'self', field: 'patientId' },
  ]);
  expect(words).toBe(
    'Allowed: nurses and doctors who belong to the ward of the patient that `patientId` names, or have broken the glass to him; ' +
      'patients for whom `patientId` is their own id.',
  );
});
