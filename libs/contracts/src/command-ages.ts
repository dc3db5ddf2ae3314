/**
 * How long each command may wait before it is done. Apart from the schemas, since a client needs it while it runs and
 * carries no schema library: what waits for a connection longer than this is no longer what its caller wanted.
 */
export const commandAgesMs = {
  'alert:raise': 10 * 60_000,
  'alert:acknowledge': 5 * 60_000,
  'alert:decline': 5 * 60_000,
  'alert:resolve': 5 * 60_000,
  'policy:set': 60_000,
  'hospital:import': 10 * 60_000,
  'limits:set': 60_000,
  'deadLetter:putBack': 60_000,
  'access:revoke': 86_400_000,
  'access:breakGlass': 60_000,
  'access:endBreakGlass': 86_400_000,
  'session:logout': 86_400_000,
  'person:disconnect': 60_000,
  'subscription:end': 60_000,
  'notice:publish': 5 * 60_000,
  'notification:subscribe': 60_000,
  'notification:unsubscribe': 60_000,
} as const satisfies Readonly<Record<string, number>>;
