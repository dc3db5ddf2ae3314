/** What was really published: the streams themselves, read at the end, and before one of them is deleted. */
import type { StreamName } from '@carillon/contracts/define';
import { eventHeaders, streams } from '@carillon/contracts/streams';
import { rooms as definitions } from '@carillon/contracts/surface';
import type { Bus } from '@carillon/bus/connection';
import { readRange } from '@carillon/bus/read-range';
import { streamState } from '@carillon/bus/stream-reader';
import { eventually } from '@carillon/testkit/eventually';

export type Published = {
  stream: StreamName;
  epoch: string;
  sequence: number;
  subject: string;
  id: string;
  key: string;
};

/** For people who read what a judge says. */
export const describe = (each: Published | undefined): string =>
  each === undefined ? 'the beginning' : `${each.epoch}-${each.sequence}`;

export type Truth = {
  /** Takes down what the streams hold now. */
  capture(): Promise<void>;
  /** What a room should have shown, in order; its epochs in the order in which they were captured. */
  of(room: string): readonly Published[];
};

const hospital = 'h1';
/** Nothing of a scenario comes near. */
const everything = 1_000_000;

/** The subjects of a room, as contracts have them. Not by the gateway's own code, which is what is tested. */
function subjectsOf(room: string): { stream: StreamName; filter: readonly string[] } {
  for (const { name, stream, filter } of definitions) {
    const pattern = name.replaceAll(/<(\w+)>/g, '(?<$1>[^:]+)');
    const ids = new RegExp(`^${pattern}$`).exec(room);
    if (ids === null) continue;
    const filled = filter.replaceAll(/<(\w+)>/g, (_, token: string) => ids.groups?.[token] ?? hospital);
    return { stream, filter: filled.split('.') };
  }
  throw new Error(`no room ${room}`);
}
function fits(filter: readonly string[], subject: string): boolean {
  const tokens = subject.split('.');
  const isOpen = filter.at(-1) === '>';
  if (isOpen ? tokens.length < filter.length : tokens.length !== filter.length) return false;
  return filter.every((token, index) => token === '*' || token === '>' || token === tokens[index]);
}

export function createTruth(bus: Bus, names: readonly StreamName[]): Truth {
  const published = new Map<string, Published>();
  const byRoom = new Map<string, readonly Published[]>();
  return {
    async capture() {
      byRoom.clear();
      for (const stream of names) {
        const { epoch, lastSequence } = await streamState(bus, stream);
        const [filter = '>'] = streams[stream].subjects;
        const range = { stream, filter, afterSequence: 0, toSequence: lastSequence, limit: everything };
        // Refused where something was lost on the way, as on a busy machine.
        const found = await eventually(() => readRange(bus, range), { withinMs: 60_000, what: `all of ${stream}` });
        for (const { sequence, subject, header } of found) {
          const id = header(eventHeaders.id) ?? '';
          const key = `${header(eventHeaders.event) ?? ''} ${header(eventHeaders.key) ?? subject}`;
          published.set(`${epoch}-${sequence}`, { stream, epoch, sequence, subject, id, key });
        }
      }
    },
    of(room) {
      const known = byRoom.get(room);
      if (known !== undefined) return known;
      const { stream, filter } = subjectsOf(room);
      const his = [...published.values()].filter((each) => each.stream === stream && fits(filter, each.subject));
      byRoom.set(room, his);
      return his;
    },
  };
}
