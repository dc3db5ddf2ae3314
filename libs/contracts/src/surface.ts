/** Everything that clients can reach, in one list each: what the gateway serves and what the documents are made of. */
import * as access from './access.ts';
import * as admissions from './admissions.ts';
import * as alertEscalation from './alert-escalation.ts';
import * as callOuts from './call-outs.ts';
import * as deadLetters from './dead-letters.ts';
import type {
  CommandDefinition,
  ConsumerDefinition,
  EventDefinition,
  QueryDefinition,
  RoomDefinition,
  RouteDefinition,
  StateRoomDefinition,
} from './define.ts';
import * as devices from './devices.ts';
import * as directory from './directory.ts';
import * as escalationPolicies from './escalation-policies.ts';
import * as figures from './figures.ts';
import * as fhir from './fhir.ts';
import * as gateway from './gateway.ts';
import * as gatewayStats from './gateway-stats.ts';
import * as history from './history.ts';
import * as limits from './limits.ts';
import * as monitoring from './monitoring.ts';
import * as notices from './notices.ts';
import * as plans from './plans.ts';
import * as positions from './positions.ts';
import * as presence from './presence.ts';
import * as push from './push.ts';
import * as receipts from './receipts.ts';
import * as technical from './technical.ts';
import * as response from './response.ts';
import * as scores from './scores.ts';
import * as silences from './silences.ts';

type Definition =
  | CommandDefinition
  | QueryDefinition
  | EventDefinition
  | RoomDefinition
  | StateRoomDefinition
  | ConsumerDefinition
  | RouteDefinition;

const isDefinition = (value: unknown): value is Definition =>
  typeof value === 'object' && value !== null && 'kind' in value && !Array.isArray(value) && 'name' in value;

const files = [
  directory,
  admissions,
  notices,
  access,
  monitoring,
  figures,
  devices,
  limits,
  scores,
  history,
  alertEscalation,
  escalationPolicies,
  plans,
  positions,
  silences,
  deadLetters,
  receipts,
  callOuts,
  push,
  gateway,
  gatewayStats,
  presence,
  technical,
  response,
  fhir,
] as const;
const definitions: readonly Definition[] = files.flatMap((file) => Object.values<unknown>(file).filter(isDefinition));

type ValuesOf<M> = M extends unknown ? M[keyof M] : never;
/** The same list as a type: what a client's types are made of, without the schemas. */
export type SurfaceDefinition = Extract<ValuesOf<(typeof files)[number]>, Definition>;

/** Schemas that documents show by name: `alertSchema` is `Alert`. */
export const schemaNames: ReadonlyMap<unknown, string> = new Map(
  files.flatMap((file) =>
    Object.entries<unknown>(file)
      .filter(([name]) => name.endsWith('Schema') && name !== 'clientFrameSchema')
      .map(([name, schema]) => [schema, `${name[0]?.toUpperCase()}${name.slice(1, -'Schema'.length)}`] as const),
  ),
);

const ofKind = <K extends Definition['kind']>(kind: K): readonly Extract<Definition, { kind: K }>[] =>
  definitions.filter((definition): definition is Extract<Definition, { kind: K }> => definition.kind === kind);

export const commands = ofKind('command');
/** Those that go over NATS. */
export const queries = ofKind('query').filter(({ servedBy }) => servedBy === undefined);
/** Those that the gateway answers by itself. */
export const gatewayQueries = ofKind('query').filter(({ servedBy }) => servedBy !== undefined);
export const events = ofKind('event');
export const rooms = ofKind('room');
export const stateRooms = ofKind('stateRoom');
/** Durable consumers of events. Those of commands and readings are derived: `commandDurable`, `intakeDurable`. */
export const consumers = ofKind('consumer');
/** What HTTP serves besides operations. */
export const routes = ofKind('route');

/** Commands and queries by name: what a `call` frame and HTTP may ask for. Internal ones are none of these. */
export const operations: ReadonlyMap<string, CommandDefinition | QueryDefinition> = new Map(
  [...commands.filter(({ internal }) => internal !== true), ...queries, ...gatewayQueries].map((operation) => [
    operation.name,
    operation,
  ]),
);
