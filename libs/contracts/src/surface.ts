/** Everything that clients can reach, in one list each: what the gateway serves and what the documents are made of. */
import * as alertEscalation from './alert-escalation.ts';
import * as deadLetters from './dead-letters.ts';
import type {
  CommandDefinition,
  ConsumerDefinition,
  EventDefinition,
  QueryDefinition,
  RoomDefinition,
  RouteDefinition,
} from './define.ts';
import * as directory from './directory.ts';
import * as fhir from './fhir.ts';
import * as gateway from './gateway.ts';
import * as monitoring from './monitoring.ts';

type Definition =
  CommandDefinition | QueryDefinition | EventDefinition | RoomDefinition | ConsumerDefinition | RouteDefinition;

const isDefinition = (value: unknown): value is Definition =>
  typeof value === 'object' && value !== null && 'kind' in value && !Array.isArray(value) && 'name' in value;

const files = [directory, monitoring, alertEscalation, deadLetters, gateway, fhir] as const;
const definitions: readonly Definition[] = files.flatMap((file) => Object.values<unknown>(file).filter(isDefinition));

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
export const queries = ofKind('query');
export const events = ofKind('event');
export const rooms = ofKind('room');
/** Durable consumers of events. Those of commands and readings are derived: `commandDurable`, `intakeDurable`. */
export const consumers = ofKind('consumer');
/** What HTTP serves besides operations. */
export const routes = ofKind('route');

/** Commands and queries by name: what a `call` frame may ask for. */
export const operations: ReadonlyMap<string, CommandDefinition | QueryDefinition> = new Map(
  [...commands, ...queries].map((operation) => [operation.name, operation]),
);
