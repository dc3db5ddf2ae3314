import type { CoverageReport, ListedPolicy } from '../shapes.ts';
import { toServerTime } from '../clock.ts';
import { gapsByWard, type GapLine, type WardGaps } from '../coverage.ts';
import { clockTime, dayAndMinute } from '../format.ts';
import type { Refreshed } from './use-refreshed.ts';

/** Of one ward: who has more gaps than these has no plan yet, and needs no list of them. */
const MOST_LINES = 20;
const HOUR_MS = 3_600_000;

type CoverageProps = {
  coverage: { latest: Refreshed<CoverageReport>; failure: string | undefined };
  policies: readonly ListedPolicy[];
  /** Opens the policy by which nobody would come; undefined for whoever may not change it. */
  onMend: ((policyId: string) => void) | undefined;
};

/** In which of the next seven days a ward would call nobody but the failsafe. */
export const Coverage = ({ coverage: { latest, failure }, policies, onMend }: CoverageProps) => {
  const nameOf = (policyId: string): string => policies.find((each) => each.policyId === policyId)?.name ?? policyId;
  return (
    <section className="operation" aria-labelledby="coverage-title" data-testid="coverage">
      <h3 id="coverage-title">Coverage, next 7 days</h3>
      {failure !== undefined && (
        <p className="letters-failure" role="alert">
          No newer report. {failure}
        </p>
      )}
      {latest === undefined && failure === undefined && <p className="quiet">Loading…</p>}
      {latest !== undefined && (
        <Report report={latest.value} at={toServerTime(latest.at)} nameOf={nameOf} onMend={onMend} />
      )}
    </section>
  );
};

type Mending = { nameOf: (policyId: string) => string; onMend: CoverageProps['onMend'] };

const Report = ({ report, at, ...mending }: { report: CoverageReport; at: number } & Mending) => {
  const wards = gapsByWard(report);
  const looked = `${report.wards.length} ${report.wards.length === 1 ? 'ward' : 'wards'}`;
  return (
    <>
      <p className={wards.length === 0 ? 'quiet' : 'letters-failure'} data-testid="coverage-summary">
        {wards.length === 0
          ? `Somebody is there in each of ${looked}, at every hour and for every priority.`
          : `${wards.length} of ${looked} would call nobody but the failsafe at times.`}{' '}
        As of {clockTime(at)}.
      </p>
      {wards.map((ward) => (
        <WardCoverage key={ward.wardId} ward={ward} report={report} {...mending} />
      ))}
    </>
  );
};

const WardCoverage = ({ ward, report, nameOf, onMend }: { ward: WardGaps; report: CoverageReport } & Mending) => (
  <details className="coverage-ward" data-testid={`coverage-${ward.wardId}`}>
    <summary>
      <b>{ward.name}</b> <Strip lines={ward.lines} from={Date.parse(report.from)} until={Date.parse(report.until)} />
    </summary>
    <ul className="coverage-lines">
      {ward.lines.slice(0, MOST_LINES).map((line) => (
        <li key={`${line.from} ${line.until} ${line.reaches}`}>
          {dayAndMinute(line.from)} to {dayAndMinute(line.until)}: {line.priorities.join(', ')},{' '}
          {line.reaches === 'nobody' ? 'nobody at all' : 'only the failsafe'}
        </li>
      ))}
      {ward.lines.length > MOST_LINES && <li>and {ward.lines.length - MOST_LINES} more</li>}
    </ul>
    {ward.policies.map((policyId) => (
      <p key={policyId}>
        By the policy {nameOf(policyId)}.{' '}
        {onMend !== undefined && (
          <button type="button" className="button" data-testid={`mend-${policyId}`} onClick={() => onMend(policyId)}>
            Edit {nameOf(policyId)}
          </button>
        )}
      </p>
    ))}
  </details>
);

/** The whole time in one line, the gaps marked; the list below says the same in words. */
const Strip = ({ lines, from, until }: { lines: readonly GapLine[]; from: number; until: number }) => (
  <svg
    className="coverage-strip"
    viewBox={`0 0 ${(until - from) / HOUR_MS} 1`}
    preserveAspectRatio="none"
    aria-hidden="true"
  >
    {lines.map((line) => (
      <rect
        key={`${line.from} ${line.until} ${line.reaches}`}
        x={(Date.parse(line.from) - from) / HOUR_MS}
        width={(Date.parse(line.until) - Date.parse(line.from)) / HOUR_MS}
        height="1"
        data-priority={line.priorities[0]}
      />
    ))}
  </svg>
);
