/** `POST /realtime/command`: one frame of a client that reads by Server-Sent Events, answered as over WebSocket. */
import { CodedError, badInput, errors } from '@carillon/contracts/errors';
import { clientFrames, commandRoute, type ClientFrame } from '@carillon/contracts/gateway';
import { validate } from '@carillon/contracts/schema';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { traceOf, type Authentication } from './authentication.ts';
import { errorFrame } from './frames.ts';
import { allowOrigin, checkOrigin, registerPreflight } from './handshake.ts';
import { toCodedError } from './http.ts';
import type { Shared } from './session.ts';

const accepted = { call: clientFrames.call, signal: clientFrames.signal, ack: clientFrames.ack } as const;
type CommandFrame = Extract<ClientFrame, { t: keyof typeof accepted }>;

/** What an answer can name, even where the rest of the frame is wrong. */
function frameIdOf(body: unknown): number | undefined {
  const id: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'id') : undefined;
  return Number.isSafeInteger(id) && Number(id) >= 0 ? Number(id) : undefined;
}

/** @throws CodedError `bad_frame`, `bad_input` */
function parseFrame(body: unknown): CommandFrame {
  const type: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 't') : undefined;
  if (typeof type !== 'string' || !Object.hasOwn(accepted, type)) {
    throw new CodedError('bad_frame', undefined, {
      issues: [{ path: 't', message: `Expected one of ${Object.keys(accepted).join(', ')}` }],
    });
  }
  const frame = validate(accepted[type as keyof typeof accepted], body);
  if (frame.ok) return frame.value;
  if (type === 'call' && frameIdOf(body) === undefined) {
    throw new CodedError('bad_frame', undefined, { issues: frame.issues });
  }
  throw badInput(frame.issues);
}

export function registerCommandEndpoint(app: FastifyInstance, shared: Shared, authentication: Authentication): void {
  const { config, caller } = shared;
  const answerTo = async (frame: CommandFrame, request: FastifyRequest) => {
    const actor = authentication.identityOf(request);
    if (frame.t !== 'call') {
      shared.takeSignal(actor);
      // The readers of signals come with chat; a client that sends one is not at fault, as over WebSocket.
      if (frame.t === 'ack') shared.receipts.take(actor, frame.mid, frame.level);
      return { status: 204 };
    }
    const answer = await caller.call({
      actor,
      operation: frame.op,
      data: frame.data === undefined ? {} : frame.data,
      key: frame.key,
      traceparent: traceOf(request),
    });
    return { status: 'accepted' in answer ? 202 : 200, body: { t: 'ok', id: frame.id, ...answer } };
  };
  registerPreflight(app, commandRoute, config);
  app.route({
    method: commandRoute.method,
    url: commandRoute.path,
    bodyLimit: config.CARILLON_LIMIT_FRAME_BYTES,
    async onRequest(request, reply) {
      await checkOrigin(request, config);
      void reply.headers(allowOrigin(request, config));
      await authentication.authenticate(request);
    },
    async handler(request, reply) {
      shared.frames.in++;
      const { status, body } = await answerTo(parseFrame(request.body), request);
      return reply.code(status).send(body);
    },
    errorHandler(error, request, reply) {
      let coded = toCodedError(error);
      if (coded.code === 'too_large' && error !== coded) {
        coded = new CodedError('too_large', `At most ${config.CARILLON_LIMIT_FRAME_BYTES} bytes a frame`);
      }
      if (coded.code === 'internal') shared.log.error({ err: error, route: commandRoute.path }, 'frame failed');
      if (coded.afterMs !== undefined) void reply.header('retry-after', Math.ceil(coded.afterMs / 1000));
      if (coded.code === 'unauthorised') void reply.header('www-authenticate', 'Bearer');
      return reply.code(errors[coded.code].status).send(errorFrame(coded, frameIdOf(request.body)));
    },
  });
}
