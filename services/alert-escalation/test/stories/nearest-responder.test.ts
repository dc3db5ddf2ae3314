import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { encode } from '@carillon/bus/request';
import { acknowledgeAlert, raiseAlert } from '@carillon/contracts/alert-escalation';
import { wardChanged } from '@carillon/contracts/directory';
import { setPolicy } from '@carillon/contracts/escalation-policies';
import { placeWard, positionSubject, type PositionSignal } from '@carillon/contracts/positions';
import { openDatabase, type Database } from '@carillon/database/database';
import { eventually } from '@carillon/testkit/eventually';
import { alertOf, openWard, type WardStory } from '../ward.ts';
import { hospital } from '../world.ts';

let ward: WardStory;
let bus: Bus;
let database: Database;

beforeAll(async () => {
  ward = await openWard();
  await ward.startEngine();
  bus = await connectBus({ url: ward.infrastructure.nats.url, name: 'outside' });
  database = openDatabase({ url: ward.infrastructure.postgres.url, service: 'alert-escalation' });
  await ward.tell(wardChanged, 'w1', { wardId: 'w1', name: 'Ward 1', beds: [], version: 1 });
});
afterAll(async () => {
  await database.close();
  await bus.close();
  await ward.stop();
});

const place = { latitude: 51.5, longitude: -0.1 };
/** A degree of latitude has 111 km. */
const metresNorth = (metres: number) => ({ ...place, latitude: place.latitude + metres / 111_195 });
const raise = async (kind: string) =>
  alertOf(await ward.send('n1', raiseAlert, { patientId: 'p1', kind, priority: 'high', message: kind }));
const calledOf = ({ pages }: Awaited<ReturnType<typeof raise>>): string[] => pages.map(({ person }) => person);

/** As a gateway tells it; until the engine has it. */
async function walk(person: string, metres: number): Promise<void> {
  const signal: PositionSignal = { ...metresNorth(metres), floor: null, measuredAt: ward.now() };
  bus.nc.publish(positionSubject(hospital, person), encode(signal));
  await eventually(
    async () => {
      const { rows } = await database.query<{ at: Date }>('select measured_at as at from position where person = $1', [
        person,
      ]);
      return rows[0]?.at.getTime() === signal.measuredAt ? true : undefined;
    },
    { what: `the position of ${person}` },
  );
}

test('the nearest of the role is called, and the others when he does not answer', async () => {
  const levels = [
    { afterSeconds: 0, targets: [{ kind: 'nearest' as const, role: 'nurse' as const, withinMetres: 500 }] },
    { afterSeconds: 20, targets: [{ kind: 'nearest' as const, role: 'nurse' as const, count: 3 }] },
    { afterSeconds: 300, targets: [{ kind: 'failsafe' as const }] },
  ];
  expect(await ward.send('d1', setPolicy, { policyId: 'default', levels, repeatSeconds: 300 })).toMatchObject({
    ok: true,
  });
  await eventually(
    async () => ((await ward.send('a1', placeWard, { wardId: 'w1', ...place }))?.ok === true ? true : undefined),
    { what: 'the place of the ward' },
  );
  await walk('n1', 900);
  await walk('n2', 300);
  await walk('n3', 20);
  const first = await raise('fall');
  expect(calledOf(first)).toEqual(['n3']);
  ward.leap(20);
  await ward.page('n2', 2);
  await ward.page('n1', 2);
  expect(alertOf(await ward.send('n3', acknowledgeAlert, { alertId: first.alertId })).state).toBe('acknowledged');
});

test('who owns an alert of this priority is passed over, and a position of a minute ago counts no more', async () => {
  await walk('n1', 400);
  await walk('n2', 300);
  await walk('n3', 10);
  // n3 is with the patient of the first alert.
  expect(calledOf(await raise('sos'))).toEqual(['n2']);
  ward.leap(61);
  await walk('n1', 450);
  expect(calledOf(await raise('bleeding'))).toEqual(['n1']);
  ward.leap(61);
  // Nobody is seen: the role in the ward, by name.
  expect(calledOf(await raise('choking'))).toEqual(['n1']);
});

test('I19: responders who move while two of them accept leave one owner', async () => {
  await walk('n1', 30);
  await walk('n2', 20);
  const { alertId } = await raise('seizure');
  const replies = await Promise.all([
    ward.send('n1', acknowledgeAlert, { alertId }),
    walk('n1', 5),
    ward.send('n2', acknowledgeAlert, { alertId }),
    walk('n2', 800),
  ]);
  const answers = [replies[0], replies[2]];
  expect(answers.filter((reply) => reply?.ok === true)).toHaveLength(1);
  const owner = answers[0]?.ok === true ? 'n1' : 'n2';
  const { rows } = await database.query<{ actor: string }>(
    `select actor from alert_log where alert_id = $1 and kind = 'acknowledged'`,
    [alertId],
  );
  expect(rows).toEqual([{ actor: owner }]);
});

test('where somebody is who is not on shift is not kept', async () => {
  const signal: PositionSignal = { ...place, floor: null, measuredAt: ward.now() };
  // A patient; what comes after him proves that he was seen.
  bus.nc.publish(positionSubject(hospital, 'p1'), encode(signal));
  await walk('n2', 7);
  const { rows } = await database.query('select person from position where person = $1', ['p1']);
  expect(rows).toEqual([]);
});

test('a signal that is no position is passed over, and the connection stays', async () => {
  bus.nc.publish(positionSubject(hospital, 'n2'), new TextEncoder().encode('{'));
  bus.nc.publish(positionSubject(hospital, 'n2'), encode({ latitude: 91 }));
  await walk('n2', 8);
});

test('who comes to an alert that needs more of them is called to no other', async () => {
  const team = {
    policyId: 'team',
    applies: { kinds: ['lift'] },
    levels: [{ afterSeconds: 0, targets: [{ kind: 'wardRole', role: 'nurse' }, { kind: 'failsafe' }], needs: 4 }],
    repeatSeconds: 300,
  };
  expect(await ward.send('d1', setPolicy, team)).toMatchObject({ ok: true });
  ward.leap(3_600);
  const lift = await raise('lift');
  const taken = alertOf(await ward.send('n2', acknowledgeAlert, { alertId: lift.alertId }));
  expect(taken.state).toBe('open');
  await walk('n2', 10);
  await walk('n1', 300);
  expect(calledOf(await raise('vertigo'))).not.toContain('n2');
});
