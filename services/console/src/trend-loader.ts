/** Reads the last minutes of the drawn vital signs back, gently: a board of 40 beds is 80 requests. */
import { CodedError } from '@carillon/client/client';
import { type Api, isPassing } from './api.ts';
import type { Board } from './board.ts';
import { serverNow } from './clock.ts';
import { TREND_WINDOW_MS } from './trends.ts';

type TrendLoad = {
  api: Api;
  board: Board;
  patientIds: readonly string[];
  isWanted: () => boolean;
  onFailed: (patientId: string) => void;
};

type TrendVital = 'spo2' | 'heartRate' | 'pulse';
/** Calls are limited per minute and person, and acknowledging comes before drawing. */
const AT_ONCE = 2;
const MOST_TRIES = 5;

export const loadTrends = async ({ api, board, patientIds, isWanted, onFailed }: TrendLoad): Promise<void> => {
  const queue = [...patientIds];
  const readLine = async (patientId: string, vital: TrendVital): Promise<number> => {
    const to = serverNow();
    const range = { from: new Date(to - TREND_WINDOW_MS).toISOString(), to: new Date(to + 5000).toISOString(), vital };
    for (let attempt = 1; isWanted(); attempt += 1) {
      try {
        const readings = await api.vitals({ patientId, ...range });
        board.trends.load(patientId, vital, readings);
        return readings.length;
      } catch (error) {
        const wait = error instanceof CodedError ? error.afterMs : undefined;
        if (!isPassing(error) || attempt === MOST_TRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, wait ?? 1000 * attempt));
      }
    }
    return 0;
  };
  const work = async (): Promise<void> => {
    for (let patientId = queue.shift(); patientId !== undefined && isWanted(); patientId = queue.shift()) {
      try {
        await readLine(patientId, 'spo2');
        // Some beds have an oximeter only: its pulse is drawn where there is no heart rate.
        if ((await readLine(patientId, 'heartRate')) === 0) await readLine(patientId, 'pulse');
      } catch {
        onFailed(patientId);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
};
