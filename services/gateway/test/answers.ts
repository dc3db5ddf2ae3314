/** Readings to post, and what errors over HTTP look like. */
import { expect } from '@jest/globals';
import type { Answer } from '@carillon/testkit/client';

export const item = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  patientId: 'p1',
  vital: 'heartRate',
  value: 72,
  measuredAt: new Date().toISOString(),
  ...more,
});

export const errorOf = ({ body }: Answer) => body['error'] as { code: string; message: string; issues?: unknown[] };

/** The body of an error has these fields and no others. */
export function expectError(answer: Answer, status: number, code: string): void {
  const error = errorOf(answer);
  expect([answer.status, error]).toEqual([status, expect.objectContaining({ code, message: expect.any(String) })]);
  expect(Object.keys(answer.body)).toEqual(['error']);
  expect(['code', 'message', 'issues', 'afterMs']).toEqual(expect.arrayContaining(Object.keys(error)));
}
