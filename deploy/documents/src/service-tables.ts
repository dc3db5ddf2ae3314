/** What each service consumes, answers and produces: the tables of the READMEs. */
import { ownersOf, type ServiceName, type StreamName } from '@carillon/contracts/define';
import { durables } from '@carillon/contracts/nats-permissions';
import { intakeSubject, streams } from '@carillon/contracts/streams';
import { commands, consumers, events, operations, queries, rooms, routes } from '@carillon/contracts/surface';
import { code, table } from './markdown.ts';

type Named = { name: string; internal?: true };
const names = (values: readonly Named[]): string =>
  values.map(({ name, internal }) => code(name) + (internal === true ? ' (internal)' : '')).join(', ');

/** `COMMANDS`: what comes out of it */
const byStream = <T extends Named>(values: readonly T[], streamOf: (value: T) => StreamName): string[] =>
  [...new Set(values.map(streamOf))].map(
    (stream) => `${stream}: ${names(values.filter((value) => streamOf(value) === stream))}`,
  );

const durableNames = (service: ServiceName, stream: StreamName): string => {
  const own = durables.filter((each) => each.service === service && each.stream === stream);
  if (own.length > 4) return `${own.length} durables, ${code(own[0]?.name ?? '')} to ${code(own.at(-1)?.name ?? '')}`;
  return names(own);
};

export function serviceTable(service: ServiceName): string {
  const isOwn = (operation: Parameters<typeof ownersOf>[0]): boolean => ownersOf(operation).includes(service);
  const ownCommands = commands.filter(isOwn);
  const readers = consumers.filter((consumer) => consumer.service === service);
  const read = durables.filter((durable) => durable.service === service);
  const handled = [...new Set(readers.map(({ stream }) => stream))].map((stream) => {
    const seen = new Set(readers.filter((reader) => reader.stream === stream).flatMap((reader) => reader.events));
    return `${stream}: ${names([...seen])} (${durableNames(service, stream)})`;
  });
  const takesReadings = read.some(({ stream }) => stream === 'INTAKE');
  const rows: [string, string][] = [
    [
      'Does',
      [...new Set(ownCommands.map(({ lane }) => lane))]
        .map((lane) => `${lane}: ${names(ownCommands.filter((command) => command.lane === lane))}`)
        .join('; '),
    ],
    ['Answers', names(queries.filter(isOwn))],
    [
      'Consumes',
      [
        ...(takesReadings
          ? [
              `INTAKE: ${code(intakeSubject('<hospital>', '<partition>', '<source>'))} (${durableNames(service, 'INTAKE')})`,
            ]
          : []),
        ...handled,
      ].join('; '),
    ],
    [
      'Produces',
      byStream(
        events.filter(({ owner }) => owner === service),
        ({ stream }) => stream,
      ).join('; '),
    ],
  ];
  return table(
    ['', ''],
    rows.filter(([, content]) => content !== ''),
  );
}

/** The gateway has no operations of its own: it hands on those of all. */
export function gatewayTable(): string {
  const bound = [...operations.values()].flatMap(({ http }) => (http === undefined ? [] : [http]));
  const surfaces = new Map<string, number>();
  for (const { path } of [...bound, ...routes]) {
    const prefix = path.split('/').slice(0, 2).join('/');
    surfaces.set(prefix, (surfaces.get(prefix) ?? 0) + 1);
  }
  const roomStreams = [...new Set(rooms.map(({ stream }) => stream))];
  return table(
    ['', ''],
    [
      ['Serves', [...surfaces].map(([prefix, count]) => `${code(`${prefix}/…`)} (${count})`).join(', ')],
      [
        'Rooms',
        roomStreams.map((stream) => `${stream}: ${names(rooms.filter((room) => room.stream === stream))}`).join('; '),
      ],
      [
        'Reads',
        roomStreams.map((stream) => `${stream} (${streams[stream].description.replace(/\.$/, '')})`).join('; '),
      ],
      [
        'Sends',
        `\`cmd.…\` (${commands.length} commands), \`qry.…\` (${queries.length} queries), ${code(intakeSubject('<hospital>', '<partition>', '<source>'))}`,
      ],
    ],
  );
}
