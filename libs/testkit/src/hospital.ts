/** Vital signs and waits that stories share. */
import { call, type Answer } from './client.ts';

export type Item = { patientId: string; vital: string; value: number | string; unit?: string; measuredAt: string };

/** One value a second, ending at `endsAt`, as a device that was away for a moment would post them. */
export const series = (patientId: string, vital: string, values: readonly number[], endsAt: number): Item[] =>
  values.map((value, index) => ({
    patientId,
    vital,
    value,
    measuredAt: new Date(endsAt - (values.length - 1 - index) * 1000).toISOString(),
  }));

export const constant = (value: number, seconds: number): number[] => Array.from({ length: seconds }, () => value);

export const postVitals = (baseUrl: string, token: string, items: readonly unknown[]): Promise<Answer> =>
  call(baseUrl, 'POST', '/v1/vitals', { token, body: { items } });
