/**
 * What the people of the demo hospital have planned: a doctor on call, a code team, a policy that calls both, and where the
 * wards are. Written once, by the operations that people use: what somebody changes afterwards stays.
 */
import { setTimeout as delay } from 'node:timers/promises';

const planner = 'a1';
const policyId = 'resuscitation';
const schedule = {
  name: 'Doctor on call',
  timeZone: 'Asia/Kuala_Lumpur',
  layers: [{ people: ['d1', 'd2'], startsOn: '2026-01-05', handOverAt: '08:00', everyDays: 7 }],
};
const group = { name: 'Code team', people: ['r1', 'd1', 'n2'], isCalledOffShift: true };
/** Of a kind that nothing of the demo raises by itself: all else runs by the default policy. */
const policy = {
  name: 'Resuscitation',
  applies: { kinds: ['arrest'] },
  levels: [
    {
      afterSeconds: 0,
      targets: [{ kind: 'bedNurse' }, { kind: 'group', group: 'code-team' }],
      deliverWithinSeconds: 10,
    },
    { afterSeconds: 30, targets: [{ kind: 'schedule', schedule: 'doctor-on-call' }] },
    { afterSeconds: 60, targets: [{ kind: 'failsafe' }] },
  ],
  repeatSeconds: 60,
};
/** The policy last: where it was written once, all that it needs was. */
const steps: readonly { path: string; body: unknown }[] = [
  { path: '/v1/wards/w1/place', body: { latitude: 3.1714, longitude: 101.7009, floor: 2 } },
  { path: '/v1/wards/w2/place', body: { latitude: 3.1718, longitude: 101.7013, floor: 4 } },
  { path: '/v1/schedules/doctor-on-call', body: { ...schedule, ifVersion: 0 } },
  { path: '/v1/groups/code-team', body: { ...group, ifVersion: 0 } },
  { path: `/v1/policies/${policyId}`, body: { ...policy, ifVersion: 0 } },
];

const againAfterMs = 1_000;
const callWithinMs = 5_000;
/** Just after a start the hospital may not be known everywhere; what is still refused after this is a fault. */
const tries = 60;

type DemoPlans = { stop(): Promise<void> };

/** @param log told if they cannot be written */
export function startDemoPlans({ baseUrl, log }: { baseUrl: string; log: (message: string) => void }): DemoPlans {
  const stopped = new AbortController();

  async function ask(method: string, path: string, body?: unknown, token?: string): Promise<Response> {
    return fetch(new URL(path, baseUrl), {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.any([stopped.signal, AbortSignal.timeout(callWithinMs)]),
    });
  }

  /** @throws Error for what is to be tried again */
  async function plan(): Promise<void> {
    const signIn = await ask('POST', '/v1/dev/token', { person: planner });
    if (!signIn.ok) throw new Error(`sign-in answers ${signIn.status}`);
    const { token } = (await signIn.json()) as { token: string };
    const known = await ask('GET', `/v1/policies/${policyId}?atVersion=1`, undefined, token);
    if (known.ok) return;
    if (known.status !== 404) throw new Error(`${policyId} answers ${known.status}`);
    for (const { path, body } of steps) {
      const answer = await ask('PUT', path, body, token);
      // Somebody has one of his own by this id.
      if (!answer.ok && answer.status !== 409) throw new Error(`${path} answers ${answer.status}`);
    }
  }

  async function planInTheEnd(): Promise<void> {
    for (let count = 1; !stopped.signal.aborted; count += 1) {
      try {
        return await plan();
      } catch (error) {
        if (stopped.signal.aborted) return;
        if (count === tries) return log(`the demo hospital has no plans: ${String(error)}`);
      }
      await delay(againAfterMs, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  }

  const planning = planInTheEnd();
  return {
    async stop() {
      stopped.abort();
      await planning;
    },
  };
}
