/** A client of ours in this process, for what wsload's script cannot say: credit, positions, coming back. */
import { WebSocket } from 'ws';

export type Frame = {
  t: string;
  id?: number;
  room?: string;
  ev?: string;
  pos?: string;
  lane?: string;
  recovery?: string;
  skipped?: number;
  data?: { ts?: number; n?: number };
};

export type Client = {
  /** The newest position seen of each room. */
  positions: ReadonlyMap<string, string>;
  /** How each room was recovered. */
  recoveries: ReadonlyMap<string, string>;
  /** Its close code; 1006 when the connection was cut. */
  closed: Promise<number>;
  terminate(): void;
};

export type ClientOptions = {
  port: number;
  token: string;
  rooms: readonly string[];
  /** Where each room goes on. */
  from?: ReadonlyMap<string, string>;
  /** Says how many messages of bulk rooms it has read, after each batch. */
  hasCredit?: boolean;
  onMessage: (frame: Frame) => void;
};

/** Resolves when it is in all its rooms; rejects when the connection ends before. */
export function openClient(options: ClientOptions): Promise<Client> {
  const { port, token, rooms, from = new Map(), hasCredit = false, onMessage } = options;
  const socket = new WebSocket(`ws://127.0.0.1:${port}/realtime/ws`, 'carillon.v1', {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
  });
  const send = (value: object): void => socket.send(JSON.stringify(value));
  const positions = new Map<string, string>(from);
  const recoveries = new Map<string, string>();
  const lanes = new Map<string, string>();
  let bulkRead = 0;
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  const client: Client = { positions, recoveries, closed, terminate: () => socket.terminate() };

  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    void closed.then((code) => reject(new Error(`closed with ${code}`)));
    const onFrame = (each: Frame): void => {
      const { t, room = '', pos } = each;
      if (pos !== undefined) positions.set(room, pos);
      if (t === 'ping') send({ t: 'pong' });
      else if (t === 'ready') {
        if (hasCredit) send({ t: 'rx', n: 0 });
        rooms.forEach((name, index) => {
          const position = from.get(name);
          send({ t: 'subscribe', id: index + 1, room: name, ...(position === undefined ? {} : { from: position }) });
        });
      } else if (t === 'subscribed') {
        lanes.set(room, each.lane ?? '');
        recoveries.set(room, each.recovery ?? '');
        if (recoveries.size === rooms.length) resolve(client);
      } else if (t === 'msg') {
        if (lanes.get(room) === 'bulk') bulkRead++;
        onMessage(each);
      } else if (t === 'err') reject(new Error(JSON.stringify(each)));
    };
    socket.on('message', (data: Buffer) => {
      const readBefore = bulkRead;
      for (const line of data.toString().split('\n')) onFrame(JSON.parse(line) as Frame);
      if (hasCredit && bulkRead > readBefore) send({ t: 'rx', n: bulkRead });
    });
  });
}
