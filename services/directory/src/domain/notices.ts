/** What a notice says of itself: pure. */
import type { Notice } from '@carillon/contracts/notices';
import type { Issue } from '@carillon/contracts/schema';

const dayMs = 86_400_000;
const maxLifeMs = 30 * dayMs;
/** Read back for so long; OPS keeps a message no longer. */
export const shownForMs = 2 * dayMs;
/** Longer than PERSON keeps a message that may still be read, and than whoever wrote it asks who did. */
export const keptForMs = maxLifeMs + 60 * dayMs;

const topicPrefix = 'topic:';
/** @returns the topic, or null for all of the hospital */
export const topicOf = (audience: string): string | null =>
  audience.startsWith(topicPrefix) ? audience.slice(topicPrefix.length) : null;
export const audienceOf = (topic: string | null): string => (topic === null ? 'hospital' : `${topicPrefix}${topic}`);

/** What must hold beyond its shape. */
export function findIssues(until: number | null, now: number): Issue[] {
  if (until === null || (until > now && until <= now + maxLifeMs)) return [];
  return [{ path: 'until', message: 'Must lie ahead, and at most 30 days' }];
}

/** An emergency goes out before everything else, here and at every gateway. */
export const laneOf = ({ level }: Pick<Notice, 'level'>) =>
  level === 'emergency' ? ('critical' as const) : ('normal' as const);
