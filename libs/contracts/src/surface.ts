/** Everything that clients can reach, in one list each: what the gateway serves and what the documents are made of. */
import * as alertEscalation from './alert-escalation.ts';
import type { CommandDefinition, EventDefinition, QueryDefinition, RoomDefinition } from './define.ts';
import * as directory from './directory.ts';
import * as monitoring from './monitoring.ts';

type Definition = CommandDefinition | QueryDefinition | EventDefinition | RoomDefinition;

const isDefinition = (value: unknown): value is Definition =>
  typeof value === 'object' && value !== null && 'kind' in value && !Array.isArray(value) && 'name' in value;

const definitions: readonly Definition[] = [directory, monitoring, alertEscalation].flatMap((file) =>
  Object.values<unknown>(file).filter(isDefinition),
);

const ofKind = <K extends Definition['kind']>(kind: K): readonly Extract<Definition, { kind: K }>[] =>
  definitions.filter((definition): definition is Extract<Definition, { kind: K }> => definition.kind === kind);

export const commands = ofKind('command');
export const queries = ofKind('query');
export const events = ofKind('event');
export const rooms = ofKind('room');

/** Commands and queries by name: what a `call` frame may ask for. */
export const operations: ReadonlyMap<string, CommandDefinition | QueryDefinition> = new Map(
  [...commands, ...queries].map((operation) => [operation.name, operation]),
);
