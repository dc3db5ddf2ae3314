/** From the command line to whom and what a run works with; with `--dev` the gateway itself is asked. */
import { roles, staffRoles } from '@carillon/contracts/define';
import { claimOf } from './claims.ts';
import { callHttp, field } from './http.ts';
import type { Options } from './options.ts';
import type { Given, Need, Target } from './setting.ts';

const withinMs = 10_000;

const ask = async (url: URL, method: string, path: string, call = {}): Promise<unknown> => {
  const { status, body } = await callHttp(url, [method, path], call);
  if (status !== 200) throw new Error(`${method} ${path} is answered ${status}; is CARILLON_DEV_TOKENS on?`);
  return body;
};
const listOf = (value: unknown, name: string): unknown[] => {
  const list = field(value, name);
  return Array.isArray(list) ? list : [];
};

type DemoPerson = { person: string; roles: string[]; wards: string[] };

async function findDemo(url: URL): Promise<{ token: string; given: Given }> {
  const people = listOf(await ask(url, 'GET', '/v1/dev/people'), 'items') as DemoPerson[];
  const whoHas = (fits: (person: DemoPerson) => boolean): DemoPerson | undefined => people.find(fits);
  const nurse = whoHas(
    (each) => each.wards.length > 0 && each.roles.some((role) => staffRoles.includes(role as never)),
  );
  if (nurse === undefined) throw new Error('No member of staff with a ward among the demo people; give --token');
  const tokenOf = async (person: DemoPerson | undefined, more = {}): Promise<string | undefined> =>
    person === undefined
      ? undefined
      : String(field(await ask(url, 'POST', '/v1/dev/token', { body: { person: person.person, ...more } }), 'token'));
  const token = (await tokenOf(nurse)) ?? '';
  const operatorToken = await tokenOf(whoHas((each) => each.roles.includes('operator')));
  const otherToken = await tokenOf(whoHas((each) => each.roles.includes('patient')));
  const revocableToken = await tokenOf(nurse);
  // Older gateways know no `mfa` here.
  const mfaToken = await tokenOf(nurse, { mfa: true }).catch(() => undefined);
  const patientsOf = async (ward: string | undefined): Promise<string[]> => {
    if (ward === undefined || operatorToken === undefined) return [];
    const found = await ask(url, 'GET', `/v1/wards/${ward}`, { token: operatorToken });
    return listOf(found, 'beds').flatMap((bed) => {
      const patient = field(bed, 'patientId');
      return typeof patient === 'string' ? [patient] : [];
    });
  };
  const ward = nurse.wards[0];
  const foreignWard = people.flatMap((each) => each.wards).find((each) => !nurse.wards.includes(each));
  const [patient] = await patientsOf(ward);
  const [foreignPatient] = await patientsOf(foreignWard);
  const found: Partial<Record<Need, string | undefined>> = {
    operatorToken,
    otherToken,
    revocableToken,
    mfaToken,
    ward,
    patient,
    foreignPatient,
  };
  const given = Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)) as Given;
  return { token, given };
}

/** @throws Error for people */
export async function findTarget({ url, token: named, isDev, given }: Options): Promise<Target> {
  const found = isDev ? await findDemo(url) : { token: '', given: {} };
  const token = named ?? found.token;
  return { ...targetOf(url, token, { ...found.given, ...given }), withinMs };
}

/** @throws Error when the token does not say who is meant */
export function targetOf(url: URL, token: string, given: Given): Target {
  const [person, hospital, granted] = [claimOf(token, 'sub'), claimOf(token, 'hospital'), claimOf(token, 'roles')];
  const isStaff = Array.isArray(granted) && granted.some((role) => staffRoles.includes(role as never));
  if (typeof person !== 'string' || typeof hospital !== 'string' || !isStaff) {
    const others = roles.filter((role) => !staffRoles.includes(role as never)).join(', ');
    throw new Error(
      `--token must have sub, hospital, and one of the roles ${staffRoles.join(', ')}; not only ${others}`,
    );
  }
  return { url, me: { token, person, hospital }, given, withinMs };
}
