import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { raiseAlert } from '@carillon/contracts/alert-escalation';
import type { QueryDefinition, ResultOf } from '@carillon/contracts/define';
import { shiftChanged, wardChanged } from '@carillon/contracts/directory';
import { previewPolicy, setPolicy, type Policy } from '@carillon/contracts/escalation-policies';
import {
  endOverride,
  getSchedule,
  listCallable,
  listGroups,
  listOnCall,
  listTurns,
  overrideSchedule,
  previewTurns,
  removeGroup,
  removeSchedule,
  reportCoverage,
  setGroup,
  setSchedule,
} from '@carillon/contracts/plans';
import { openDatabase } from '@carillon/database/database';
import { eventually } from '@carillon/testkit/eventually';
import { alertOf, openWard, type WardStory } from '../ward.ts';
import { nurses, rolesOf } from '../world.ts';

let ward: WardStory;

beforeAll(async () => {
  ward = await openWard();
  await ward.startEngine();
});
afterAll(() => ward.stop());

const refused = (code: string) => ({ ok: false, error: expect.objectContaining({ code }) });
const hour = 3_600_000;
const fall = { patientId: 'p1', kind: 'fall', priority: 'high', message: 'Fall' };
const after = (hours: number): string => new Date(ward.now() + hours * hour).toISOString();

async function answerOf<Q extends QueryDefinition>(query: Q, input: unknown): Promise<ResultOf<Q>> {
  const reply = await ward.ask('o1', query, input);
  if (!reply.ok) throw new Error(JSON.stringify(reply.error));
  return reply.data as ResultOf<Q>;
}

/** It is a Saturday morning; the doctors take turns by night only. */
const nights = {
  scheduleId: 'nights',
  name: 'Doctor of the night',
  timeZone: 'Asia/Kuala_Lumpur',
  layers: [
    {
      people: ['d1'],
      startsOn: '2026-11-01',
      handOverAt: '08:00',
      everyDays: 1,
      hours: [{ weekdays: [1, 2, 3, 4, 5, 6, 7], from: '20:00', until: '08:00' }],
    },
  ],
};
const onCallFirst: Policy = {
  levels: [
    { afterSeconds: 0, targets: [{ kind: 'schedule', schedule: 'nights' }] },
    { afterSeconds: 60, targets: [{ kind: 'group', group: 'code-team' }] },
    { afterSeconds: 120, targets: [{ kind: 'failsafe' }] },
  ],
  repeatSeconds: 300,
};

test('a plan names what it needs: groups and schedules of people whom the directory knows', async () => {
  expect(await ward.send('n1', setSchedule, nights)).toEqual(refused('forbidden'));
  const unknown = { ...nights, timeZone: 'Mars/Base', layers: [{ ...nights.layers[0], people: ['d99'] }] };
  expect(await ward.send('o1', setSchedule, unknown)).toMatchObject({
    error: { issues: [{ path: 'timeZone' }, { path: 'layers.0.people.0' }] },
  });
  expect(await ward.send('o1', setSchedule, { ...nights, ifVersion: 0 })).toMatchObject({ data: { version: 1 } });
  expect(await ward.send('o1', setSchedule, { ...nights, ifVersion: 0 })).toEqual(refused('conflict'));
  const team = { groupId: 'code-team', name: 'Code team', people: ['r1'] };
  expect(await ward.send('a1', setGroup, team)).toMatchObject({ data: { version: 1, isCalledOffShift: false } });
  // A patient is known, and would be shown the alerts of others.
  const mixed = { ...team, people: ['r1', 'p1'], isCalledOffShift: true };
  expect(await ward.send('a1', setGroup, mixed)).toMatchObject({ error: { issues: [{ path: 'people.1' }] } });
  expect(await answerOf(listGroups, {})).toMatchObject({ items: [{ groupId: 'code-team', people: ['r1'] }] });
  expect(await ward.send('d1', setPolicy, { policyId: 'default', ...onCallFirst })).toMatchObject({ ok: true });
  expect(await ward.send('o1', removeSchedule, { scheduleId: 'nights' })).toEqual(refused('conflict'));
  expect(await ward.send('a1', removeGroup, { groupId: 'code-team' })).toEqual(refused('conflict'));
});

test('a group or schedule that no policy names may go, and not what somebody else has made of it', async () => {
  expect(await ward.send('a1', setGroup, { groupId: 'spare', name: 'Spare', people: ['r1'] })).toMatchObject({
    ok: true,
  });
  expect(await ward.send('o1', removeGroup, { groupId: 'spare' })).toEqual(refused('forbidden'));
  expect(await ward.send('a1', removeGroup, { groupId: 'spare', ifVersion: 2 })).toEqual(refused('conflict'));
  expect(await ward.send('a1', removeGroup, { groupId: 'spare', ifVersion: 1 })).toMatchObject({ ok: true });
  expect(await ward.send('a1', removeGroup, { groupId: 'spare' })).toEqual(refused('not_found'));
  const spare = { ...nights, scheduleId: 'spare' };
  expect(await ward.send('o1', setSchedule, spare)).toMatchObject({ ok: true });
  expect(await ward.send('o1', removeSchedule, { scheduleId: 'spare', ifVersion: 2 })).toEqual(refused('conflict'));
  expect(await ward.send('o1', removeSchedule, { scheduleId: 'spare', ifVersion: 1 })).toMatchObject({ ok: true });
  expect(await ward.send('o1', removeSchedule, { scheduleId: 'spare' })).toEqual(refused('not_found'));
});

test('whoever plans finds people by a part of the name or by what names them, and never a patient', async () => {
  const found = async (input: unknown) => (await answerOf(listCallable, input)).items.map(({ personId }) => personId);
  expect(await found({ name: 'N' })).toEqual(nurses);
  expect(await found({ name: 'p1' })).toEqual([]);
  expect(await found({ group: 'code-team' })).toEqual(['r1']);
  expect(await found({ schedule: 'nights' })).toEqual(['d1']);
  expect(await found({ policy: 'default' })).toEqual([]);
});

test('with nobody on call the next level starts at once, and with nobody on shift the failsafe', async () => {
  // 16:00 in Kuala Lumpur: the night is to come.
  expect(await answerOf(listOnCall, {})).toMatchObject({
    items: [{ scheduleId: 'nights', person: null, until: '2026-11-21T12:00:00.000Z' }],
  });
  const first = alertOf(await ward.send('n1', raiseAlert, fall));
  expect(first).toMatchObject({ level: 2, pages: [{ person: 'r1', level: 2 }] });

  // Everybody but the administrator goes home, an operator too.
  for (const personId of [...nurses, 'd1', 'r1', 'o1']) {
    const [startsAt, endsAt] = ['2026-01-01T00:00:00Z', after(-1)];
    const role = rolesOf[personId] ?? 'nurse';
    const wardId = personId === 'o1' ? null : 'w1';
    const shift = { shiftId: `s-${personId}`, personId, wardId, role, startsAt, endsAt, version: 2 };
    await ward.tell(shiftChanged, shift.shiftId, shift);
  }
  await ward.tell(wardChanged, 'w1', { wardId: 'w1', name: 'Ward 1', beds: [{ bedId: 'b1', label: '1' }], version: 1 });
  await eventually(
    async () => {
      const { gaps } = await answerOf(reportCoverage, {});
      return gaps.length > 0 ? gaps : undefined;
    },
    { what: 'the report of a ward without anybody' },
  );
  const second = alertOf(await ward.send('n1', raiseAlert, { ...fall, kind: 'sos' }));
  // Off shift, and yet called: nobody else is left.
  expect(second).toMatchObject({ level: 3, pages: [{ person: 'o1', level: 3 }] });
  expect(second.timeline.map(({ kind, reason }) => `${kind} ${reason ?? ''}`)).toEqual(
    expect.arrayContaining([expect.stringContaining('unreachable')]),
  );
});

test('the report names the days of the week ahead and leaves out the nights, when somebody is on call', async () => {
  const { wards, gaps, from } = await answerOf(reportCoverage, { wardId: 'w1' });
  expect(wards).toEqual([{ wardId: 'w1', name: 'Ward 1' }]);
  const high = gaps.filter(({ priority }) => priority === 'high');
  expect(high.map((gap) => [gap.from, gap.until].map((at) => at.slice(5, 13)).join(' '))).toEqual([
    `${from.slice(5, 13)} 11-21T12`,
    ...Array.from({ length: 6 }, (_, day) => `11-${22 + day}T00 11-${22 + day}T12`),
    `11-28T00 ${new Date(Date.parse(from) + 7 * 24 * hour).toISOString().slice(5, 13)}`,
  ]);
  expect(new Set(gaps.map(({ reaches, policyId }) => `${reaches} ${policyId}`))).toEqual(
    new Set(['failsafeOnly default']),
  );
});

test('who takes the day by an override is called at once, though he is not on shift, and the gap is closed', async () => {
  const override = { scheduleId: 'nights', person: 'n2', from: after(0), until: after(5) };
  expect(await ward.send('o1', overrideSchedule, { ...override, person: 'n99' })).toEqual(refused('bad_input'));
  expect(await ward.send('o1', overrideSchedule, override)).toMatchObject({ data: { person: 'n2' } });
  expect(await answerOf(listTurns, { scheduleId: 'nights', from: after(1), until: after(2) })).toMatchObject({
    items: [{ person: 'n2' }],
  });
  expect(await answerOf(previewPolicy, { wardId: 'w1', priority: 'high', kind: 'bleeding' })).toMatchObject({
    policyId: 'default',
    levels: [
      { afterSeconds: 0, people: [{ personId: 'n2', name: 'n2' }], count: 1 },
      { afterSeconds: 60, people: [], count: 0 },
      { afterSeconds: 120, people: [{ personId: 'o1' }], count: 1 },
    ],
  });
  const third = alertOf(await ward.send('n1', raiseAlert, { ...fall, kind: 'bleeding' }));
  expect(third).toMatchObject({ level: 1, pages: [{ person: 'n2', level: 1 }] });
  expect((await answerOf(reportCoverage, { until: after(3) })).gaps).toEqual([]);

  // Whoever writes other layers sees what they come to beside it, before he saves them.
  const others = [{ people: ['n3'], startsOn: '2026-11-01', handOverAt: '00:00', everyDays: 1 }];
  const tried = { scheduleId: 'nights', timeZone: nights.timeZone, layers: others };
  expect((await answerOf(previewTurns, tried)).items.map(({ person }) => person)).toEqual(['n2', 'n3']);
  expect(await ward.ask('o1', previewTurns, { ...tried, timeZone: 'Mars/Base' })).toMatchObject({
    error: { issues: [{ path: 'timeZone' }] },
  });

  const { overrides, version } = await answerOf(getSchedule, { scheduleId: 'nights' });
  expect({ version, people: overrides.map(({ person }) => person) }).toEqual({ version: 1, people: ['n2'] });
  const ending = { scheduleId: 'nights', overrideId: overrides[0]?.overrideId };
  expect(await ward.send('o1', endOverride, ending)).toMatchObject({ ok: true });
  expect(await ward.send('o1', endOverride, ending)).toEqual(refused('not_found'));
  expect((await answerOf(reportCoverage, { until: after(3) })).gaps).not.toEqual([]);
});

test('a schedule whose time zone this release does not know calls nobody by its turns, and holds up nobody else', async () => {
  const { url } = ward.infrastructure.postgres;
  const database = openDatabase({ url, service: 'alert-escalation', maxConnections: 1 });
  await database.query(`update schedule set body = jsonb_set(body, '{timeZone}', '"Mars/Base"')`);
  await database.close();
  const next = alertOf(await ward.send('n1', raiseAlert, { ...fall, kind: 'stroke' }));
  expect(next).toMatchObject({ level: 3, pages: [{ person: 'o1', level: 3 }] });
  expect(await answerOf(listOnCall, {})).toMatchObject({ items: [{ scheduleId: 'nights', person: null }] });
  expect((await answerOf(reportCoverage, { until: after(3) })).gaps).not.toEqual([]);
  // Who stands in is named by instants: no zone is needed.
  const override = { scheduleId: 'nights', person: 'n2', from: after(0), until: after(5) };
  expect(await ward.send('o1', overrideSchedule, override)).toMatchObject({ ok: true });
  const taken = alertOf(await ward.send('n1', raiseAlert, { ...fall, kind: 'seizure' }));
  expect(taken).toMatchObject({ level: 1, pages: [{ person: 'n2', level: 1 }] });
});
