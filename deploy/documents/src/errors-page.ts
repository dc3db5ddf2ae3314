import {
  closeCodes,
  closeReasons,
  errors,
  vitalItemErrors,
  type CloseReason,
  type Retry,
} from '@carillon/contracts/errors';
import { code, table } from './markdown.ts';

const advice: Readonly<Record<Retry, string>> = {
  never: 'Do not repeat it as it is: mend it, or tell the user',
  backoff: 'Repeat it with the same key, with growing and random pauses',
  after: 'Wait as long as the answer says, then repeat it with the same key',
  reauth: 'Get a new token, then repeat it',
  resnapshot: 'Load the entity anew, show what is so now, and decide again',
};

/** By the first two digits of a close code. */
const closeAdvice: Readonly<Record<string, string>> = {
  '40': 'Reconnect with growing, random pauses, and resume',
  '41': 'Get a new token, reconnect, resume',
  '42': 'Reconnect without positions and load the state anew',
  '43': 'Wait as told, then reconnect',
  '44': 'Stop, and tell the user',
};

const errorRows = Object.entries(errors).map(([name, { status, retry, when }]) => [
  code(name),
  String(status),
  code(retry),
  when,
]);
const closeRows = Object.entries(closeCodes).map(([reason, number]) => [
  String(number),
  closeReasons[reason as CloseReason],
  closeAdvice[String(number).slice(0, 2)] ?? '',
]);

export const errorsPage = (): string => `# Errors

Every error has a code. Decide by the code; the message is for people and may change.

- HTTP: \`{"error":{"code","message","issues"?,"afterMs"?}}\` with the status of the table.
- WebSocket: \`{"t":"err","id","code","message","retry","afterMs"?,"issues"?}\`.
- FHIR: an OperationOutcome; see the CapabilityStatement at \`/fhir/R4/metadata\`.

${table(['Code', 'HTTP', 'Retry', 'When'], errorRows)}

## What to do

${table(
  ['Retry', 'The client'],
  Object.entries(advice).map(([retry, words]) => [code(retry), words]),
)}

## Items of a batch of vital signs

\`POST /v1/vitals\` keeps the good items of a batch and names the others in \`rejected\`, each with its \`index\` and one of these codes. Do not send a rejected item again as it is.

${table(
  ['Code', 'Meaning'],
  Object.entries(vitalItemErrors).map(([name, words]) => [code(name), words]),
)}

## Close codes of a WebSocket

${table(['Code', 'When', 'The client'], closeRows)}

1001, 1006 and 1011 to 1014 are as 40xx; after 1002, 1003, 1007 and 1009 stop.
`;
