/**
 * Whether alarms are escalated at all. Each gateway judges by itself what the engines say and that they are silent, from
 * memory and by its own timer: so it is told with every engine and PostgreSQL gone, and with NATS away.
 */
import type { Actor } from '@carillon/contracts/define';
import { validate } from '@carillon/contracts/schema';
import {
  beatSchema,
  beatSubject,
  technicalKinds,
  type Finding,
  type TechnicalState,
} from '@carillon/contracts/technical';
import type { Bus } from '@carillon/bus/connection';
import { decode } from '@carillon/bus/request';
import type { Logger } from '@carillon/runtime/log';
import { readGauge } from '@carillon/runtime/metrics';
import type { Registry } from 'prom-client';
import type { People } from '../people.ts';
import type { StateRoom } from '../state-rooms.ts';
import { alarmsOf, judgeBeats, silentAfterMs, type JudgedAlarm } from './judge.ts';
import { createTechnicalRooms } from './rooms.ts';

export type Technical = {
  state(hospital: string): TechnicalState;
  openRoom(name: string, who: Actor): StateRoom | undefined;
  stop(): void;
};

export type TechnicalOptions = {
  bus: Bus;
  people: Pick<People, 'relations'>;
  /** Names this life of this gateway. */
  instance: string;
  now: () => number;
  log: Logger;
  registry: Registry;
  /** What the canary found, where there is one. */
  canary: () => Finding | undefined;
};

const judgeEveryMs = 500;

export function watchTechnical({ bus, people, instance, now, log, registry, canary }: TechnicalOptions): Technical {
  const beats = new Map<string, { at: number; findings: readonly Finding[] }>();
  let heardAt = performance.now();
  let alarms: readonly JudgedAlarm[] = [];
  const state = (hospital: string): TechnicalState => ({ alarms: alarmsOf(alarms, hospital) });
  const relations = (hospital: string) => people.relations(hospital);
  const rooms = createTechnicalRooms({ current: state, relations, instance, now });

  const subscription = bus.nc.subscribe(beatSubject, {
    callback(error, message) {
      if (error !== null) return;
      const beat = validate(beatSchema, decodeOr(message.data));
      if (!beat.ok) return log.warn({ issues: beat.issues }, 'a beat of an engine cannot be read');
      heardAt = performance.now();
      beats.set(beat.value.instance, { at: heardAt, findings: beat.value.findings });
    },
  });

  let judgedAt = performance.now();
  const judge = (): void => {
    const at = performance.now();
    const isLate = at - judgedAt > 4 * judgeEveryMs;
    judgedAt = at;
    // We were held up ourselves: what came meanwhile has not been read yet.
    if (isLate) return;
    for (const [engine, beat] of beats) if (at - beat.at > silentAfterMs) beats.delete(engine);
    const live = [...beats.values()].map((beat) => ({ ageMs: at - beat.at, findings: beat.findings }));
    const silentMs = at - heardAt;
    const judged = judgeBeats({ now: now(), beats: live, silentMs, isConnected: bus.isConnected(), canary: canary() });
    if (summaryOf(judged) === summaryOf(alarms)) return;
    log[judged.length > 0 ? 'error' : 'info']({ alarms: judged }, 'technical alarms changed');
    const before = alarms;
    alarms = judged;
    rooms.show((hospital) => summaryOf(alarmsOf(before, hospital)) !== summaryOf(state(hospital).alarms));
  };
  const timer = setInterval(judge, judgeEveryMs).unref();
  readGauge(
    registry,
    { name: 'carillon_technical_alarms', help: 'Whether this technical alarm is on, by this gateway', label: 'kind' },
    () => Object.keys(technicalKinds).map((kind) => [kind, alarms.some((alarm) => alarm.kind === kind) ? 1 : 0]),
  );

  return {
    state,
    openRoom: rooms.open,
    stop() {
      clearInterval(timer);
      subscription.unsubscribe();
    },
  };
}

const decodeOr = (body: Uint8Array): unknown => {
  try {
    return decode(body);
  } catch {
    return undefined;
  }
};

/** Details grow older with each beat: nobody needs a message for that. */
const summaryOf = (alarms: readonly JudgedAlarm[]): string =>
  alarms
    .map(({ kind, isStopped, hospital = '' }) => `${kind} ${isStopped} ${hospital}`)
    .toSorted()
    .join();
