import { issuesOf } from './issues.ts';

/** What the server found; its own words where it names no place. */
export const sayIssues = (error: unknown): string => {
  const issues = issuesOf(error).map(({ message }) => message);
  if (issues.length > 0) return issues.join('. ');
  return error instanceof Error ? error.message : String(error);
};
