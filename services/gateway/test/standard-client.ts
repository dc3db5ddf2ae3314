/** A client of the standard `WebSocket`, as browsers and Node have it. It runs in a page and in a process of its own. */

export type Conversation = {
  url: string;
  token: string;
  room: string;
  /** The number of the last message. */
  last: number;
};

/** What a client came by: every one of them must tell the same. */
export type Told = {
  live: [mid: string, number: number, length: number][];
  recovery: string;
  /** After the tenth message. */
  resumed: [mid: string, number: number, length: number][];
  /** For a foreign subprotocol, what is no frame, a frame above the limit, and an end of one's own. */
  closes: number[];
};

/** Self-contained: its text is sent to where it runs. `told` there hears that the room was entered. */
export async function converse({ url, token, room, last }: Conversation): Promise<Told> {
  type Frame = {
    t: string;
    mid: string;
    pos: string;
    recovery: string;
    data: { number: number; filling: string };
  };
  const open = (protocols: string[], onFrame: (frame: Frame, socket: WebSocket) => void) => {
    const socket = new WebSocket(url, protocols);
    socket.addEventListener('message', (event) => {
      for (const line of String(event.data).split('\n')) {
        if (line === '{"t":"ping"}') socket.send('{"t":"pong"}');
        else if (line !== '') onFrame(JSON.parse(line) as Frame, socket);
      }
    });
    return new Promise<number>((resolve) => {
      socket.addEventListener('close', ({ code }) => resolve(code));
    });
  };
  const good = ['carillon.v1', `bearer.${token}`];
  const listen = async (from: string | undefined) => {
    const messages: [string, number, number][] = [];
    let recovery = '';
    let tenth = '';
    const code = await open(good, (frame, socket) => {
      if (frame.t === 'ready') socket.send(JSON.stringify({ t: 'subscribe', id: 1, room, from }));
      if (frame.t === 'subscribed') {
        recovery = frame.recovery;
        (Reflect.get(globalThis, 'told') as () => void)();
      }
      if (frame.t !== 'msg') return;
      messages.push([frame.mid, frame.data.number, frame.data.filling.length]);
      if (messages.length === 10) tenth = frame.pos;
      if (frame.data.number === last) socket.close(1000);
    });
    return { messages, recovery, tenth, code };
  };
  const closedFor = (text: string): Promise<number> =>
    open(good, (frame, socket) => {
      if (frame.t === 'ready') socket.send(text);
    });
  const live = await listen(undefined);
  const { messages: resumed, recovery } = await listen(live.tenth);
  const closes = [
    await open(['chat.v1'], () => {}),
    await closedFor('{"t":'),
    await closedFor('x'.repeat(40_000)),
    live.code,
  ];
  return { live: live.messages, recovery, resumed, closes };
}
