/**
 * Frames where WebSocket is blocked: an event stream by `fetch` (which can send the token in a header, as EventSource
 * cannot), and posts. A stream has its rooms from the start, so another set of rooms is another request, which
 * resumes by the last event id; above this file nobody notices.
 */
import type { Environment } from './environment.ts';
import type { ClientFrame } from './frames.ts';
import type { Post } from './http.ts';
import { readEvents } from './sse-reader.ts';
import type { Tokens } from './tokens.ts';
import { readFrames, type OpenWire, type WireEnd } from './wire.ts';

export type SseOptions = {
  url: string;
  tokens: Tokens;
  post: Post;
  /** What is wanted when a connection begins. */
  rooms: () => readonly string[];
} & Pick<Environment, 'fetch' | 'after'>;

/** Rooms that are joined in one go are asked for in one request. */
const gatherMs = 20;

export function createSseOpener({ url, tokens, post, rooms, fetch, after }: SseOptions): OpenWire {
  // Of all event streams of this client: the next one begins where the last one ended.
  let lastEventId: string | undefined;
  /** Only the newest stream says where that is: one that is about to be left may be ahead of what was handed on. */
  let newest: object | undefined;
  /** In which we were once; what is not here may be what is refused. */
  const confirmed = new Set<string>();

  return ({ onOpen, onFrame, onHeard, onEnd }) => {
    const me = {};
    const wanted = new Set(rooms());
    const asks = new Map<string, number>();
    /** Asked for on the stream that is open now, and those of them that have no `subscribed` yet. */
    let asked = new Set<string>();
    let awaited = new Set<string>();
    /**
     * A refusal does not say which room it is for. So then come those that were good before, alone, and of the others
     * half, and half of the half in which it must be, until it is found; then all the rest at once.
     */
    let step: 'all' | 'known' | 'more' = 'all';
    let more = 1;
    let isReady = false;
    let isClosed = false;
    let stream: AbortController | undefined;
    let cancelOpening = (): void => {};

    const end = (how: WireEnd): void => {
      if (isClosed) return;
      close();
      onEnd(how);
    };
    const close = (): void => {
      isClosed = true;
      cancelOpening();
      stream?.abort();
    };

    const unconfirmed = (): string[] => [...wanted].filter((room) => !confirmed.has(room));

    /** @returns undefined when the stream may be read */
    const judge = (response: Response, token: string): WireEnd | 'again' | undefined => {
      if (response.ok && response.body !== null) return undefined;
      if (response.status === 401) {
        tokens.refuse(token);
        return { code: 4100 };
      }
      if (response.status === 403) {
        if (asked.size === 0) return { code: 4403 };
        const suspects = [...asked].filter((room) => !confirmed.has(room));
        if (step === 'all') step = 'known';
        else if (step === 'known') confirmed.clear();
        else if (suspects.length > 1) more = Math.floor(suspects.length / 2);
        else {
          suspects.forEach(refuse);
          more = Infinity;
        }
        return 'again';
      }
      const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
      if (response.status !== 429 && response.status !== 503) return { code: 1006 };
      return { code: 4301, ...(Number.isNaN(seconds) ? {} : { afterMs: seconds * 1_000 }) };
    };

    const refuse = (room: string): void => {
      wanted.delete(room);
      const id = asks.get(room);
      asks.delete(room);
      if (id === undefined) onFrame({ t: 'unsubscribed', room, code: 'relation_ended' });
      else onFrame({ t: 'err', id, code: 'forbidden', message: 'Not allowed', retry: 'never' });
    };

    const roomsToAsk = (): Set<string> => {
      if (step === 'all') return new Set(wanted);
      const known = [...wanted].filter((room) => confirmed.has(room));
      return new Set(step === 'known' ? known : [...known, ...unconfirmed().slice(0, more)]);
    };

    const open = async (): Promise<void> => {
      stream?.abort();
      const mine = new AbortController();
      stream = mine;
      const isMine = (): boolean => stream === mine && !isClosed;
      asked = roomsToAsk();
      awaited = new Set(asked);
      try {
        const token = await tokens.get();
        if (!isMine()) return;
        const query = [...asked].map((room) => `room=${encodeURIComponent(room)}`).join('&');
        const response = await fetch(query === '' ? url : `${url}?${query}`, {
          headers: {
            authorization: `Bearer ${token}`,
            accept: 'text/event-stream',
            ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
          },
          cache: 'no-store',
          signal: mine.signal,
        });
        if (!isMine()) return;
        const verdict = judge(response, token);
        if (verdict === 'again') return void open();
        if (verdict !== undefined || response.body === null) return end(verdict ?? { code: 1006 });
        await readEvents(response.body, {
          onHeard: () => isMine() && onHeard(),
          onEvent(data, id) {
            if (!isMine()) return;
            readFrames(data, receive);
            if (id !== undefined && newest === me) lastEventId = id;
          },
        });
        if (isMine()) end({ code: 1006 });
      } catch {
        if (isMine()) end({ code: 1006 });
      }
    };

    const receive = (frame: Parameters<typeof onFrame>[0]): void => {
      if (frame.t === 'ready') {
        asked.forEach((room) => confirmed.add(room));
        if (step !== 'all') {
          more = Math.max(1, Math.floor((step === 'known' ? unconfirmed().length : more) / 2));
          step = unconfirmed().length > 0 ? 'more' : 'all';
          if (step === 'more') openSoon();
        }
        // Another stream is the same connection to those above.
        if (isReady) return;
        isReady = true;
        newest = me;
        onOpen();
        return onFrame(frame);
      }
      if (frame.t !== 'subscribed') return onFrame(frame);
      const id = asks.get(frame.room);
      asks.delete(frame.room);
      awaited.delete(frame.room);
      onFrame(id === undefined ? frame : { ...frame, id });
    };

    const openSoon = (): void => {
      cancelOpening();
      cancelOpening = after(gatherMs, () => void open());
    };

    void open();
    return {
      close,
      send(frame: ClientFrame) {
        switch (frame.t) {
          case 'subscribe':
            wanted.add(frame.room);
            asks.set(frame.room, frame.id);
            return awaited.has(frame.room) ? undefined : openSoon();
          case 'unsubscribe':
            if (wanted.delete(frame.room)) openSoon();
            confirmed.delete(frame.room);
            asks.delete(frame.room);
            return onFrame({ t: 'ok', id: frame.id });
          case 'call':
            return void post(frame).then((answer) => isClosed || onFrame(answer));
          case 'signal':
          case 'ack':
            return void post(frame);
          default:
            // A stream has no ids, no pongs and no credit; a new token is another stream.
            return undefined;
        }
      },
    };
  };
}
