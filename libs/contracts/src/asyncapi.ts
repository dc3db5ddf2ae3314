/** What moves by itself, as an AsyncAPI 3.0 document: frames and rooms for clients, subjects on NATS for services. */
import {
  addOperation,
  addressed,
  eventHeadersSchema,
  nats,
  reference,
  tagged,
  traceHeaders,
  webSocket,
  withMessages,
  type Document,
  type Message,
} from './asyncapi-parts.ts';
import {
  ownersOf,
  plannedServices,
  sendersOf,
  type CommandDefinition,
  type EventDefinition,
  type QueryDefinition,
  type RoomDefinition,
  type ServiceName,
  type StateRoomDefinition,
} from './define.ts';
import {
  createSchemaWriter,
  documentVersion,
  identifier,
  rulesInWords,
  type Json,
  type SchemaWriter,
} from './document-parts.ts';
import { clientFrames, httpErrorSchema } from './gateway.ts';
import { intakeSchema } from './monitoring.ts';
import { durables } from './nats-permissions.ts';
import { eventsOf } from './room-events.ts';
import { Shape, Type, type TObject, type TSchema } from './schema.ts';
import { serverFrames } from './server-frames.ts';
import { commandStream, commandSubject, intakeSubject, querySubject, streams } from './streams.ts';
import { commands, consumers, events, queries, rooms, stateRooms } from './surface.ts';

/** In what a service is sent; `libs/runtime` defines them, since it reads them. */
export type Envelopes = { command: TObject; query: TObject };

const overview = `What clients see live, and what the services say to one another.

**Clients** speak the protocol \`carillon.v1\` with the gateway: JSON text frames over one WebSocket. They call commands and \
queries, and subscribe to *rooms*; the messages of a room come as \`msg\` frames whose \`data\` is the event as it is described \
here. A room can be resumed from the position of its last message. In words: \`/docs/protocol.md\`. The same rooms come as \
Server-Sent Events, and the same calls over HTTP: \`/docs/openapi.json\`.

**Services** speak over NATS JetStream only. A *command* is stored in a work queue and done once in effect; an *event* is \
published by its owner after its transaction has committed; a *query* is a read by request and reply. Every user of NATS may \
use just the subjects that this document names for it.`;

function addFrames(document: Document): void {
  const { channels, schemas } = document;
  const written = (frames: Readonly<Record<string, TSchema>>, side: string): Message[] =>
    Object.entries(frames).map(([name, schema]) => ({ name: `${side} ${name}`, payload: schemas.write(schema) }));
  const fromClients = written(clientFrames, 'client');
  const fromServer = written(serverFrames, 'server');
  channels['frames'] = {
    address: '/realtime/ws',
    title: 'Frames',
    description:
      'One JSON object a line. Each `id` of a client gets exactly one of `ready`, `ok`, `err` and `subscribed`. The same is ' +
      'served at `/realtime/ws/patient/:id` and `/realtime/ws/hospital/:id`, with the rooms of that patient or hospital joined.',
    ...webSocket,
    ...withMessages([...fromClients, ...fromServer]),
  };
  addOperation(document, 'gatewayReceivesFrames', 'receive', 'frames', {
    summary: 'What a client may say.',
    ...tagged('gateway'),
    messages: fromClients.map(({ name }) => name),
  });
  addOperation(document, 'gatewaySendsFrames', 'send', 'frames', {
    summary: 'What the gateway says.',
    ...tagged('gateway'),
    messages: fromServer.map(({ name }) => name),
  });
}

const recoveryWords: Readonly<Record<RoomDefinition['recovery'], string>> = {
  complete: 'Resumes complete, or says `lost`.',
  latest: 'Resumes with the newest message of each key.',
};
/** An event as it stands in a frame. */
const roomMessage = (
  { name, description, data }: { name: string; description: string; data: TSchema },
  schemas: SchemaWriter,
): Message => ({
  name,
  summary: description,
  payload: {
    allOf: [
      { $ref: '#/components/schemas/MessageFrame' },
      { type: 'object', properties: { ev: { const: name }, data: schemas.write(data) } },
    ],
  },
});

function addRoom(document: Document, room: RoomDefinition): void {
  const { channels, schemas } = document;
  const channel = identifier(`room ${room.name}`);
  channels[channel] = {
    ...addressed(room.name, `Id of the ${room.name.split(':')[0] ?? ''}`),
    title: `Room ${room.name}`,
    description: [
      room.description,
      rulesInWords(room.allow),
      `Lane ${room.lane}. ${recoveryWords[room.recovery]} A view of the stream ${room.stream}; version ${room.version}.`,
    ].join('\n\n'),
    ...webSocket,
    ...withMessages(eventsOf(room).map((event) => roomMessage(event, schemas))),
  };
  addOperation(document, identifier(`gateway shows ${room.name}`), 'send', channel, {
    summary: room.description,
    ...tagged('gateway'),
  });
}

/** A state room has no stream: its messages are the gateway's own. */
function addStateRoom(document: Document, room: StateRoomDefinition): void {
  const { channels, schemas } = document;
  const { name, description, allow, lane, version, data, events: changes } = room;
  const channel = identifier(`room ${name}`);
  const entered = identifier(`${name} snapshot`);
  channels[channel] = {
    ...addressed(name, `Id of the ${name.split(':')[1] ?? ''}`),
    title: `Room ${name}`,
    description: [
      description,
      rulesInWords(allow),
      `Lane ${lane}. \`subscribed\` brings the state as \`data\`, then changes come without positions; version ${version}.`,
    ].join('\n\n'),
    ...webSocket,
    ...withMessages([
      {
        name: entered,
        summary: 'All of it, to who enters.',
        payload: {
          allOf: [
            schemas.write(serverFrames.subscribed),
            { type: 'object', properties: { recovery: { const: 'snapshot' }, data: schemas.write(data) } },
          ],
        },
      },
      ...changes.map((event) => roomMessage(event, schemas)),
    ]),
  };
  addOperation(document, identifier(`gateway shows ${name}`), 'send', channel, {
    summary: description,
    ...tagged('gateway'),
  });
}

function addEvent(document: Document, event: EventDefinition): void {
  const { channels, schemas } = document;
  const channel = identifier(`event ${event.name}`);
  channels[channel] = {
    ...addressed(event.subject),
    title: event.name,
    description: `${event.description}\n\nStream ${event.stream}: ${streams[event.stream].description} Version ${event.version}.`,
    ...nats,
    ...withMessages([
      {
        name: event.name,
        summary: event.description,
        headers: { $ref: '#/components/schemas/EventHeaders' },
        payload: schemas.write(event.data),
      },
    ]),
  };
  addOperation(document, identifier(`${event.owner} publishes ${event.name}`), 'send', channel, {
    summary: event.description,
    ...tagged(event.owner),
  });
  for (const consumer of consumers.filter((each) => each.events.includes(event))) {
    addOperation(document, identifier(`${consumer.name} reads ${event.name}`), 'receive', channel, {
      summary: `Durable \`${consumer.name}\` of ${event.stream}, filter \`${consumer.filter}\`.`,
      ...tagged(consumer.service),
    });
  }
}

function addOwnedOperation(
  document: Document,
  operation: CommandDefinition | QueryDefinition,
  owner: ServiceName,
  envelopes: Envelopes,
): void {
  const { channels, schemas } = document;
  const { kind, name, description, version, input, result } = operation;
  const isCommand = kind === 'command';
  const channel = identifier(`${kind} ${owner} ${name}`);
  const replies = `${channel}Reply`;
  const failed = Shape({ ok: Type.Literal(false), error: httpErrorSchema.properties.error });
  channels[channel] = {
    address: isCommand ? commandSubject(operation, owner) : querySubject(operation, owner),
    title: name,
    description: isCommand
      ? `${description}\n\nCommand of the lane ${operation.lane}, stored in ${commandStream(owner)}, version ${version}. Not done any more ` +
        `when it is older than ${operation.maxAgeMs / 1000} s: \`expired\`. ` +
        (operation.internal === true ? 'Internal: no client can call it.' : rulesInWords(operation.allow))
      : `${description}\n\nQuery, version ${version}; not stored. ${rulesInWords(operation.allow)}`,
    ...nats,
    ...withMessages([
      {
        name,
        summary: description,
        headers: { $ref: '#/components/schemas/TraceHeaders' },
        payload: schemas.write(Shape({ ...envelopes[kind].properties, data: input })),
      },
    ]),
  };
  channels[replies] = {
    address: null,
    title: `Answer to ${name}`,
    ...nats,
    ...withMessages([
      {
        name: `${name} answer`,
        payload: schemas.write(Type.Union([Shape({ ok: Type.Literal(true), data: result }), failed])),
      },
    ]),
  };
  const reply: Json = {
    // Of a query NATS itself carries the address, outside of headers and body.
    ...(isCommand
      ? { address: { location: '$message.payload#/replyTo', description: 'Where the caller listens' } }
      : {}),
    channel: reference(replies),
    messages: [reference(replies, `${name} answer`)],
  };
  for (const sender of sendersOf(operation)) {
    addOperation(document, identifier(`${sender} sends ${owner} ${name}`), 'send', channel, {
      summary: description,
      ...tagged(sender),
      reply,
    });
  }
  const durable =
    isCommand &&
    durables.find(
      (each) =>
        each.service === owner && each.stream === commandStream(owner) && each.filter.includes(`.${operation.lane}.`),
    );
  const isPlanned = plannedServices.some((service) => service === owner);
  const reading = durable
    ? `Durable \`${durable.name}\` of ${durable.stream}.`
    : `Queue group \`${owner}\`: one replica answers.`;
  addOperation(document, identifier(`${owner} does ${name}`), 'receive', channel, {
    summary: isPlanned ? 'The service runs nowhere yet: what it is sent waits.' : reading,
    ...tagged(owner),
    ...(isCommand ? {} : { bindings: { nats: { queue: owner } } }),
    reply,
  });
}

function addIntake(document: Document): void {
  const { channels, schemas } = document;
  channels['intake'] = {
    ...addressed(intakeSubject('<hospital>', '<partition>', '<source>')),
    title: 'Readings',
    description: `Readings as the gateway has judged them. Stream INTAKE: ${streams.INTAKE.description}`,
    ...nats,
    ...withMessages([
      {
        name: 'readings',
        headers: { $ref: '#/components/schemas/TraceHeaders' },
        payload: schemas.write(intakeSchema),
      },
    ]),
  };
  addOperation(document, 'gatewaySendsReadings', 'send', 'intake', {
    summary: 'Once they are stored, the caller is answered.',
    ...tagged('gateway'),
  });
  for (const service of new Set(durables.filter(({ stream }) => stream === 'INTAKE').map((each) => each.service))) {
    addOperation(document, identifier(`${service} takes readings`), 'receive', 'intake', {
      summary: 'Each partition has a durable, and one owner at a time.',
      ...tagged(service),
    });
  }
}

export function asyncApi(envelopes: Envelopes): Json {
  const document: Document = { channels: {}, operations: {}, schemas: createSchemaWriter() };
  addFrames(document);
  for (const room of rooms) addRoom(document, room);
  for (const room of stateRooms) addStateRoom(document, room);
  for (const operation of [...commands, ...queries]) {
    for (const owner of ownersOf(operation)) addOwnedOperation(document, operation, owner, envelopes);
  }
  addIntake(document);
  for (const event of events) addEvent(document, event);
  const host = (description: string, fallback: string): Json => ({
    host: '{host}',
    variables: { host: { description, default: fallback } },
  });
  return {
    asyncapi: '3.0.0',
    info: { title: 'Carillon', version: documentVersion, description: overview },
    defaultContentType: 'application/json',
    servers: {
      gateway: {
        ...host('Where the gateway is reached; `wss` outside of tests', 'localhost:8080'),
        protocol: 'ws',
        description: 'For clients. Subprotocol `carillon.v1`.',
        security: [{ $ref: '#/components/securitySchemes/token' }],
      },
      nats: {
        ...host('NATS with JetStream', 'localhost:4222'),
        protocol: 'nats',
        description: 'For services only, each with its own user.',
        security: [{ $ref: '#/components/securitySchemes/user' }],
      },
    },
    channels: document.channels,
    operations: document.operations,
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'At the handshake, as the second subprotocol `bearer.<token>`, or in the `connect` frame.',
        },
        user: { type: 'userPassword', description: 'One user a service, with rights to its own subjects.' },
      },
      schemas: {
        ...document.schemas.components(),
        EventHeaders: eventHeadersSchema,
        TraceHeaders: traceHeaders,
        MessageFrame: document.schemas.write(serverFrames.msg),
      },
    },
  };
}
