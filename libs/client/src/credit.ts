/**
 * Credit for bulk rooms: how many of their messages were read on a connection. It is told after a quarter of the window,
 * or soon after; a page that is too busy to read tells nothing, and so gets the newest value only once it has time.
 */
import type { Environment } from './environment.ts';
import type { MessageFrame, ReadyFrame } from './frames.ts';
import type { Session } from './session.ts';

export type Credit = {
  begin(session: Session): void;
  /** The room is one whose messages count on this connection, even those that still come after it was left. */
  joined(session: Session, room: string, lane: string): void;
  read(session: Session, frame: MessageFrame): void;
};

type Account = { bulk: ReadyFrame['bulk']; rooms: Set<string>; count: number; told: number; bytes: number };

/** A message that comes alone is reported with those that follow it at once. */
const gatherMs = 50;

export function createCredit({ after }: Pick<Environment, 'after'>): Credit {
  const accounts = new WeakMap<Session, Account>();
  const tell = (session: Session, account: Account): void => {
    if (account.told === account.count) return;
    account.told = account.count;
    account.bytes = 0;
    session.tell({ t: 'rx', n: account.count });
  };
  return {
    begin(session) {
      // Undefined where a gateway knows no credit.
      const bulk: ReadyFrame['bulk'] | undefined = session.ready?.bulk;
      if (bulk === undefined || session.transport !== 'webSocket') return;
      accounts.set(session, { bulk, rooms: new Set(), count: 0, told: 0, bytes: 0 });
      session.tell({ t: 'rx', n: 0 });
    },
    joined(session, room, lane) {
      if (lane === 'bulk') accounts.get(session)?.rooms.add(room);
    },
    read(session, frame) {
      const account = accounts.get(session);
      if (account === undefined || !account.rooms.has(frame.room)) return;
      account.count++;
      account.bytes += JSON.stringify(frame.data).length;
      const isMuch =
        account.count - account.told >= account.bulk.messages / 4 || account.bytes >= account.bulk.bytes / 4;
      if (isMuch) tell(session, account);
      else if (account.count - account.told === 1) after(gatherMs, () => tell(session, account));
    },
  };
}
