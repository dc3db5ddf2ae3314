/** `/fhir/R4`: FHIR over HTTP in a room of its own, where every answer is FHIR, errors as well. */
import { CodedError, errors } from '@carillon/contracts/errors';
import type { RouteDefinition } from '@carillon/contracts/define';
import {
  fhirBase,
  fhirBundleRoute,
  fhirCreateRoute,
  fhirIssues,
  fhirMediaType,
  fhirMetadataRoute,
  fhirSearchRoute,
} from '@carillon/contracts/fhir';
import type { Bus } from '@carillon/bus/connection';
import type { Logger } from '@carillon/runtime/log';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { traceOf, type Authentication } from '../authentication.ts';
import type { Caller } from '../calls.ts';
import type { People } from '../people.ts';
import { capabilityStatement } from './capability.ts';
import { checkAccept, checkContentType } from './content.ts';
import { takeBundle, takeObservation, type Taking } from './intake.ts';
import { FhirRefusal, issueOf, operationOutcome, refusal } from './outcome.ts';
import { readSearch } from './search-parameters.ts';
import { searchObservations } from './search.ts';

export type FhirOptions = {
  bus: Bus;
  people: People;
  caller: Caller;
  authentication: Authentication;
  now: () => number;
  log: Logger;
};

const routes: readonly RouteDefinition[] = [fhirMetadataRoute, fhirCreateRoute, fhirBundleRoute, fhirSearchRoute];

/** Within the room, whose prefix the path has already. */
const placeOf = ({ path }: RouteDefinition): string => path.slice(fhirBase.length) || '/';

const send = (reply: FastifyReply, status: number, resource: unknown): FastifyReply =>
  reply
    .code(status)
    .type(`${fhirMediaType}; charset=utf-8`)
    // Of patients: no cache between keeps it.
    .header('cache-control', 'no-store')
    .send(JSON.stringify(resource));

/** What the framework itself refuses. */
function refusalOf(error: FastifyError | CodedError | FhirRefusal): FhirRefusal | undefined {
  if (error instanceof FhirRefusal) return error;
  if (error instanceof CodedError) return new FhirRefusal([issueOf(error)]);
  if (error.statusCode === 413) return refusal('too_large', 'The body is larger than 2 MB');
  if (error.statusCode === 415) return refusal('bad_media_type');
  const isTheirs = error.statusCode !== undefined && error.statusCode < 500;
  return isTheirs ? refusal('bad_json', error.message) : undefined;
}

/** As the client wrote it, since it is to go on from there. */
const baseOf = (request: FastifyRequest): string => `${request.protocol}://${request.host}${fhirBase}`;

const prefers = (request: FastifyRequest, preference: string): boolean =>
  String(request.headers['prefer'] ?? '')
    .split(/[,;]/)
    .some((part) => part.trim().toLowerCase() === preference);

function methodsOf(request: FastifyRequest): string[] {
  const path = request.url.split('?')[0]?.replace(/\/$/, '');
  return routes.filter((route) => route.path === path).map(({ method }) => method);
}

export async function registerFhir(app: FastifyInstance, options: FhirOptions): Promise<void> {
  const { bus, people, caller, now, log } = options;
  const { authenticate, identityOf } = options.authentication;

  /** Counts against the limit of calls, as `POST /v1/vitals` does. */
  const beginTaking = (request: FastifyRequest): Taking => {
    const actor = identityOf(request);
    caller.count(actor);
    if (request.headers['if-none-exist'] !== undefined) throw refusal('conditional', undefined, 'http.If-None-Exist');
    return { bus, actor, people, receivedAt: Math.round(now()), traceparent: traceOf(request) };
  };

  await app.register(
    async (fhir) => {
      const parseJson = fhir.getDefaultJsonParser('error', 'error');
      fhir.addContentTypeParser(fhirMediaType, { parseAs: 'string' }, (request, body, done) => {
        if (body === '') done(null, undefined);
        else void parseJson(request, body as string, done);
      });
      fhir.setErrorHandler((error: FastifyError | CodedError | FhirRefusal, request, reply) => {
        const refused = refusalOf(error) ?? refusal('internal');
        if (refused.issues.some(({ code }) => code === 'internal')) {
          log.error({ err: error, route: request.routeOptions.url }, 'request failed');
        }
        if (error instanceof CodedError && error.afterMs !== undefined) {
          void reply.header('retry-after', Math.ceil(error.afterMs / 1000));
        }
        const { status } = refused;
        if (status === errors.unauthorised.status) void reply.header('www-authenticate', 'Bearer');
        return send(reply, status, operationOutcome(refused.issues));
      });
      fhir.setNotFoundHandler((request, reply) => {
        const methods = methodsOf(request);
        if (methods.length > 0) void reply.header('allow', methods.join(', '));
        const code = methods.length > 0 ? 'bad_method' : 'unknown_interaction';
        return send(reply, fhirIssues[code].status, operationOutcome([{ code }]));
      });
      fhir.addHook('onRequest', async (request) => {
        checkAccept(request);
        checkContentType(request);
      });

      fhir.get(placeOf(fhirMetadataRoute), (request, reply) => send(reply, 200, capabilityStatement(baseOf(request))));
      fhir.post(placeOf(fhirCreateRoute), { onRequest: authenticate }, async (request, reply) =>
        send(reply, 201, await takeObservation(request.body, beginTaking(request))),
      );
      fhir.post(placeOf(fhirBundleRoute), { onRequest: authenticate }, async (request, reply) =>
        send(reply, 200, await takeBundle(request.body, beginTaking(request))),
      );
      fhir.get(placeOf(fhirSearchRoute), { onRequest: authenticate }, async (request, reply) => {
        const search = readSearch(request.query as Record<string, unknown>, prefers(request, 'handling=lenient'));
        const searching = {
          actor: identityOf(request),
          caller,
          traceparent: traceOf(request),
          base: `${baseOf(request)}/Observation`,
        };
        return send(reply, 200, await searchObservations(search, searching));
      });
    },
    { prefix: fhirBase },
  );
}
