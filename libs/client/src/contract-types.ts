/** Operations and events of the contracts by name, so that calls and messages are typed; nothing of it runs. */
import type {
  CommandDefinition,
  DataOf,
  EventDefinition,
  InputOf,
  QueryDefinition,
  ResultOf,
} from '@carillon/contracts/define';
import type { presenceEvents } from '@carillon/contracts/presence';
import type { SurfaceDefinition } from '@carillon/contracts/surface';
import type { technicalChanged } from '@carillon/contracts/technical';

type OperationDefinition = Extract<SurfaceDefinition, CommandDefinition | QueryDefinition>;
type Operations = { [D in OperationDefinition as D['name']]: D };
/** Of rooms with a history, and of those that show a state. */
type EventLike =
  Extract<SurfaceDefinition, EventDefinition> | (typeof presenceEvents)[number] | typeof technicalChanged;
type Events = { [D in EventLike as D['name']]: D };

export type OperationName = keyof Operations;
export type Input<N extends OperationName> = InputOf<Operations[N]>;
export type Result<N extends OperationName> = ResultOf<Operations[N]>;
export type EventName = keyof Events;
export type EventData<N extends EventName> = DataOf<Events[N]>;
