/** HTTP: every operation of the contracts by its method and path, the readings, development tokens, the console. */
import { existsSync } from 'node:fs';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { canary } from '@carillon/contracts/canary';
import type { CommandDefinition, QueryDefinition } from '@carillon/contracts/define';
import { CodedError, badInput, errorBody, errors } from '@carillon/contracts/errors';
import { devPeopleRoute, devTokenRequestSchema, devTokenRoute, keyPattern } from '@carillon/contracts/gateway';
import { recordVitals } from '@carillon/contracts/monitoring';
import { validate } from '@carillon/contracts/schema';
import { operations } from '@carillon/contracts/surface';
import type { Bus } from '@carillon/bus/connection';
import type { Logger } from '@carillon/runtime/log';
import fastifyStatic from '@fastify/static';
import {
  fastify,
  type ConnectionError,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { traceOf, type Authentication } from './authentication.ts';
import type { Caller } from './calls.ts';
import type { GatewayConfig } from './config.ts';
import type { People } from './people.ts';
import type { Tokens } from './tokens.ts';
import { takeVitals } from './vital-intake.ts';

const maxBodyBytes = 2 * 1024 * 1024;

export type HttpOptions = {
  config: GatewayConfig;
  bus: Bus;
  people: People;
  tokens: Tokens;
  caller: Caller;
  authentication: Authentication;
  now: () => number;
  log: Logger;
};

/** What the framework itself refuses, in our codes. */
export function toCodedError(error: FastifyError | CodedError): CodedError {
  if (error instanceof CodedError) return error;
  switch (error.statusCode) {
    case 413:
      return new CodedError('too_large', 'The body is larger than 2 MB');
    case 415:
      return new CodedError('bad_input', 'The body must be application/json');
    case 404:
      return new CodedError('not_found');
    default:
      return error.statusCode !== undefined && error.statusCode < 500
        ? new CodedError('bad_input', error.message)
        : new CodedError('internal');
  }
}

export function sendError(reply: FastifyReply, error: CodedError): FastifyReply {
  if (error.afterMs !== undefined) void reply.header('retry-after', Math.ceil(error.afterMs / 1000));
  if (error.code === 'unauthorised') void reply.header('www-authenticate', 'Bearer');
  return reply.code(errors[error.code].status).send({ error: errorBody(error) });
}

/** What could not be read as a request at all: no route sees it, and there is nothing to reply to but the socket. */
function refuseUnreadable(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const coded =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? new CodedError('too_large', 'The headers are larger than 16 KB')
      : new CodedError('bad_input', 'The request cannot be read, or was too slow');
  const { status } = errors[coded.code];
  const body = JSON.stringify({ error: errorBody(coded) });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroy();
}

export function createHttp({ config, log }: Pick<HttpOptions, 'config' | 'log'>): FastifyInstance {
  const app = fastify({
    bodyLimit: maxBodyBytes,
    trustProxy: config.CARILLON_TRUSTED_PROXIES.length === 0 ? false : [...config.CARILLON_TRUSTED_PROXIES],
    routerOptions: { ignoreTrailingSlash: true },
    forceCloseConnections: true,
    // Half a request holds its socket and its memory no longer than this.
    requestTimeout: 30_000,
    return503OnClosing: false,
    clientErrorHandler: refuseUnreadable,
    frameworkErrors: (_, __, reply) => void sendError(reply, new CodedError('bad_input', 'The path is not valid')),
  });
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    // A POST without a body says nothing more than its path does.
    if (body === '') done(null, undefined);
    else void parseJson(request, body as string, done);
  });
  app.setErrorHandler((error: FastifyError | CodedError, request, reply) => {
    const coded = toCodedError(error);
    if (coded.code === 'internal') log.error({ err: error, route: request.routeOptions.url }, 'request failed');
    return sendError(reply, coded);
  });
  app.setNotFoundHandler((_, reply) => sendError(reply, new CodedError('not_found')));
  return app;
}

const decimal = /^-?\d{1,15}(\.\d{1,15})?$/;

/** Paths and query strings are text: a field that the schema wants as a number is read as one, nothing else is touched. */
function readText(operation: CommandDefinition | QueryDefinition, query: unknown): Record<string, unknown> {
  const fields = operation.input.properties;
  return Object.fromEntries(
    Object.entries(query as Record<string, unknown>).map(([name, text]) => {
      const type: unknown = fields[name] === undefined ? undefined : Reflect.get(fields[name], 'type');
      const isNumber = (type === 'integer' || type === 'number') && typeof text === 'string' && decimal.test(text);
      return [name, isNumber ? Number(text) : text];
    }),
  );
}

function readData(operation: CommandDefinition | QueryDefinition, request: FastifyRequest): unknown {
  const { body, query } = request;
  const params = readText(operation, request.params);
  const rest = operation.http?.method === 'GET' ? readText(operation, query) : body === undefined ? {} : body;
  if (typeof rest !== 'object' || rest === null || Array.isArray(rest)) {
    throw badInput([{ path: '', message: 'Expected an object' }]);
  }
  for (const name of Object.keys(params)) {
    if (Object.hasOwn(rest, name)) throw badInput([{ path: name, message: 'Stands in the path already' }]);
  }
  return { ...rest, ...params };
}

const isKey = new RegExp(keyPattern);

function idempotencyKey(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || !isKey.test(key)) {
    throw badInput([{ path: 'Idempotency-Key', message: 'Expected 1 to 128 visible characters' }]);
  }
  return key;
}

export async function registerHttp(app: FastifyInstance, options: HttpOptions): Promise<void> {
  const { config, bus, people, tokens, caller, now } = options;
  const { authenticate, identityOf } = options.authentication;

  for (const operation of operations.values()) {
    const binding = operation.http;
    if (binding === undefined) continue;
    app.route({
      method: binding.method,
      url: binding.path,
      onRequest: authenticate,
      async handler(request, reply) {
        const answer = await caller.call({
          actor: identityOf(request),
          operation: operation.name,
          data: readData(operation, request),
          key: operation.kind === 'command' ? idempotencyKey(request) : undefined,
          traceparent: traceOf(request),
        });
        if ('accepted' in answer) return reply.code(202).send(answer);
        return reply.code(binding.status ?? 200).send(answer.data);
      },
    });
  }

  app.post(recordVitals.path, { onRequest: authenticate }, async (request, reply) => {
    const actor = identityOf(request);
    caller.count(actor);
    // A key is allowed on every write; readings are the same by patient, vital, time and device, with or without.
    idempotencyKey(request);
    const judging = { actor, people, receivedAt: Math.round(now()), traceparent: traceOf(request) };
    return reply.code(202).send(await takeVitals(bus, request.body, judging));
  });

  if (config.CARILLON_DEV_TOKENS) registerDevelopment(app, { people, tokens });
  if (config.CARILLON_CONSOLE_DIR !== '' && existsSync(config.CARILLON_CONSOLE_DIR)) {
    await app.register(fastifyStatic, {
      root: config.CARILLON_CONSOLE_DIR,
      setHeaders(response) {
        response.header(
          'content-security-policy',
          "default-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws: wss:; frame-ancestors 'none'",
        );
        response.header('x-content-type-options', 'nosniff');
        response.header('referrer-policy', 'no-referrer');
      },
    });
  }
}

/** Any person without a password: only while CARILLON_DEV_TOKENS is on, with which production refuses to start. */
function registerDevelopment(app: FastifyInstance, { people, tokens }: Pick<HttpOptions, 'people' | 'tokens'>): void {
  app.get(devPeopleRoute.path, () => ({
    items: people
      .all()
      // Nobody signs in as one of these.
      .filter(({ hospital }) => hospital !== canary.hospital)
      .sort((a, b) => a.person.localeCompare(b.person, 'en', { numeric: true }))
      .map(({ person, name, roles, wards, hospital }) => ({ person, name, roles, wards, hospital })),
  }));
  app.post(devTokenRoute.path, async (request) => {
    const body = validate(devTokenRequestSchema, request.body);
    if (!body.ok) throw badInput(body.issues);
    const entry = people.all().find((candidate) => candidate.person === body.value.person);
    if (entry === undefined) throw new CodedError('not_found', 'The directory knows no such person');
    return { token: await tokens.sign({ ...entry, hasMfa: body.value.mfa === true }) };
  });
}
