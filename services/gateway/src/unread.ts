/**
 * What a client may leave unread, by WebSocket (outgoing.ts) and as an event stream alike. Above the first bound it is full,
 * and cut off when it stays so; it resumes from where it was. A replay alone may fill it for a moment. The second bounds the
 * memory.
 */
export const fullBytes = 8 * 1024 * 1024;
export const maxUnreadBytes = 32 * 1024 * 1024;
export const fullMs = 10_000;

export type Unread = {
  /** To be called before each write. @returns whether there is to be one; `onSlow` was called when not */
  mayWrite(): boolean;
  bytes(): number;
  /** Cut off unless it reads soon. */
  isFull(): boolean;
  stop(): void;
};

export function watchUnread(bytes: () => number, onSlow: () => void): Unread {
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  return {
    bytes,
    mayWrite() {
      const unread = bytes();
      if (unread > maxUnreadBytes) {
        onSlow();
        return false;
      }
      if (unread <= fullBytes) stop();
      else
        timer ??= setTimeout(() => {
          timer = undefined;
          if (bytes() > fullBytes) onSlow();
        }, fullMs);
      return true;
    },
    isFull: () => timer !== undefined && bytes() > fullBytes,
    stop,
  };
}
