/**
 * `POST /realtime/test/publish`: a made-up event in a room, through the same stream as real ones, to see whether it
 * arrives. Its subject is one that no service acts on. Off by default, and refused in production.
 */
import { randomUUID } from 'node:crypto';
import type { Actor } from '@carillon/contracts/define';
import { CodedError, badInput } from '@carillon/contracts/errors';
import { testPublishRoute, testPublishSchema } from '@carillon/contracts/gateway';
import { validate } from '@carillon/contracts/schema';
import { eventHeaders, testSubject } from '@carillon/contracts/streams';
import { events } from '@carillon/contracts/surface';
import type { Bus } from '@carillon/bus/connection';
import { publish } from '@carillon/bus/publish';
import { encode } from '@carillon/bus/request';
import type { FastifyInstance } from 'fastify';
import { traceOf, type Authentication } from './authentication.ts';
import type { People } from './people.ts';
import { parseRoom, type Room } from './rooms.ts';
import { requireOperator, type Shared } from './session.ts';

/**
 * Whether the directory knows what the room is about. An operator publishes into rooms that he may not enter, and so
 * cannot see that he mistyped one.
 */
function isThere({ name, tokens }: Room, { hospital }: Actor, people: People): boolean {
  const id = tokens['id'] ?? '';
  switch (name.split(':')[0]) {
    case 'hospital':
      return id === hospital;
    case 'ward':
      return people
        .all()
        .some((each) => each.hospital === hospital && (each.wards.includes(id) || each.placement?.wardId === id));
    case 'patient':
      return people.find(hospital, id)?.roles.includes('patient') === true;
    case 'person':
      return people.find(hospital, id) !== undefined;
    default:
      // The directory keeps no list of devices.
      return true;
  }
}

/** JSON is read to any depth, and written only as deep as the stack goes. @throws CodedError `bad_input` */
function encodeData(data: unknown): Uint8Array {
  try {
    return encode(data);
  } catch (error) {
    if (error instanceof RangeError) throw badInput([{ path: 'data', message: 'Nested too deeply' }]);
    throw error;
  }
}

export function registerTestPublish(
  app: FastifyInstance,
  { people, caller, now }: Shared,
  { bus, authentication }: { bus: Bus; authentication: Authentication },
): void {
  app.route({
    method: testPublishRoute.method,
    url: testPublishRoute.path,
    onRequest: authentication.authenticate,
    async handler(request, reply) {
      const actor = authentication.identityOf(request);
      requireOperator(actor);
      caller.count(actor);
      const body = validate(testPublishSchema, request.body);
      if (!body.ok) throw badInput(body.issues);
      const { room: name, event, data } = body.value;
      const room = parseRoom(name, actor.hospital);
      if (room === undefined || !isThere(room, actor, people)) throw new CodedError('forbidden', 'No such room');
      const mid = randomUUID();
      const subject = testSubject(room.definition, { ...room.tokens, hospital: actor.hospital });
      const isAckWanted = events.find((each) => each.name === event)?.ack === true;
      await publish(bus, {
        subject,
        body: encodeData(data),
        headers: {
          [eventHeaders.id]: mid,
          [eventHeaders.event]: event,
          [eventHeaders.at]: new Date(now()).toISOString(),
          [eventHeaders.key]: `test ${room.name}`,
          [eventHeaders.version]: '1',
          [eventHeaders.lane]: room.definition.lane,
          [eventHeaders.traceparent]: traceOf(request),
          ...(isAckWanted ? { [eventHeaders.ack]: 'true' } : {}),
        },
      });
      return reply.code(202).send({ mid, subject });
    },
  });
}
