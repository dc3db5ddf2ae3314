/** The command line of `npm run conformance`. */
import { parseArgs } from 'node:util';
import type { Need } from './setting.ts';

const texts: Readonly<Record<string, Need>> = {
  'other-token': 'otherToken',
  'operator-token': 'operatorToken',
  'expired-token': 'expiredToken',
  'expiring-token': 'expiringToken',
  'revocable-token': 'revocableToken',
  'mfa-token': 'mfaToken',
  ward: 'ward',
  patient: 'patient',
  'foreign-patient': 'foreignPatient',
  'absent-query': 'absentQuery',
};

export const usage = `npm run conformance -- --url ws://host:port (--token JWT | --dev) [options]

  --url URL                 ws, wss, http or https; of the gateway, without a path
  --token JWT               of a nurse, doctor or responder
  --dev                     gets what tokens it can by POST /v1/dev/token, and finds wards and patients by itself
  --operator-token JWT      an operator or admin of the same hospital; the gateway has CARILLON_TEST_PUBLISH=on
  --other-token JWT         another person, best a patient: his limits are used up, his connections ended
  --expired-token JWT       the person of --token, past
  --expiring-token JWT      the same, with 3 to 50 s left
  --revocable-token JWT     the same, with a jti: it is revoked
  --mfa-token JWT           the same, with a fresh second factor
  --ward ID                 a ward of that person
  --patient ID              a patient of that ward
  --foreign-patient ID      a patient of another ward
  --absent-query NAME       a query whose service does not run
  --neighbour-ms N          how late the healthy neighbour may be served; 1000
  --only TEXT               only checks whose name holds this; coverage is not judged
  --help                    this text
  --json                    the report as JSON, and nothing else

Not for a hospital at work: it makes alerts and events up, ends connections, and is hostile to the gateway.`;

export type Options = {
  url: URL;
  token: string | undefined;
  isDev: boolean;
  isJson: boolean;
  only: string | undefined;
  neighbourMs: number;
  given: Partial<Record<Need, string>>;
};

/** @throws Error with what is wrong, for people */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...Object.fromEntries(Object.keys(texts).map((name) => [name, { type: 'string' as const }])),
      url: { type: 'string' },
      token: { type: 'string' },
      only: { type: 'string' },
      'neighbour-ms': { type: 'string', default: '1000' },
      dev: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  if (values.url === undefined || !URL.canParse(values.url)) throw new Error('--url is missing, or no URL');
  if (!values.dev && values.token === undefined) throw new Error('--token or --dev is missing');
  const neighbourMs = Number(values['neighbour-ms']);
  if (!(neighbourMs > 0)) throw new Error('--neighbour-ms is no number above 0');
  const url = new URL(values.url);
  if (!['ws:', 'wss:', 'http:', 'https:'].includes(url.protocol)) throw new Error('--url is neither ws nor http');
  // The schemes pair up: `fetch` wants http, and nothing else here asks for more than whether it is secure.
  url.protocol = url.protocol === 'wss:' || url.protocol === 'https:' ? 'https:' : 'http:';
  const rest: Readonly<Record<string, unknown>> = values;
  return {
    url,
    token: values.token,
    isDev: values.dev,
    isJson: values.json,
    only: values.only,
    neighbourMs,
    given: Object.fromEntries(
      Object.entries(texts).flatMap(([name, need]) => (typeof rest[name] === 'string' ? [[need, rest[name]]] : [])),
    ),
  };
}
