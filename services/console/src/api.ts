/**
 * The queries of the console, and what operators do. They go by HTTP beside the link, so that a long answer never holds up an alert on it, and
 * before there is a link.
 */
import { CodedError, type Client, type Input, type OperationName, type Result } from '@carillon/client/client';
import { serverNow } from './clock.ts';
import type { Alert, CoverageReport, DeadLetter, Device, Group, Reading } from './shapes.ts';
import { silencesOn } from './silences.ts';

/** An error that may be over the next time: nobody could be reached, or too much was asked. */
export const isPassing = (error: unknown): boolean =>
  error instanceof CodedError && ['unavailable', 'rate_limited', 'internal'].includes(error.code);

export type Api = ReturnType<typeof createApi>;

/** No page of the API is followed further than this: a board must not read a week into memory. */
const MOST_PAGES = 20;

export const createApi = (client: Client) => {
  const ask = <N extends OperationName>(operation: N, input: Input<N>): Promise<Result<N>> =>
    client.call(operation, input, { over: 'http' });

  const readAlerts = async (query: Input<'alert:list'>): Promise<Alert[]> => {
    const items: Alert[] = [];
    let next: string | undefined;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const answer = await ask('alert:list', { ...query, ...(next === undefined ? {} : { cursor: next }) });
      items.push(...answer.items);
      next = answer.next;
      if (next === undefined) break;
    }
    return items;
  };

  const readVitals = async (query: Input<'vitals:list'>): Promise<Reading[]> => {
    const items: Reading[] = [];
    let next: string | undefined;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const answer = await ask('vitals:list', { ...query, ...(next === undefined ? {} : { cursor: next }) });
      // What a device under test measures is no value of the patient.
      items.push(...answer.items.filter(({ mode }) => mode === undefined));
      next = answer.next;
      if (next === undefined) break;
    }
    return items;
  };

  /** Oldest first, so that of very many the newest are those that `hasMore` speaks of. */
  const readLetters = async (
    service: Input<'deadLetter:list'>['service'],
  ): Promise<{ letters: DeadLetter[]; hasMore: boolean }> => {
    const letters: DeadLetter[] = [];
    let after: number | undefined;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const answer = await ask('deadLetter:list', { service, limit: 200, ...(after === undefined ? {} : { after }) });
      letters.push(...answer.items);
      if (answer.next === undefined) return { letters, hasMore: false };
      after = answer.next;
    }
    return { letters, hasMore: true };
  };

  const readDevices = async (where: Input<'device:list'>): Promise<Device[]> => {
    const items: Device[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const answer = await ask('device:list', { ...where, ...(cursor === undefined ? {} : { cursor }) });
      items.push(...answer.items);
      cursor = answer.next;
      if (cursor === undefined) break;
    }
    return items;
  };

  const readGroups = async (): Promise<Group[]> => {
    const items: Group[] = [];
    let cursor: string | undefined;
    // A hospital has at most 200 groups, of which each page holds a few.
    do {
      const answer = await ask('group:list', cursor === undefined ? {} : { cursor });
      items.push(...answer.items);
      cursor = answer.next;
    } while (cursor !== undefined);
    return items;
  };

  /** All wards of the hospital: the report on a moment names them, and costs next to nothing. */
  const readWards = async (): Promise<CoverageReport['wards']> => {
    const wards: CoverageReport['wards'] = [];
    const from = serverNow();
    const moment = { from: new Date(from).toISOString(), until: new Date(from + 1).toISOString() };
    let cursor: string | undefined;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const answer = await ask('coverage:report', { ...moment, ...(cursor === undefined ? {} : { cursor }) });
      wards.push(...answer.wards);
      cursor = answer.next;
      if (cursor === undefined) break;
    }
    return wards;
  };

  const readCoverage = async (): Promise<CoverageReport> => {
    const { next, ...report } = await ask('coverage:report', {});
    let cursor = next;
    for (let page = 1; page < MOST_PAGES && cursor !== undefined; page += 1) {
      const more = await ask('coverage:report', { from: report.from, until: report.until, cursor });
      report.wards.push(...more.wards);
      report.gaps.push(...more.gaps);
      cursor = more.next;
    }
    return report;
  };

  return {
    me: () => ask('person:me', {}),
    ward: (wardId: string) => ask('ward:get', { wardId }),
    wardStatus: async (wardId: string) => (await ask('ward:status', { wardId })).items,
    patientStatus: (patientId: string) => ask('patient:status', { patientId }),
    vitals: readVitals,
    scoreDecisions: async (patientId: string) => (await ask('score:decisions', { patientId })).items,
    scores: (patientId: string) => ask('score:get', { patientId }),
    stateScore: (score: Input<'score:state'>) => ask('score:state', score),
    rules: (patientId: string) => ask('limits:get', { patientId }),
    limitVersions: async (patientId: string) => (await ask('limits:history', { patientId })).items,
    limitSets: async () => (await ask('limitSet:list', {})).items,
    putLimitSet: (set: Input<'limitSet:put'>) => ask('limitSet:put', set),
    signLimitSet: (which: Input<'limitSet:sign'>) => ask('limitSet:sign', which),
    setLimits: (of: Input<'limits:set'>) => ask('limits:set', of),
    adjustLimits: (of: Input<'limits:adjust'>) => ask('limits:adjust', of),
    vitalSummary: (of: Input<'vitals:summarise'>) => ask('vitals:summarise', of),
    alarmLoad: (of: Input<'alarmLoad:get'>) => ask('alarmLoad:get', of),
    startReplay: (of: Input<'replay:start'>) => ask('replay:start', of),
    replay: (replayId: string) => ask('replay:get', { replayId }),
    alerts: readAlerts,
    alert: (alertId: string) => ask('alert:get', { alertId }),
    notices: async () => (await ask('notice:list', {})).items,
    emergencies: async () => (await ask('emergency:list', {})).items,
    publishNotice: (notice: Input<'notice:publish'>) => ask('notice:publish', notice),
    disconnect: (whom: Input<'person:disconnect'>) => ask('person:disconnect', whom),
    endSubscription: (which: Input<'subscription:end'>) => ask('subscription:end', which),
    revoke: (what: Input<'access:revoke'>) => ask('access:revoke', what),
    stopSignal: (which: Input<'signal:stop'>) => ask('signal:stop', which),
    devices: readDevices,
    registerDevice: (device: Input<'device:register'>) => ask('device:register', device),
    bindDevice: (which: Input<'device:bind'>) => ask('device:bind', which),
    unbindDevice: (which: Input<'device:unbind'>) => ask('device:unbind', which),
    figures: (where: Input<'figures:get'>) => ask('figures:get', where),
    beds: (which: Input<'bed:list'>) => ask('bed:list', which),
    admit: (whom: Input<'admission:admit'>) => ask('admission:admit', whom),
    transfer: (whom: Input<'admission:transfer'>) => ask('admission:transfer', whom),
    discharge: (whom: Input<'admission:discharge'>) => ask('admission:discharge', whom),
    coverage: readCoverage,
    policies: async () => (await ask('policy:list', {})).items,
    policy: (policyId: string) => ask('policy:get', { policyId }),
    setPolicy: (policy: Input<'policy:set'>) => ask('policy:set', policy),
    previewPolicy: (of: Input<'policy:preview'>) => ask('policy:preview', of),
    removePolicy: (which: Input<'policy:remove'>) => ask('policy:remove', which),
    schedule: (scheduleId: string) => ask('schedule:get', { scheduleId }),
    setSchedule: (schedule: Input<'schedule:set'>) => ask('schedule:set', schedule),
    removeSchedule: (which: Input<'schedule:remove'>) => ask('schedule:remove', which),
    turns: async (of: Input<'schedule:turns'>) => (await ask('schedule:turns', of)).items,
    previewTurns: async (of: Input<'schedule:preview'>) => (await ask('schedule:preview', of)).items,
    endOverride: (which: Input<'schedule:endOverride'>) => ask('schedule:endOverride', which),
    groups: readGroups,
    setGroup: (group: Input<'group:set'>) => ask('group:set', group),
    removeGroup: (which: Input<'group:remove'>) => ask('group:remove', which),
    callable: (who: Input<'person:callable'>) => ask('person:callable', who),
    wards: readWards,
    silencesOn: async (patientId: string, wardId: string | undefined) =>
      silencesOn((await ask('silence:list', wardId === undefined ? {} : { wardId })).items, { patientId, wardId }),
    startSilence: (silence: Input<'silence:start'>) => ask('silence:start', silence),
    endSilence: (silenceId: string) => ask('silence:end', { silenceId }),
    overrideSchedule: (override: Input<'schedule:override'>) => ask('schedule:override', override),
    onCall: async () => (await ask('schedule:onCall', {})).items,
    response: (of: Input<'response:figures'>) => ask('response:figures', of),
    stats: client.stats,
    deadLetters: readLetters,
    deadLetter: (service: DeadLetter['service'], sequence: number) => ask('deadLetter:get', { service, sequence }),
    putBack: (service: DeadLetter['service'], sequence: number) =>
      client.call('deadLetter:putBack', { service, sequence }, { over: 'http' }),
  };
};
