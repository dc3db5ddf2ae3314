import { clockMinute } from '../format.ts';
import { TECHNICAL_WORDS, stoppedBy } from '../technical.ts';
import { useCell, useLive } from './hooks.ts';
import { BrokenLinkIcon } from './icons.tsx';

/** Above everything while alarms may reach nobody. What delays little is for those who run the house. */
export const TechnicalBanner = () => {
  const { technical, me } = useLive();
  const alarms = useCell(technical.alarms);
  const stopped = stoppedBy(alarms);
  const mends = me.roles.includes('operator') || me.roles.includes('admin');
  const others = mends ? alarms.filter(({ isStopped }) => !isStopped) : [];
  // The region is there from the start: what is put into one that is new is read by few screen readers.
  return (
    <div className="notices" aria-live="assertive">
      {stopped !== undefined && (
        <article className="notice" data-level="emergency" data-testid="technical-stopped">
          <span className="notice-level">
            <BrokenLinkIcon /> Technical
          </span>
          <div className="notice-words">
            <p className="notice-text">
              <b>Escalation is not working since {clockMinute(stopped.since)}: call by phone.</b>
            </p>
            <p className="notice-facts">{stopped.words.join(' ')}</p>
          </div>
        </article>
      )}
      {others.map(({ kind, since, detail }) => (
        <article key={kind} className="notice" data-level="warning" data-testid={`technical-${kind}`}>
          <span className="notice-level">
            <BrokenLinkIcon /> Technical
          </span>
          <div className="notice-words">
            <p className="notice-text">{TECHNICAL_WORDS[kind]}</p>
            <p className="notice-facts">
              <span>since {clockMinute(since)}</span> <span>{detail}</span>
            </p>
          </div>
        </article>
      ))}
    </div>
  );
};
