import { useCallback } from 'react';
import { useLive } from './hooks.ts';
import { useRefreshed } from './use-refreshed.ts';

type Choices = readonly (readonly [id: string, name: string])[];
/** What a policy may name besides people. */
export type Nameable = { wards: Choices; groups: Choices; schedules: Choices };

const NOTHING: Nameable = { wards: [], groups: [], schedules: [] };
const REFRESH_EVERY_MS = 60_000;

export const useNameable = (): Nameable => {
  const { api } = useLive();
  const read = useCallback(async (): Promise<Nameable> => {
    const [wards, groups, schedules] = await Promise.all([api.wards(), api.groups(), api.onCall()]);
    return {
      wards: wards.map(({ wardId, name }) => [wardId, name]),
      groups: groups.map(({ groupId, name }) => [groupId, name]),
      schedules: schedules.map(({ scheduleId, name }) => [scheduleId, name]),
    };
  }, [api]);
  return useRefreshed(read, REFRESH_EVERY_MS).latest?.value ?? NOTHING;
};
