/** `POST /v1/positions`: where a caller is, told on at once and kept nowhere here. */
import { CodedError, badInput } from '@carillon/contracts/errors';
import {
  positionBatchSchema,
  positionFreshMs,
  positionSubject,
  positionsPerMinute,
  recordPositions,
  type Position,
  type PositionSignal,
} from '@carillon/contracts/positions';
import { isPermitted } from '@carillon/contracts/permission';
import { validate } from '@carillon/contracts/schema';
import type { Bus } from '@carillon/bus/connection';
import { encode } from '@carillon/bus/request';
import type { FastifyInstance } from 'fastify';
import type { Authentication } from './authentication.ts';
import type { Buckets } from './limits.ts';
import type { People } from './people.ts';

export type PositionOptions = {
  bus: Bus;
  people: People;
  buckets: Buckets;
  authentication: Authentication;
  now: () => number;
};

/** @returns those that are not too old, newest last; a time in the future is that of a wrong clock, and counts as now */
export const freshPositions = (items: readonly Position[], now: number): PositionSignal[] =>
  items
    .map(({ floor = null, measuredAt, ...place }) => ({
      ...place,
      floor,
      measuredAt: Math.min(Date.parse(measuredAt), now),
    }))
    .filter(({ measuredAt }) => now - measuredAt <= positionFreshMs)
    .toSorted((a, b) => a.measuredAt - b.measuredAt);

export function registerPositions(app: FastifyInstance, options: PositionOptions): void {
  const { bus, people, buckets, authentication, now } = options;
  app.post(recordPositions.path, { onRequest: authentication.authenticate }, async (request, reply) => {
    const actor = authentication.identityOf(request);
    // A bucket of its own: a phone that moves takes no call from its owner.
    buckets.take(`positions ${actor.hospital} ${actor.person}`, positionsPerMinute);
    if (!isPermitted(recordPositions.allow ?? [], actor, {}, people.relations(actor.hospital))) {
      throw new CodedError('forbidden');
    }
    const batch = validate(positionBatchSchema, request.body);
    if (!batch.ok) throw badInput(batch.issues);
    const fresh = freshPositions(batch.value.items, Math.round(now()));
    const newest = fresh.at(-1);
    if (newest !== undefined) {
      if (!bus.isConnected()) throw new CodedError('unavailable');
      bus.nc.publish(positionSubject(actor.hospital, actor.person), encode(newest));
    }
    return reply.code(202).send({ accepted: fresh.length });
  });
}
