/** Server-Sent Events from a stream of bytes (HTML standard, 9.2), as our gateway writes them: one `data` line an event. */

export type SseEvents = {
  /** Anything came, comments included. */
  onHeard(): void;
  onEvent(data: string, id: string | undefined): void;
};

/** Reads until the stream ends. @throws when it breaks */
export async function readEvents(body: ReadableStream<Uint8Array>, { onHeard, onEvent }: SseEvents): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let data: string | undefined;
  let id: string | undefined;
  const readLine = (line: string): void => {
    if (line.startsWith('data:')) data = line.slice(5).trimStart();
    else if (line.startsWith('id:')) id = line.slice(3).trim();
    else if (line === '') {
      if (data !== undefined) onEvent(data, id);
      data = undefined;
    }
  };
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onHeard();
    const lines = (rest + decoder.decode(value, { stream: true })).split(/\r?\n/);
    rest = lines.pop() ?? '';
    lines.forEach(readLine);
  }
}
