/** Ward boards: a nurse a ward on a WebSocket, who sees vital signs and alerts, and takes each alert at once. */
import { WebSocket } from 'ws';
import { nurseId, wardId, wardsOf } from './hospital.ts';
import type { Signer } from './tokens.ts';

export type Boards = {
  /** From the measurement to the frame, ms; one for each patient and post. */
  shown: number[];
  /** From the measurement of the low value to `alert:raised` in the ward's room. */
  alerted: number[];
  /** From the measurement of the low value to `page:new` to the nurse. */
  paged: number[];
  /** From the call `alert:acknowledge` to its `ok`. */
  acknowledged: number[];
  failures: Map<string, number>;
  close(): Promise<void>;
};

type Frame = {
  t: string;
  id?: number;
  ev?: string;
  code?: string;
  data?: { patientId?: string; alertId?: string; kind?: string; items?: { measuredAt: string }[] };
};

const kind = 'spo2-below';

async function openBoard(
  { port, token, ward }: { port: number; token: string; ward: number },
  onFrame: (frame: Frame, send: (frame: object) => void) => void,
): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/realtime/ws`, 'carillon.v1', {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
  });
  const send = (frame: object): void => socket.send(JSON.stringify(frame));
  const rooms = [`ward:${wardId(ward)}:vitals`, `ward:${wardId(ward)}:alerts`];
  let subscribed = 0;
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', (code) => reject(new Error(`board of ward ${ward}: closed with ${code}`)));
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as Frame;
      if (frame.t === 'ready') rooms.forEach((room, index) => send({ t: 'subscribe', id: index + 1, room }));
      else if (frame.t === 'subscribed') {
        if (++subscribed === rooms.length) resolve();
      } else if (frame.t === 'ping') send({ t: 'pong' });
      else onFrame(frame, send);
    });
  });
  return socket;
}

export async function openBoards(
  { port, signer, patients }: { port: number; signer: Signer; patients: number },
  breachedAt: () => ReadonlyMap<string, number>,
): Promise<Boards> {
  const boards: Boards = {
    shown: [],
    alerted: [],
    paged: [],
    acknowledged: [],
    failures: new Map(),
    async close() {
      isClosing = true;
      for (const socket of sockets) socket.terminate();
      await Promise.resolve();
    },
  };
  const fail = (why: string): void => void boards.failures.set(why, (boards.failures.get(why) ?? 0) + 1);
  let isClosing = false;
  const sockets = await Promise.all(
    Array.from({ length: wardsOf(patients) }, async (_, ward) => {
      let lastId = 10;
      const calls = new Map<number, number>();
      const since = (frame: Frame): number | undefined => {
        const at = breachedAt().get(frame.data?.patientId ?? '');
        return at === undefined ? undefined : Date.now() - at;
      };
      const token = await signer.sign(nurseId(ward), 'nurse');
      const socket = await openBoard({ port, token, ward }, (frame, send) => {
        if (frame.ev === 'vitals:recorded') {
          // A frame may hold several posts of one patient; each counts once.
          for (const at of new Set(frame.data?.items?.map((item) => item.measuredAt))) {
            boards.shown.push(Date.now() - Date.parse(at));
          }
        } else if (frame.ev === 'alert:raised' && frame.data?.kind === kind) {
          const latency = since(frame);
          if (latency !== undefined) boards.alerted.push(latency);
          const id = ++lastId;
          calls.set(id, performance.now());
          send({
            t: 'call',
            id,
            op: 'alert:acknowledge',
            key: `${frame.data.alertId}-${id}`,
            data: { alertId: frame.data.alertId },
          });
        } else if (frame.ev === 'page:new') {
          const alert = (frame.data as { alert?: { patientId?: string; kind?: string } } | undefined)?.alert;
          const at = alert?.kind === kind ? breachedAt().get(alert.patientId ?? '') : undefined;
          if (at !== undefined) boards.paged.push(Date.now() - at);
        } else if (frame.t === 'ok' && frame.id !== undefined) {
          const at = calls.get(frame.id);
          calls.delete(frame.id);
          if (at !== undefined) boards.acknowledged.push(performance.now() - at);
        } else if (frame.t === 'err') fail(`err ${frame.code}`);
      });
      socket.on('close', (code) => {
        if (!isClosing) fail(`closed with ${code}`);
      });
      return socket;
    }),
  );
  return boards;
}
