/**
 * Notices that stand: what operators tell the hospital, and what a topic brings. Each puts them away for himself and for
 * this tab; an emergency stays until it is over.
 */
import type { EventData, Message, Result } from '@carillon/client/client';
import { createCell } from './cell.ts';

type HospitalNotice = Result<'notice:list'>['items'][number];
type TopicNotice = EventData<'notification:new'>;
export type NoticeLevel = HospitalNotice['level'];

export type PostedNotice = Pick<
  HospitalNotice,
  'level' | 'title' | 'text' | 'until' | 'publishedBy' | 'publishedAt'
> & {
  id: string;
  /** Undefined for the hospital. */
  topic: string | undefined;
};

export const LEVEL_WORD: Record<NoticeLevel, string> = { info: 'Notice', warning: 'Warning', emergency: 'Emergency' };
const LEVEL_RANK: Record<NoticeLevel, number> = { emergency: 0, warning: 1, info: 2 };
/** Without an end it stands as long as the server lists it. */
const STANDS_MS = 2 * 24 * 60 * 60_000;
/** Of one tab: more were never put away by a person. */
const MOST_PUT_AWAY = 200;

const endOf = ({ until, publishedAt }: PostedNotice): number =>
  until === null ? Date.parse(publishedAt) + STANDS_MS : Date.parse(until);

/** What is to be shown now: emergencies first, and of one level the newest. */
export const standingNotices = (
  posted: readonly PostedNotice[],
  putAway: ReadonlySet<string>,
  now: number,
): PostedNotice[] =>
  posted
    .filter((notice) => endOf(notice) > now && (notice.level === 'emergency' || !putAway.has(notice.id)))
    .sort(
      (left, right) =>
        LEVEL_RANK[left.level] - LEVEL_RANK[right.level] || right.publishedAt.localeCompare(left.publishedAt),
    );

const ofHospital = ({ noticeId, ...notice }: HospitalNotice): PostedNotice => ({
  ...notice,
  id: noticeId,
  topic: undefined,
});
const ofTopic = ({ notificationId, ...notice }: TopicNotice): PostedNotice => ({ ...notice, id: notificationId });

export type NoticeBoard = ReturnType<typeof createNoticeBoard>;

/** @param storage of the tab: what was put away stays so after a reload */
export const createNoticeBoard = (person: string, storage: Pick<Storage, 'getItem' | 'setItem'>) => {
  const storageKey = `carillon.notices.${person}`;
  const readPutAway = (): string[] => {
    try {
      return JSON.parse(storage.getItem(storageKey) ?? '[]') as string[];
    } catch {
      return [];
    }
  };
  const posted = createCell<readonly PostedNotice[]>([]);
  const putAway = createCell<ReadonlySet<string>>(new Set(readPutAway()));
  /** Only what a topic brings asks for receipts. */
  const notifications = new Map<string, Message<TopicNotice>>();

  const post = (items: readonly PostedNotice[]): void => {
    const known = new Set(posted.get().map(({ id }) => id));
    const added = items.filter(({ id }) => !known.has(id));
    // Nobody changes or takes back a notice: what is known is as good.
    if (added.length > 0) posted.set([...posted.get(), ...added]);
  };

  return {
    posted,
    putAway,
    post: (items: readonly HospitalNotice[]): void => post(items.map(ofHospital)),
    postNotification: (message: Message<TopicNotice>): void => {
      notifications.set(message.data.notificationId, message);
      post([ofTopic(message.data)]);
    },
    /** It is drawn here: its sender hears `displayed` once somebody can see it. Returns what ends the watch. */
    watch: (id: string, element: Element): (() => void) => notifications.get(id)?.observe(element) ?? (() => {}),
    dismiss: (id: string): void => {
      const all = [...putAway.get(), id].slice(-MOST_PUT_AWAY);
      putAway.set(new Set(all));
      storage.setItem(storageKey, JSON.stringify(all));
    },
  };
};
