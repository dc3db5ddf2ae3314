/** Everything of the protocol that a run can come upon, from contracts: what no check reaches must have a reason. */
import { lanes } from '@carillon/contracts/define';
import { closeCodes, errors } from '@carillon/contracts/errors';
import { clientFrames, recoveries, subscriptionEnds } from '@carillon/contracts/gateway';
import { serverFrames } from '@carillon/contracts/server-frames';

/** e.g. `close 4400`, `error bad_frame`, `server frame ready`. */
export type Code =
  `${'client frame' | 'server frame' | 'error' | 'retry' | 'recovery' | 'lane' | 'end' | 'close'} ${string}`;

const retries = new Set(Object.values(errors).map(({ retry }) => retry));

export const allCodes: readonly Code[] = [
  ...Object.keys(clientFrames).map((type): Code => `client frame ${type}`),
  ...Object.keys(serverFrames).map((type): Code => `server frame ${type}`),
  ...Object.keys(errors).map((code): Code => `error ${code}`),
  ...[...retries].map((retry): Code => `retry ${retry}`),
  ...recoveries.map((recovery): Code => `recovery ${recovery}`),
  ...lanes.map((lane): Code => `lane ${lane}`),
  ...Object.keys(subscriptionEnds).map((code): Code => `end ${code}`),
  ...Object.values(closeCodes).map((code): Code => `close ${code}`),
];

/** What cannot be brought about from outside, or not without harm to others, and who tests it instead. */
export const notProvoked: Readonly<Partial<Record<Code, string>>> = {
  'server frame reset': 'a stream must be deleted or lose messages; the tests of the hub do that',
  'server frame goaway': 'the gateway must be stopped, which ends it for everybody; its own tests do that',
  'close 4000': 'the gateway must be stopped, which ends it for everybody; its own tests do that',
  'close 4002': 'kept for gateways that refuse a position; here one that cannot be read is answered with `lost`',
  'close 4004': 'needs a defect of the gateway',
  'close 4200': 'kept for gateways that void what clients know; here `reset` says so room by room',
  'close 4300': 'the gateway must be full',
  'error internal': 'needs a defect of the gateway',
  'error expired': 'a command must wait for minutes, so a service must be down',
};
