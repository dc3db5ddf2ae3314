import type { Live } from '../live.ts';
import { toServerTime } from '../clock.ts';
import { bytesInWords, clockTime, roleRank, runningTime } from '../format.ts';
import { useLive } from './hooks.ts';
import { useRefreshed } from './use-refreshed.ts';

type Stats = Awaited<ReturnType<Live['api']['stats']>>;

const REFRESH_EVERY_MS = 10_000;

/** What the gateway that answers counts; with several gateways the next answer may be of another one. */
export const GatewayFigures = () => {
  const { api } = useLive();
  const { latest, failure } = useRefreshed(api.stats, REFRESH_EVERY_MS);
  return (
    <section className="operation figures-card" aria-labelledby="figures-title" data-testid="gateway-figures">
      <h3 id="figures-title">Gateway</h3>
      <p className="quiet">
        {latest
          ? `One gateway, up ${runningTime(latest.value.uptimeSeconds * 1000)}. As of ${clockTime(toServerTime(latest.at))}.`
          : failure === undefined && 'Loading…'}
      </p>
      {failure !== undefined && (
        <p className="letters-failure" role="alert">
          No newer figures. {failure}
        </p>
      )}
      {latest && <Figures stats={latest.value} isOld={failure !== undefined} />}
    </section>
  );
};

const milliseconds = (ms: number | null): string => (ms === null ? '–' : `${ms} ms`);

const Figures = ({ stats, isOld }: { stats: Stats; isOld: boolean }) => {
  const { connections, rooms, subscriptions, presence, queues, messages, canary } = stats;
  const roles = Object.entries(connections.byRole)
    .filter(([, count]) => count > 0)
    .sort(([left], [right]) => roleRank(left) - roleRank(right));
  const rows: { what: string; figure: number | string; isPart?: true }[] = [
    { what: 'Connections', figure: connections.total },
    { what: 'by WebSocket', figure: connections.byTransport.webSocket, isPart: true },
    { what: 'by event stream', figure: connections.byTransport.sse, isPart: true },
    ...roles.map(([role, figure]) => ({ what: `of role ${role}`, figure, isPart: true as const })),
    { what: 'Rooms', figure: rooms },
    { what: 'Subscriptions', figure: subscriptions },
    { what: 'People present, all gateways', figure: presence.people },
    { what: 'Other gateways', figure: presence.gateways },
    { what: 'Waiting for clients', figure: bytesInWords(queues.bytes) },
    { what: 'of the slowest', figure: bytesInWords(queues.largestBytes), isPart: true },
    { what: 'Connections too slow', figure: queues.full },
    { what: 'Frames in', figure: messages.framesIn },
    { what: 'Frames out', figure: messages.framesOut },
    ...(canary === undefined
      ? []
      : [
          { what: 'Test alarm seen', figure: canary.lastAt === null ? 'never' : clockTime(canary.lastAt) },
          { what: 'from reading to page', figure: milliseconds(canary.wholeMs), isPart: true as const },
          { what: '99 % within', figure: milliseconds(canary.p99Ms), isPart: true as const },
          { what: 'that did not arrive', figure: canary.failed, isPart: true as const },
        ]),
  ];
  return (
    <dl className="figures" data-old={isOld}>
      {rows.map(({ what, figure, isPart }) => (
        <div key={what} data-part={isPart === true}>
          <dt>{what}</dt>
          <dd>{figure}</dd>
        </div>
      ))}
    </dl>
  );
};
