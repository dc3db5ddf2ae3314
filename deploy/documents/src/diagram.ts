/** The house as a Mermaid diagram: who publishes to which stream, and who reads it. */
import { ownersOf, sendersOf, serviceNames, servicesWithDatabase } from '@carillon/contracts/define';
import { durables } from '@carillon/contracts/nats-permissions';
import { commandStream, peopleBucket, streams } from '@carillon/contracts/streams';
import { commands, events, queries, rooms } from '@carillon/contracts/surface';

const unique = (lines: readonly string[]): string[] => [...new Set(lines)];
/** In an id Mermaid might read a hyphen as the start of an arrow. */
const node = (service: string): string => service.replaceAll('-', '_');

export function houseDiagram(): string {
  const lines = [
    'flowchart TB',
    '  clients([people and devices]) <-->|WebSocket, SSE, HTTP| gateway',
    ...serviceNames.map((service) => `  ${node(service)}[${service}]`),
    '  subgraph jetstream [NATS JetStream]',
    ...Object.keys(streams).map((stream) => `    ${stream}[(${stream})]`),
    `    ${peopleBucket}[(key-value ${peopleBucket})]`,
    '  end',
    ...commands.flatMap((command) =>
      ownersOf(command).flatMap((owner) =>
        sendersOf(command).map((sender) => `  ${node(sender)} -->|commands| ${commandStream(owner)}`),
      ),
    ),
    '  gateway -->|readings| INTAKE',
    ...events.map(({ owner, stream }) => `  ${node(owner)} -->|events| ${stream}`),
    ...durables.map(({ stream, service }) => `  ${stream} --> ${node(service)}`),
    ...rooms.map(({ stream }) => `  ${stream} -->|rooms| gateway`),
    `  directory -->|who may what| ${peopleBucket}`,
    `  ${peopleBucket} --> gateway`,
    ...servicesWithDatabase.map((service) => `  ${node(service)} -->|what failed| DEADLETTERS`),
    ...queries.flatMap(ownersOf).map((owner) => `  gateway -.->|queries| ${node(owner)}`),
  ];
  return ['```mermaid', ...unique(lines), '```'].join('\n');
}
