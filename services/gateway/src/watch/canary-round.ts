/** One alarm of the canary, from the reading to its end. */
import { randomUUID } from 'node:crypto';
import { acknowledgeAlert, listAlerts, resolveAlert } from '@carillon/contracts/alert-escalation';
import { canary } from '@carillon/contracts/canary';
import type { Actor, CommandDefinition, InputOf, ResultOf } from '@carillon/contracts/define';
import { CodedError } from '@carillon/contracts/errors';
import { setLimits } from '@carillon/contracts/limits';
import { commandSubject, eventHeaders, querySubject } from '@carillon/contracts/streams';
import type { Bus } from '@carillon/bus/connection';
import { createCommandSender, encode, request, type Reply } from '@carillon/bus/request';
import type { CommandEnvelope } from '@carillon/runtime/commands';
import type { QueryEnvelope } from '@carillon/runtime/queries';
import { childTrace } from '@carillon/runtime/trace';
import type { People } from '../people.ts';
import type { Receipts } from '../receipts.ts';
import { takeVitals } from '../vital-intake.ts';
import type { CanaryEar, Heard } from './canary-ear.ts';

/** In the order of the way: each from the one before. `whole` is from the reading to the page. */
export const canaryHops = ['condition', 'alert', 'page', 'acknowledged', 'resolved', 'whole'] as const;
export type CanaryHop = (typeof canaryHops)[number];
/** How long each took, in ms; where one is missing the alarm came no farther. */
export type Round = Partial<Record<CanaryHop, number>>;

export type CanaryRounds = {
  play(): Promise<Round>;
  /** Sets the limit, and ends what an earlier round left behind. @throws CodedError */
  tidy(): Promise<void>;
  close(): void;
};

export type CanaryRoundsOptions = {
  bus: Bus;
  people: People;
  ear: CanaryEar;
  receipts: Pick<Receipts, 'take'>;
  now: () => number;
};

export const canaryKind = 'spo2-below';
const low = 80;
const fine = 98;
/** Of the whole way to the page, and of each answer. */
export const withinMs = 5_000;

const nurse: Actor = { person: canary.nurse, hospital: canary.hospital, roles: ['nurse'] };
const doctor: Actor = { person: canary.doctor, hospital: canary.hospital, roles: ['doctor'] };

export function createCanaryRounds({ bus, people, ear, receipts, now }: CanaryRoundsOptions): CanaryRounds {
  // Beside those of callers: the canary uses up nobody's calls.
  const sender = createCommandSender(bus);

  const read = (value: number): Promise<unknown> => {
    const receivedAt = Math.round(now());
    const item = { patientId: canary.patient, vital: 'spo2', value, measuredAt: new Date(receivedAt).toISOString() };
    return takeVitals(bus, { items: [item] }, { actor: nurse, people, receivedAt, traceparent: childTrace(undefined) });
  };
  const headers = (): Record<string, string> => ({ [eventHeaders.traceparent]: childTrace(undefined) });
  const dataOf = (reply: Reply | undefined): unknown => {
    if (reply === undefined) throw new CodedError('unavailable');
    if (!reply.ok) throw new CodedError(reply.error.code, reply.error.message);
    return reply.data;
  };
  const send = async <C extends CommandDefinition>(actor: Actor, command: C, data: InputOf<C>): Promise<void> => {
    const envelope: CommandEnvelope = {
      actor: { ...actor, roles: [...actor.roles] },
      key: `canary-${randomUUID()}`,
      issuedAt: Math.round(now()),
      data,
    };
    const makeBody = (replyTo: string): Uint8Array => encode({ ...envelope, replyTo });
    dataOf(await sender.send(commandSubject(command), makeBody, { headers: headers(), deadlineMs: withinMs }));
  };
  const openAlerts = async (state: 'open' | 'acknowledged'): Promise<ResultOf<typeof listAlerts>['items']> => {
    const data: InputOf<typeof listAlerts> = { patientId: canary.patient, state };
    const envelope: QueryEnvelope = { actor: { ...nurse, roles: [...nurse.roles] }, data };
    const options = { headers: headers(), deadlineMs: withinMs };
    const reply = await request(bus, querySubject(listAlerts), encode(envelope), options);
    return (dataOf(reply) as ResultOf<typeof listAlerts>).items;
  };

  return {
    async play() {
      const startedAt = performance.now();
      const hears = (event: string): Promise<Heard | undefined> =>
        ear.next((heard) => heard.event === event && (heard.data.alert ?? heard.data).kind === canaryKind, withinMs);
      const heard = Promise.all([hears('condition:raised'), hears('alert:raised'), hears('page:new')]);
      await read(low);
      const [condition, alert, page] = await heard;
      const round: Round = {};
      if (condition === undefined) return round;
      round.condition = condition.at - startedAt;
      if (alert === undefined) return round;
      // They come from several streams: the later may be heard first.
      round.alert = Math.max(0, alert.at - condition.at);
      const alertId = page?.data.alertId;
      if (page === undefined || alertId === undefined) return round;
      round.page = Math.max(0, page.at - alert.at);
      round.whole = page.at - startedAt;
      receipts.take(nurse, [page.mid], 'displayed');
      const answeredAt = performance.now();
      await send(nurse, acknowledgeAlert, { alertId });
      round.acknowledged = performance.now() - answeredAt;
      const resolved = ear.next(({ event, data }) => event === 'alert:resolved' && data.alertId === alertId, withinMs);
      const endedAt = performance.now();
      await read(fine);
      const end = await resolved;
      if (end !== undefined) round.resolved = end.at - endedAt;
      return round;
    },
    async tidy() {
      const limits = [{ vital: 'spo2' as const, below: 90, persistSeconds: 0, priority: 'high' as const }];
      await send(doctor, setLimits, { patientId: canary.patient, limits });
      // First of all, or what is resolved would open anew.
      await read(fine);
      for (const { alertId } of [...(await openAlerts('open')), ...(await openAlerts('acknowledged'))])
        await send(nurse, resolveAlert, { alertId, reason: 'left behind by the canary' });
    },
    close: sender.close,
  };
}
