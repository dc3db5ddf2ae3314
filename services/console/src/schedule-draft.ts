/** An on-call schedule and a group while somebody writes them: numbers are texts until they are sent. */
import type { Input } from '@carillon/client/client';
import { dayAndTime } from './format.ts';
import type { Group, Schedule } from './shapes.ts';

export type WindowDraft = { id: number; weekdays: readonly number[]; from: string; until: string };
export type LayerDraft = {
  id: number;
  /** Who takes turns, in this order; somebody may come twice. */
  people: readonly string[];
  startsOn: string;
  handOverAt: string;
  everyDays: string;
  /** None for round the clock. */
  windows: readonly WindowDraft[];
};
export type ScheduleDraft = { scheduleId: string; name: string; timeZone: string; layers: readonly LayerDraft[] };
export type GroupDraft = Pick<Group, 'groupId' | 'name'> & { people: readonly string[]; isCalledOffShift: boolean };

export const scheduleDraft = ({ scheduleId, name, timeZone, layers }: Schedule): ScheduleDraft => ({
  scheduleId,
  name,
  timeZone,
  layers: layers.map(({ people, startsOn, handOverAt, everyDays, hours = [] }, id) => ({
    id,
    people,
    startsOn,
    handOverAt,
    everyDays: String(everyDays),
    windows: hours.map((window, index) => ({ ...window, id: index })),
  })),
});

/** @param now of the wall, where the page is: a rotation begins today */
export const newLayer = (id: number, now: number): LayerDraft => ({
  id,
  people: [],
  startsOn: dayAndTime(now).slice(0, 10),
  handOverAt: '08:00',
  everyDays: '7',
  windows: [],
});

export const newSchedule = (now: number, timeZone: string): ScheduleDraft => ({
  scheduleId: '',
  name: '',
  timeZone,
  layers: [newLayer(0, now)],
});

export const newWindow = (id: number): WindowDraft => ({
  id,
  weekdays: [1, 2, 3, 4, 5],
  from: '20:00',
  until: '08:00',
});

export const scheduleOf = ({
  scheduleId,
  name,
  timeZone,
  layers,
}: ScheduleDraft): Omit<Input<'schedule:set'>, 'ifVersion'> => ({
  scheduleId: scheduleId.trim(),
  name: name.trim(),
  timeZone: timeZone.trim(),
  layers: layers.map(({ people, startsOn, handOverAt, everyDays, windows }) => ({
    people: [...people],
    startsOn,
    handOverAt,
    everyDays: Number(everyDays),
    ...(windows.length === 0
      ? {}
      : { hours: windows.map(({ weekdays, from, until }) => ({ weekdays: [...weekdays], from, until })) }),
  })),
});

export const newGroup: GroupDraft = { groupId: '', name: '', people: [], isCalledOffShift: false };

export const groupDraft = ({ groupId, name, people, isCalledOffShift = false }: Group): GroupDraft => ({
  groupId,
  name,
  people,
  isCalledOffShift,
});

export const groupOf = ({
  groupId,
  name,
  people,
  isCalledOffShift,
}: GroupDraft): Omit<Input<'group:set'>, 'ifVersion'> => ({
  groupId: groupId.trim(),
  name: name.trim(),
  people: [...people],
  isCalledOffShift,
});

/** Somebody one place earlier or later in the order of turns; at the ends nothing changes. */
export const moved = <T>(list: readonly T[], index: number, by: -1 | 1): readonly T[] => {
  const [one, other] = [list[index], list[index + by]];
  if (one === undefined || other === undefined) return list;
  return list.with(index, other).with(index + by, one);
};

const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
/** 1 is Monday. */
export const weekdayName = (weekday: number): string => WEEKDAYS[weekday - 1] ?? '';

/** "Every 7 days from Sat 21 Nov, 08:00". */
export const sayLayer = ({ startsOn, handOverAt, everyDays, people }: Schedule['layers'][number]): string => {
  const length = everyDays === 1 ? 'Daily' : `Every ${everyDays} days`;
  return `${length} at ${handOverAt}, from ${startsOn} on: ${people.length === 1 ? '1 person' : `${people.length} in turn`}`;
};
