import { useEffect, useRef, useState } from 'react';
import { serverNow } from '../clock.ts';
import { clockMinute, dayAndTime } from '../format.ts';
import { LEVEL_WORD, type PostedNotice, standingNotices } from '../notice-board.ts';
import { useCell, useLive, useNowSeconds } from './hooks.ts';
import { CloseIcon, MegaphoneIcon } from './icons.tsx';

/** More than this many at once hide the board; emergencies are shown however many there are. */
const MOST_SHOWN = 2;
/** Longer texts are cut to two lines until they are asked for. */
const LONG_TEXT = 160;

/** On every page, until it is over or the person puts it away. */
export const NoticeBanner = () => {
  const { noticeBoard } = useLive();
  const posted = useCell(noticeBoard.posted);
  const putAway = useCell(noticeBoard.putAway);
  const now = useNowSeconds() * 1000;
  const [showsAll, setShowsAll] = useState(false);
  const banner = useRef<HTMLDivElement>(null);
  const standing = standingNotices(posted, putAway, now);
  const emergencies = standing.filter(({ level }) => level === 'emergency');
  const less = standing.slice(emergencies.length);
  const fewest = Math.max(0, MOST_SHOWN - emergencies.length);
  const others = showsAll ? less : less.slice(0, fewest);
  const putAwayNotice = (id: string): void => {
    noticeBoard.dismiss(id);
    // The button that was pressed is gone: the keyboard goes on from here.
    banner.current?.focus();
  };
  // Both regions are there from the start: what is put into one that is new is read by few screen readers.
  return (
    <div
      className="notices"
      ref={banner}
      tabIndex={-1}
      {...(standing.length > 0 ? { role: 'region', 'aria-label': 'Notices' } : {})}
    >
      <div aria-live="assertive" aria-relevant="additions">
        {emergencies.map((notice) => (
          <NoticeRow key={notice.id} notice={notice} onPutAway={putAwayNotice} />
        ))}
      </div>
      <div aria-live="polite" aria-relevant="additions">
        {others.map((notice) => (
          <NoticeRow key={notice.id} notice={notice} onPutAway={putAwayNotice} />
        ))}
      </div>
      {less.length > fewest && (
        <button
          type="button"
          className="button plain notices-more"
          aria-expanded={showsAll}
          onClick={() => setShowsAll(!showsAll)}
        >
          {showsAll ? 'Show fewer notices' : `Show ${less.length - fewest} more`}
        </button>
      )}
    </div>
  );
};

/** The time of today, the day as well of any other. */
const moment = (at: string): string => {
  const full = dayAndTime(at);
  return full.slice(0, 10) === dayAndTime(new Date(serverNow()).toISOString()).slice(0, 10)
    ? clockMinute(at)
    : full.slice(0, 16);
};

type NoticeRowProps = { notice: PostedNotice; onPutAway: (id: string) => void };

const NoticeRow = ({ notice, onPutAway }: NoticeRowProps) => {
  const { noticeBoard, names } = useLive();
  const known = useCell(names);
  const { id, level, title, text, topic, until, publishedBy, publishedAt } = notice;
  const [isWhole, setWhole] = useState(text.length <= LONG_TEXT);
  const titleElement = useRef<HTMLElement>(null);
  useEffect(() => (titleElement.current ? noticeBoard.watch(id, titleElement.current) : undefined), [noticeBoard, id]);
  return (
    <article className="notice" data-level={level} data-testid={`notice-${id}`}>
      <span className="notice-level">
        <MegaphoneIcon /> {LEVEL_WORD[level]}
      </span>
      <div className="notice-words">
        <p className="notice-text" data-whole={isWhole}>
          <b ref={titleElement}>{title}</b> {text}
        </p>
        <p className="notice-facts">
          {topic !== undefined && <span>Topic {topic}</span>}
          <span>
            since <time dateTime={publishedAt}>{moment(publishedAt)}</time>
          </span>
          {until !== null && (
            <span>
              until <time dateTime={until}>{moment(until)}</time>
            </span>
          )}
          <span>from {known.get(publishedBy) ?? publishedBy}</span>
          {!isWhole && (
            <button type="button" className="notice-whole" onClick={() => setWhole(true)}>
              Show all of it
            </button>
          )}
        </p>
      </div>
      {level !== 'emergency' && (
        <button
          type="button"
          className="button plain icon-only"
          aria-label={`Put away: ${title}`}
          title="Put away"
          onClick={() => onPutAway(id)}
        >
          <CloseIcon />
        </button>
      )}
    </article>
  );
};
