/** Plays recordings of monitor numerics into patients, each from its start again at its end. */
import { vitalSigns } from '@carillon/contracts/vital-signs';
import type { Recording } from '@carillon/monitoring/recording';
import { demoDeviceId, type DemoItem, type VitalsSource } from './simulator.ts';

/**
 * Recording k (from 0) goes into patient p⟨k+1⟩. Each call of `next` is one row of every recording, whatever time the
 * row states: it is measured at the instant it is played. Values go as they stand, 0 included; absent ones are not sent.
 */
export function createRecordingPlayer(recordings: readonly Recording[]): VitalsSource {
  let turn = 0;
  return {
    next(atMs) {
      const measuredAt = new Date(atMs).toISOString();
      const items = recordings.flatMap(({ vitals, rows }, index): DemoItem[] => {
        const values = rows[turn % rows.length]?.values ?? {};
        const patientId = `p${index + 1}`;
        return vitals.flatMap((vital) => {
          const value = values[vital];
          const unit = vitalSigns[vital].unit;
          return value === undefined ? [] : [{ patientId, vital, value, unit, measuredAt, deviceId: demoDeviceId }];
        });
      });
      turn += 1;
      return items;
    },
  };
}
