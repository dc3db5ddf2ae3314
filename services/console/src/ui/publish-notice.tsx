import { useState } from 'react';
import { serverNow } from '../clock.ts';
import { dayAndTime } from '../format.ts';
import { LEVEL_WORD, type NoticeLevel } from '../notice-board.ts';
import { ConfirmedForm, textOf } from './confirmed-form.tsx';
import { useLive } from './hooks.ts';

const LEVELS: readonly NoticeLevel[] = ['info', 'warning', 'emergency'];

/** What a field for a local time holds: "2026-11-21T08:00". */
const localMinute = (at: number): string => dayAndTime(at).slice(0, 16).replace(' ', 'T');

const read = (values: FormData) => {
  const topic = textOf(values, 'topic');
  const until = textOf(values, 'until');
  return {
    audience: topic === '' ? 'hospital' : `topic:${topic}`,
    level: textOf(values, 'level') as NoticeLevel,
    title: textOf(values, 'title'),
    text: textOf(values, 'text'),
    ...(until === '' ? {} : { until: new Date(until).toISOString() }),
  };
};

const question = (values: FormData): string => {
  const { audience, level, title, until } = read(values);
  const whom = audience === 'hospital' ? 'All staff of the hospital' : `Everybody who follows ${audience.slice(6)}`;
  const end = until === undefined ? '' : ` until ${dayAndTime(until).slice(0, 16)}`;
  const stays = level === 'emergency' ? 'Nobody can put it away, and it' : 'It';
  return `${whom} will see “${title}” (${LEVEL_WORD[level].toLowerCase()}) at once${end}. ${stays} cannot be taken back.`;
};

export const PublishNotice = () => {
  const { api } = useLive();
  const publish = async (values: FormData): Promise<string> => {
    const notice = await api.publishNotice(read(values));
    return `Published at ${dayAndTime(notice.publishedAt)}.`;
  };
  return (
    <ConfirmedForm
      name="publish-notice"
      title="Publish a notice"
      explanation="A banner on every page of those whom it is for."
      verb="Publish"
      question={question}
      act={publish}
    >
      <NoticeFields />
    </ConfirmedForm>
  );
};

const NoticeFields = () => {
  const [isForTopic, setForTopic] = useState(false);
  const [level, setLevel] = useState<NoticeLevel>('info');
  return (
    <>
      <div className="choices" role="radiogroup" aria-labelledby="notice-audience">
        <span id="notice-audience" className="choices-title">
          To
        </span>
        <label className="choice">
          <input type="radio" name="audience" checked={!isForTopic} onChange={() => setForTopic(false)} />
          Hospital
        </label>
        <label className="choice">
          <input type="radio" name="audience" checked={isForTopic} onChange={() => setForTopic(true)} />
          Topic
        </label>
      </div>
      {isForTopic && (
        <label className="field">
          Topic
          <input name="topic" required maxLength={64} pattern="[A-Za-z0-9_\-]+" title="Letters, digits, _ and -" />
        </label>
      )}
      <div className="choices" role="radiogroup" aria-labelledby="notice-level">
        <span id="notice-level" className="choices-title">
          Level
        </span>
        {LEVELS.map((choice) => (
          <label key={choice} className="choice">
            <input
              type="radio"
              name="level"
              value={choice}
              checked={level === choice}
              onChange={() => setLevel(choice)}
            />
            {LEVEL_WORD[choice]}
          </label>
        ))}
      </div>
      <label className="field">
        Title
        <input name="title" required maxLength={200} />
      </label>
      <label className="field">
        Text
        <textarea name="text" rows={3} maxLength={2000} />
      </label>
      <label className="field">
        {/* Nobody can put an emergency away: without an end it would stand for two days. */}
        {level === 'emergency' ? 'Until' : 'Until (may be empty)'}
        <input name="until" type="datetime-local" required={level === 'emergency'} min={localMinute(serverNow())} />
      </label>
    </>
  );
};
