/**
 * What each service may do on NATS: one user a service, whose rights follow from what the contracts name. Whatever is not
 * listed is denied.
 *
 * Ephemeral readers choose their names, and NATS cannot allow part of a token: so they get every consumer of their
 * stream, and the durables of the others on it are denied by name. There is no `allow_responses`: answers go to
 * `rep.<owner>.…`, and the server keeps an entry for every message that it delivers to a user who has it (measured on
 * 2.9.10: a consumer fell from 66,000 to 3,400 messages a second).
 */
import {
  lanes,
  ownersOf,
  sendersOf,
  serviceNames,
  servicesWithDatabase,
  type CommandDefinition,
  type EventDefinition,
  type QueryDefinition,
  type ServiceName,
  type StreamName,
} from './define.ts';
import {
  accessBucket,
  accessSubject,
  commandDurable,
  commandFilter,
  commandStream,
  commandSubject,
  intakeDurable,
  intakeFilter,
  intakeSubject,
  partitionCount,
  partitionName,
  peopleBucket,
  entrySubject,
  peopleSubject,
  queryFilter,
  querySubject,
  streams,
  testSubject,
} from './streams.ts';
import { edgeBeatSubject } from './devices.ts';
import { positionSubject } from './positions.ts';
import { lastSeenBucket, presenceBucket } from './presence.ts';
import { commands, consumers, events, queries, rooms } from './surface.ts';
import { beatSubject } from './technical.ts';

export type NatsPermissions = {
  publish: { allow: readonly string[]; deny: readonly string[] };
  /** `<subject> <queue>` allows the subject with that queue group only. */
  subscribe: { allow: readonly string[] };
};

export type PermissionOptions = {
  /** The gateway may publish test events into rooms: `testSubject`. Not in production. */
  hasTestEvents?: boolean;
};

/** For operators, tests and provisioning: may do everything, and is used by no service. */
export const natsAdministrator = 'administrator';
export const natsUsers: readonly string[] = [natsAdministrator, ...serviceNames];

export type DurableConsumer = { service: ServiceName; stream: StreamName; name: string; filter: string };
type Reader = { stream: string; filters: readonly string[]; isWhole: boolean };

const hasDatabase = (service: ServiceName): boolean => servicesWithDatabase.some((name) => name === service);
const isOwn = (service: ServiceName, operation: Parameters<typeof ownersOf>[0]): boolean =>
  ownersOf(operation).includes(service);
const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];

/** Every durable there is; the partitions of INTAKE are read by `monitoring`. */
export const durables: readonly DurableConsumer[] = [
  ...serviceNames.flatMap((service) =>
    lanes
      .filter((lane) => commands.some((command) => command.lane === lane && isOwn(service, command)))
      .map((lane) => ({
        service,
        stream: commandStream(service),
        name: commandDurable(service, lane),
        filter: commandFilter(service, lane),
      })),
  ),
  ...Array.from({ length: partitionCount }, (_, index) => partitionName(index)).map((partition) => ({
    service: 'monitoring' as const,
    stream: 'INTAKE' as const,
    name: intakeDurable(partition),
    filter: intakeFilter(partition),
  })),
  ...consumers.map(({ service, stream, name, filter }) => ({ service, stream, name, filter })),
];

/** Streams that are views for clients: read as a whole by every gateway. */
const roomStreams = unique(rooms.map((room) => room.stream));

/** Which streams a service publishes to or reads; it may make them when they are missing. */
export function streamsOf(service: ServiceName): StreamName[] {
  const own: StreamName[] = events.filter(({ owner }) => owner === service).map(({ stream }) => stream);
  const read = durables.filter((durable) => durable.service === service).map(({ stream }) => stream);
  if (service === 'gateway') return unique<StreamName>(['COMMANDS', 'INTAKE', ...roomStreams]);
  const sent = commands
    .filter((command) => sendersOf(command).includes(service))
    .flatMap(ownersOf)
    .map(commandStream);
  return unique<StreamName>([...own, ...read, ...sent, ...(hasDatabase(service) ? (['DEADLETTERS'] as const) : [])]);
}

/** The subject of an event with any ids. */
export const eventPattern = ({ subject }: EventDefinition): string => subject.replaceAll(/<\w+>/g, '*');

const subjectsOf = <D extends CommandDefinition | QueryDefinition>(
  definitions: readonly D[],
  subjectOf: (definition: D, addressed?: ServiceName) => string,
): string[] =>
  definitions.flatMap((definition) => ownersOf(definition).map((service) => subjectOf(definition, service)));
const subjectsSentBy = (service: ServiceName): string[] => {
  const isSent = (operation: CommandDefinition | QueryDefinition): boolean => sendersOf(operation).includes(service);
  return [...subjectsOf(commands.filter(isSent), commandSubject), ...subjectsOf(queries.filter(isSent), querySubject)];
};
/** What clients may ask for: the gateway sends it, and nobody else. */
export const operationSubjects: readonly string[] = subjectsSentBy('gateway');

const api = '$JS.API';

const ofDurable = ({ stream, name, filter }: DurableConsumer): string[] => [
  // With the filter: the server refuses a body that names another.
  `${api}.CONSUMER.CREATE.${stream}.${name}.${filter}`,
  `${api}.CONSUMER.INFO.${stream}.${name}`,
  `${api}.CONSUMER.MSG.NEXT.${stream}.${name}`,
  `$JS.ACK.${stream}.${name}.>`,
];
const ofReader = ({ stream, filters, isWhole }: Reader): string[] => [
  ...(isWhole ? [`${api}.CONSUMER.CREATE.${stream}.*`] : []),
  ...filters.map((filter) => `${api}.CONSUMER.CREATE.${stream}.*.${filter}`),
  ...['INFO', 'MSG.NEXT', 'DELETE'].map((verb) => `${api}.CONSUMER.${verb}.${stream}.*`),
];
const besidesReader = ({ stream }: Reader): string[] =>
  durables
    .filter((durable) => durable.stream === stream)
    .flatMap(({ name }) => [
      `${api}.CONSUMER.CREATE.${stream}.${name}`,
      `${api}.CONSUMER.CREATE.${stream}.${name}.>`,
      ...['INFO', 'MSG.NEXT', 'DELETE'].map((verb) => `${api}.CONSUMER.${verb}.${stream}.${name}`),
    ]);

const peopleStream = `KV_${peopleBucket}`;
const accessStream = `KV_${accessBucket}`;
/** Written and read by gateways alone. */
const gatewayBuckets = [presenceBucket, lastSeenBucket];

function readersOf(service: ServiceName): Reader[] {
  const letters = { stream: 'DEADLETTERS', filters: [`dead.${service}.>`], isWhole: false };
  if (service !== 'gateway') return hasDatabase(service) ? [letters] : [];
  return [
    ...roomStreams.map((stream) => ({ stream, filters: streams[stream].subjects, isWhole: true })),
    { stream: peopleStream, filters: [`$KV.${peopleBucket}.>`], isWhole: false },
    { stream: accessStream, filters: [`$KV.${accessBucket}.>`], isWhole: false },
    ...gatewayBuckets.map((bucket) => ({
      stream: `KV_${bucket}`,
      filters: [entrySubject(bucket, '>')],
      isWhole: false,
    })),
  ];
}

function publishedBy(service: ServiceName): string[] {
  const subjects = [...events.filter(({ owner }) => owner === service).map(eventPattern), ...subjectsSentBy(service)];
  if (hasDatabase(service)) subjects.push(`dead.${service}.>`, `sig.relay.${service}.*`, `rep.${service}.>`);
  if (service === 'alert-escalation') subjects.push(beatSubject);
  if (service === 'gateway') subjects.push(positionSubject('*', '*'), edgeBeatSubject);
  if (service === 'directory') subjects.push(peopleSubject('*', '*'), accessSubject('*', '*', '*'));
  if (service === 'gateway') {
    subjects.push(intakeSubject('*', '*', '*'));
    subjects.push(...gatewayBuckets.map((bucket) => entrySubject(bucket, '>')));
  }
  // Readings that are put back from its dead letters go the whole way again.
  if (service === 'monitoring') subjects.push(intakeSubject('*', '*', '*'));
  return subjects;
}

const subscribedBy = (service: ServiceName): string[] => [
  `_INBOX.${service}.>`,
  ...(queries.some((query) => isOwn(service, query)) ? [`${queryFilter(service)} ${service}`] : []),
  ...(hasDatabase(service) ? [`sig.relay.${service}.*`] : []),
  ...(service === 'alert-escalation' ? [`${positionSubject('*', '*')} ${service}`] : []),
  ...(service === 'monitoring' ? [edgeBeatSubject] : []),
  ...(service === 'gateway' ? [`rep.*.${service}.>`, beatSubject] : []),
];

export function natsPermissions(
  service: ServiceName,
  { hasTestEvents = false }: PermissionOptions = {},
): NatsPermissions {
  const used: string[] = streamsOf(service);
  const shared = service === 'gateway' || service === 'directory' ? [peopleStream, accessStream] : [];
  const bucket = [...shared, ...(service === 'gateway' ? gatewayBuckets.map((name) => `KV_${name}`) : [])];
  const owned = Object.entries(streams).flatMap(([name, { owner }]) => (owner === service ? [name] : []));
  const readers = readersOf(service);
  const isTesting = hasTestEvents && service === 'gateway';
  return {
    publish: {
      allow: unique([
        ...publishedBy(service),
        ...(isTesting ? rooms.map((room) => testSubject(room, {})) : []),
        `${api}.INFO`,
        ...[...used, ...bucket].flatMap((stream) => [`${api}.STREAM.INFO.${stream}`, `${api}.STREAM.CREATE.${stream}`]),
        ...owned.map((stream) => `${api}.STREAM.UPDATE.${stream}`),
        ...durables.filter((durable) => durable.service === service).flatMap(ofDurable),
        ...consumers
          .filter((consumer) => consumer.service === service)
          .flatMap(({ stream, replaces = [] }) => replaces.map((name) => `${api}.CONSUMER.DELETE.${stream}.${name}`)),
        ...readers.flatMap(ofReader),
      ]),
      deny: unique(readers.flatMap(besidesReader)),
    },
    subscribe: { allow: subscribedBy(service) },
  };
}

/** The variable that holds a user's password in the file `passwords.conf`. */
export const natsPasswordVariable = (user: string): string => `PASSWORD_${user.replaceAll('-', '_').toUpperCase()}`;

const list = (subjects: readonly string[], indent: string): string =>
  subjects.length === 0 ? '[]' : `[\n${subjects.map((each) => `${indent}  "${each}"\n`).join('')}${indent}]`;

function userBlock(service: ServiceName, options: PermissionOptions): string {
  const { publish, subscribe } = natsPermissions(service, options);
  return `    {
      user: "${service}", password: $${natsPasswordVariable(service)}
      permissions: {
        publish: {
          allow: ${list(publish.allow, '          ')}
          deny: ${list(publish.deny, '          ')}
        }
        subscribe: {
          allow: ${list(subscribe.allow, '          ')}
        }
      }
    }
`;
}

/**
 * The file that a nats-server's configuration includes. The passwords stand in `passwords.conf` next to it, one line
 * `PASSWORD_<USER>: "…"` for each user and no other.
 */
export const natsPermissionsConf = (
  options: PermissionOptions = {},
): string => `# Made from libs/contracts by natsPermissionsConf(): not to be changed by hand.
include ./passwords.conf

authorization {
  timeout: 2
  users: [
    { user: "${natsAdministrator}", password: $${natsPasswordVariable(natsAdministrator)} }
${serviceNames.map((service) => userBlock(service, options)).join('')}  ]
}
`;

/** Where an answer of `owner` to `caller` goes: only the one may publish there, and only the other may listen. */
export const replySubject = (owner: string, caller: string, token: string): string => `rep.${owner}.${caller}.${token}`;
