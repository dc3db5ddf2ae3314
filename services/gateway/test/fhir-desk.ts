/** A desk that speaks FHIR: its `monitoring` keeps what reaches INTAKE, and lists what a test says was recorded. */
import { expect } from '@jest/globals';
import { fhirMediaType } from '@carillon/contracts/fhir';
import type { Intake, Reading } from '@carillon/contracts/monitoring';
import { queryFilter } from '@carillon/contracts/streams';
import { consumeDurable } from '@carillon/bus/consume';
import { decode, respond } from '@carillon/bus/request';
import { call, type Answer } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { startDesk, type Desk } from './desk.ts';
import type { Json } from './observations.ts';

export type Listed = {
  vital: string;
  value: number | string;
  unit: string | null;
  measuredAt: string;
  quality: string;
  deviceId: string | null;
  receivedAt: string;
};
type ListInput = { patientId: string; from: string; to: string; vital?: string; limit: number; cursor?: string };
type Options = { person?: string; headers?: Record<string, string>; baseUrl?: string };

export type FhirDesk = {
  desk: Desk;
  /** What reached INTAKE. */
  intake: { subject: string; message: Intake }[];
  untilIntake(count: number): Promise<Reading[]>;
  /** Says what was recorded, and nothing else. */
  record(...items: Listed[]): void;
  recorded(): readonly Listed[];
  /** What was asked of `vitals:list`. */
  asked: ListInput[];
  ask(method: string, path: string, body?: unknown, options?: Options): Promise<Answer>;
  create(resource: unknown, options?: Options): Promise<Answer>;
  post(bundle: unknown, options?: Options): Promise<Answer>;
  search(query: string, options?: Options): Promise<Answer>;
  stop(): Promise<void>;
};

export async function startFhirDesk(): Promise<FhirDesk> {
  const desk = await startDesk();
  const intake: FhirDesk['intake'] = [];
  const asked: ListInput[] = [];
  let recorded: Listed[] = [];

  const consumption = await consumeDurable(desk.bus, {
    stream: 'INTAKE',
    durable: 'test',
    filter: 'intake.>',
    ackWaitMs: 10_000,
    maxInFlight: 64,
    onDelivery(delivery) {
      intake.push({ subject: delivery.subject, message: decode(delivery.body) as Intake });
      delivery.ack();
    },
  });
  const list = ({ from, to, vital, limit, cursor }: ListInput): { items: Listed[]; next?: string } => {
    const rest = recorded.filter(
      ({ measuredAt, vital: name }) => measuredAt >= from && measuredAt < to && (vital === undefined || name === vital),
    );
    const start = cursor === undefined ? 0 : Number(cursor);
    const end = start + limit;
    return { items: rest.slice(start, end), ...(end < rest.length ? { next: String(end) } : {}) };
  };
  respond(desk.bus, queryFilter('monitoring'), 'test', ({ body }) => {
    const { data } = decode(body) as { data: ListInput };
    asked.push(data);
    return Promise.resolve({ ok: true, data: list(data) });
  });

  const readings = (): Reading[] => intake.flatMap(({ message }) => message.readings);
  const fhir: FhirDesk = {
    desk,
    intake,
    asked,
    untilIntake: (count) =>
      eventually(() => (readings().length >= count ? readings() : undefined), { what: `${count} readings` }),
    record(...items) {
      const keyOf = ({ measuredAt, vital, deviceId }: Listed): string => `${measuredAt} ${vital} ${deviceId ?? ''}`;
      recorded = items.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    },
    recorded: () => recorded,
    async ask(method, path, body, { person = 'dev1', headers, baseUrl = desk.baseUrl } = {}) {
      const answer = await call(baseUrl, method, `/fhir/R4${path}`, {
        token: await desk.tokenOf(person),
        ...(body === undefined ? {} : { body }),
        headers: { ...(body === undefined ? {} : { 'content-type': fhirMediaType }), ...headers },
      });
      expect(answer.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8');
      return answer;
    },
    create: (resource, options) => fhir.ask('POST', '/Observation', resource, options),
    post: (bundle, options) => fhir.ask('POST', '', bundle, options),
    search: (query, options) => fhir.ask('GET', `/Observation${query}`, undefined, { person: 'n1', ...options }),
    async stop() {
      await consumption.stop(0);
      await desk.stop();
    },
  };
  return fhir;
}

type IssueOut = {
  severity: string;
  code: string;
  diagnostics: string;
  expression?: string[];
  details: { coding: { code: string }[] };
};
export const issuesOf = (outcome: unknown): IssueOut[] => (outcome as { issue: IssueOut[] }).issue;
/** Our own codes of an outcome. */
export const codesOf = (outcome: unknown) => issuesOf(outcome).map(({ details }) => details.coding[0]?.code);

type EntryOut = { resource: Json; response: { status: string; outcome: Json }; search: { mode: string } };
export const entriesOf = ({ body }: Answer): EntryOut[] => (body['entry'] ?? []) as EntryOut[];
export const linkOf = ({ body }: Answer, relation: string): string | undefined =>
  (body['link'] as { relation: string; url: string }[]).find((link) => link.relation === relation)?.url;

export function expectRefused(answer: Answer, status: number, ...codes: string[]): void {
  const { body } = answer;
  expect([answer.status, body['resourceType'], codesOf(body)]).toEqual([status, 'OperationOutcome', codes]);
  for (const issue of issuesOf(body)) {
    expect(issue).toMatchObject({ severity: 'error', diagnostics: expect.any(String) });
  }
}
