/** The HTTP surface as an OpenAPI 3.1 document. */
import type { CommandDefinition, HttpBinding, QueryDefinition, RouteDefinition } from './define.ts';
import { eachService } from './define.ts';
import {
  createSchemaWriter,
  documentVersion,
  exampleOf,
  identifier,
  rulesInWords,
  type Json,
  type SchemaWriter,
} from './document-parts.ts';
import { errors, type ErrorCode } from './errors.ts';
import { httpErrorSchema, keyPattern } from './gateway.ts';
import { Shape, idPattern, type TSchema } from './schema.ts';
import { operations, routes } from './surface.ts';

type Operation = CommandDefinition | QueryDefinition;
type Writing = { schemas: SchemaWriter; responses: Map<string, Json> };

const overview = `Vital signs, alarms, escalation and who is who, over HTTP. The same commands and queries can be called \
over the WebSocket; live events come over WebSocket or Server-Sent Events. See the AsyncAPI document at \
\`/docs/asyncapi.json\` and the protocol at \`/docs/protocol.md\`.

- **Who you are** is a JWT in \`Authorization: Bearer\`; it names one person or device in one hospital. What you may see or do \
follows from your roles and from how the hospital's directory relates you to patients and wards.
- **Commands** take an \`Idempotency-Key\`. Repeat a call with the same key as often as you like: it is done once, and every \
call gets the same answer. 202 means that the command is stored and not done yet; the same call again gives its result.
- **Errors** have one shape. Decide by \`code\`, never by \`message\`; the codes are listed at \`/docs/errors.md\`.
- **Limits** are per person and minute. Beyond them the answer is 429 with \`Retry-After\`; commands that answer an alarm \
are counted apart from everything else, so that reading never stops anybody from acting.
- **Versions**: entities carry a \`version\` that grows with each change. Ignore what is lower or equal to what you have.`;

const tags: Readonly<Record<string, string>> = {
  directory: 'Who is who: wards, beds, people, care teams, shifts.',
  monitoring: 'Vital signs, limits, NEWS2 and the conditions that they raise.',
  'alert-escalation': 'Alerts, and who is paged for them until somebody answers.',
  operations: 'What a service could not handle, for operators.',
  gateway: 'Who is there: presence, answered by the gateway itself.',
  realtime: 'Live events over WebSocket and Server-Sent Events, and what belongs to them.',
  fhir: 'HL7 FHIR R4, for systems that speak it. Errors are OperationOutcome resources.',
  development: 'Only on demo and test systems.',
  docs: 'These documents.',
};

const inBraces = (path: string): string => path.replaceAll(/:(\w+)/g, '{$1}');
const namesInPath = (path: string): string[] => [...path.matchAll(/:(\w+)/g)].map(([, name]) => name ?? '');
const json = (schema: Json, contentType = 'application/json'): Json => ({ [contentType]: { schema } });

/** One response for all errors of a status, made once for each set of codes. */
function errorResponse(codes: readonly ErrorCode[], { schemas, responses }: Writing): Json {
  const name = codes.join('.');
  if (!responses.has(name)) {
    const headers: Json = {
      ...(codes.some((code) => errors[code].retry === 'after' || errors[code].retry === 'backoff')
        ? {
            'Retry-After': {
              description: 'Seconds to wait, where they are known',
              schema: { type: 'integer', minimum: 0 },
            },
          }
        : {}),
      ...(codes.includes('unauthorised')
        ? { 'WWW-Authenticate': { description: 'Which kind of token is wanted', schema: { const: 'Bearer' } } }
        : {}),
    };
    responses.set(name, {
      description: codes.map((code) => `\`${code}\`: ${errors[code].message}.`).join(' '),
      ...(Object.keys(headers).length === 0 ? {} : { headers }),
      content: {
        'application/json': {
          schema: schemas.write(httpErrorSchema),
          examples: Object.fromEntries(
            codes.map((code) => [code, { value: { error: { code, message: errors[code].message } } }]),
          ),
        },
      },
    });
  }
  return { $ref: `#/components/responses/${name}` };
}

function errorResponses(codes: readonly ErrorCode[], writing: Writing): Json {
  const statuses = [...new Set(codes.map((code) => errors[code].status))].sort((a, b) => a - b);
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      errorResponse(
        codes.filter((code) => errors[code].status === status),
        writing,
      ),
    ]),
  );
}

/** What the gateway itself answers, and what a handler of such an operation can. */
const codesOf = (operation: Operation, { method, path }: HttpBinding): ErrorCode[] => [
  'bad_input',
  'unauthorised',
  'forbidden',
  // Where a relation is needed to what the path names, the unknown is forbidden, so that nobody can ask who exists.
  ...(mayMiss(operation, path, method) ? (['not_found'] as const) : []),
  // A query that says something may say what cannot be.
  ...(operation.kind === 'query' && method === 'PUT' ? (['conflict'] as const) : []),
  ...(operation.kind === 'command'
    ? ([
        ...(operation.allow.some(({ relation }) => relation === 'entity') ? ['conflict'] : []),
        ...(operation.needsMfa === true ? ['mfa_required', 'conflict'] : []),
        'key_reused',
        'expired',
      ] as ErrorCode[])
    : []),
  ...(method === 'GET' && operation.kind === 'query' && !hasList(operation.result) ? [] : (['too_large'] as const)),
  'rate_limited',
  'internal',
  'unavailable',
];
const mayMiss = ({ name, allow }: Operation, path: string, method: string): boolean =>
  name === 'person:me' ||
  (path.includes(':') &&
    method !== 'PUT' &&
    allow.some(({ relation }) => relation === 'entity' || relation === 'hospital'));
/** A list may grow beyond what one answer holds. */
const hasList = (result: TSchema): boolean => JSON.stringify(result).includes('"array"');

const limitsOf = (operation: Operation): string => {
  if (operation.kind === 'query' && operation.unlimited === true) return 'Counts against no limit of calls.';
  const isCritical = operation.kind === 'command' && operation.lane === 'critical';
  return isCritical
    ? 'Counted apart from other calls, with the same limit a minute.'
    : 'Counts against the limit of calls a minute.';
};

const parametersIn = (
  place: 'path' | 'query',
  properties: Json,
  required: readonly string[],
  { schemas }: Writing,
): Json[] =>
  Object.entries(properties).map(([name, schema]) => {
    const { description, ...rest } = schemas.write(schema as TSchema);
    const example = rest['pattern'] === idPattern ? { example: exampleOf(name) } : {};
    return {
      name,
      in: place,
      required: place === 'path' || required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema: rest,
      ...example,
    };
  });

function writeOperation(operation: Operation, binding: HttpBinding, writing: Writing): Json {
  const { input, result, kind } = operation;
  const inPath = namesInPath(binding.path);
  const pick = (isWanted: (name: string) => boolean) =>
    Object.fromEntries(Object.entries(input.properties).filter(([name]) => isWanted(name)));
  const rest = pick((name) => !inPath.includes(name));
  const required: readonly string[] = input.required ?? [];
  const isRead = binding.method === 'GET';
  const hasBody = !isRead && Object.keys(rest).length > 0;
  const parameters = [
    ...parametersIn(
      'path',
      pick((name) => inPath.includes(name)),
      required,
      writing,
    ),
    ...(isRead ? parametersIn('query', rest, required, writing) : []),
    ...(kind === 'command' ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : []),
  ];
  const body = inPath.length === 0 ? input : Shape(rest);
  return {
    operationId: identifier(operation.name),
    tags: [operation.owner === eachService ? 'operations' : operation.owner],
    summary: operation.name,
    description: [operation.description, rulesInWords(operation.allow), limitsOf(operation)].join('\n\n'),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(hasBody
      ? {
          requestBody: {
            required: Object.keys(rest).some((name) => required.includes(name)),
            content: json(writing.schemas.write(body)),
          },
        }
      : {}),
    responses: {
      [binding.status ?? 200]: {
        description: kind === 'command' ? 'Done' : 'The answer',
        content: json(writing.schemas.write(result)),
      },
      ...(kind === 'command' ? { 202: { $ref: '#/components/responses/accepted' } } : {}),
      ...errorResponses(codesOf(operation, binding), writing),
    },
  };
}

function codesOfRoute(route: RouteDefinition): ErrorCode[] {
  if (Object.keys(route.answers).some((status) => Number(status) >= 400)) return [];
  const hasInput = route.query !== undefined || route.body !== undefined || route.path.includes(':');
  const isCall = route.access === 'bearer';
  return [
    ...(hasInput ? (['bad_input'] as const) : []),
    ...(isCall ? (['unauthorised', 'forbidden'] as const) : []),
    ...(route.developmentOnly === true ? (['not_found'] as const) : []),
    ...(route.body === undefined ? [] : (['too_large'] as const)),
    ...(isCall ? (['rate_limited', 'internal', 'unavailable'] as const) : []),
  ];
}

function tagOf({ name, developmentOnly }: RouteDefinition): string {
  if (developmentOnly === true) return 'development';
  const entity = name.split(':')[0] ?? '';
  return entity in tags ? entity : 'monitoring';
}

function writeRoute(route: RouteDefinition, writing: Writing): Json {
  const { schemas } = writing;
  const { params, query } = route;
  const parameters = [
    ...(params === undefined ? [] : parametersIn('path', params.properties, [], writing)),
    ...(query === undefined ? [] : parametersIn('query', query.properties, query.required ?? [], writing)),
  ];
  const description = [
    route.description,
    ...(route.allow === undefined ? [] : [rulesInWords(route.allow)]),
    ...(route.developmentOnly === true ? ['Not there in production.'] : []),
  ];
  const { body } = route;
  return {
    operationId: identifier(route.name),
    tags: [tagOf(route)],
    summary: route.name,
    description: description.join('\n\n'),
    ...(route.access === 'none' ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: Object.fromEntries(
              (body.contentTypes ?? ['application/json']).map((type) => [type, { schema: schemas.write(body.schema) }]),
            ),
          },
        }),
    responses: {
      ...Object.fromEntries(
        Object.entries(route.answers).map(([status, { description, schema, contentType }]) => [
          status,
          {
            description,
            ...(schema === undefined && contentType === undefined
              ? {}
              : { content: json(schema === undefined ? { type: 'string' } : schemas.write(schema), contentType) }),
          },
        ]),
      ),
      ...errorResponses(codesOfRoute(route), writing),
    },
  };
}

const accepted: Json = {
  description: 'Stored and not done yet. Repeat the call with the same key to get its result.',
  content: json({
    type: 'object',
    required: ['accepted', 'key'],
    properties: {
      accepted: { const: true },
      key: { type: 'string', description: 'The key of the command; one was made where none was given' },
    },
  }),
};

/** The whole document; it is the same for every gateway. */
export function openApi(): Json {
  const writing: Writing = { schemas: createSchemaWriter(), responses: new Map([['accepted', accepted]]) };
  const paths: Record<string, Json> = {};
  const add = (path: string, method: string, operation: Json): void => {
    (paths[inBraces(path)] ??= {})[method.toLowerCase()] = operation;
  };
  for (const operation of operations.values()) {
    const { http } = operation;
    if (http !== undefined) add(http.path, http.method, writeOperation(operation, http, writing));
  }
  for (const route of routes) add(route.path, route.method, writeRoute(route, writing));
  return {
    openapi: '3.1.0',
    info: { title: 'Carillon', version: documentVersion, description: overview },
    servers: [{ url: '/', description: 'The gateway that serves this document' }],
    security: [{ token: [] }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'Names a person or device (`sub`), the `hospital` and the `roles`.',
        },
      },
      parameters: {
        IdempotencyKey: {
          name: 'Idempotency-Key',
          in: 'header',
          description:
            'Chosen by the caller, new for each intention. For a day the same key of the same person gives the same ' +
            'result and does nothing twice; with another body it is `key_reused`.',
          schema: { type: 'string', pattern: keyPattern },
        },
      },
      responses: Object.fromEntries([...writing.responses].sort(([a], [b]) => (a < b ? -1 : 1))),
      schemas: writing.schemas.components(),
    },
  };
}
