import { alarmState } from '../alerts.ts';
import { clockTime } from '../format.ts';
import { OWN_BOARD } from '../live.ts';
import { switchTheme, systemIsDark, theme } from '../theme.ts';
import { useCell, useLive, useNowSeconds } from './hooks.ts';
import { BellMark, HelpIcon, LeaveIcon, MoonIcon, SoundOffIcon, SoundOnIcon, SunIcon } from './icons.tsx';
import { LinkState } from './link-state.tsx';

/** What the page can show besides the board, with the words on the buttons. */
const VIEWS = {
  board: 'Board',
  admissions: 'Admissions',
  alarms: 'Alarms',
  plans: 'On call',
  letters: 'Dead letters',
  operations: 'Operations',
} as const;
export type View = keyof typeof VIEWS;
type HeaderProps = {
  hasSound: boolean;
  onSound: () => void;
  onHelp: () => void;
  onSignOut: () => void;
  /** Only for those who may see more than the board. */
  views: { shown: View; all: readonly View[]; show: (view: View) => void } | undefined;
};

export const Header = ({ hasSound, onSound, onHelp, onSignOut, views }: HeaderProps) => {
  const { me } = useLive();
  const chosen = useCell(theme);
  const isDark = chosen === 'dark' || (chosen === 'system' && systemIsDark());
  return (
    <header className="header">
      <div className="brand">
        <BellMark />
        <h1>Carillon</h1>
      </div>
      <WardSwitcher />
      {views !== undefined && (
        <nav className="segmented" aria-label="Views">
          {views.all.map((view) => (
            <button key={view} type="button" aria-pressed={views.shown === view} onClick={() => views.show(view)}>
              {VIEWS[view]}
            </button>
          ))}
        </nav>
      )}
      <LinkState />
      <WallClock />
      <div className="header-tools">
        <button
          type="button"
          className="button plain tool"
          aria-pressed={hasSound}
          aria-keyshortcuts="s"
          title="Alarm sound (s)"
          onClick={onSound}
        >
          {hasSound ? <SoundOnIcon /> : <SoundOffIcon />}
          <span className="tool-word">{hasSound ? 'Sound on' : 'Sound off'}</span>
        </button>
        <button
          type="button"
          className="button plain icon-only"
          aria-label={isDark ? 'Switch to light' : 'Switch to dark'}
          aria-keyshortcuts="t"
          title="Light or dark (t)"
          onClick={switchTheme}
        >
          {isDark ? <SunIcon /> : <MoonIcon />}
        </button>
        <button
          type="button"
          className="button plain icon-only"
          aria-label="Help"
          aria-keyshortcuts="?"
          title="Help (?)"
          onClick={onHelp}
        >
          <HelpIcon />
        </button>
        <span className="who">
          <b>{me.name}</b> <span>{me.roles.join(', ')}</span>
        </span>
        <button
          type="button"
          className="button plain icon-only"
          aria-label="Sign out"
          title="Sign out"
          onClick={onSignOut}
        >
          <LeaveIcon />
        </button>
      </div>
    </header>
  );
};

const WallClock = () => <time className="wall-clock">{clockTime(useNowSeconds() * 1000)}</time>;

const WardSwitcher = () => {
  const live = useLive();
  const selected = useCell(live.selectedWard);
  const alerts = useCell(live.board.activeAlerts);
  const own = useCell(live.board.ward(OWN_BOARD));
  if (live.me.wards.length === 0) return <p className="place-name">{own?.name ?? `Hospital ${live.me.hospital}`}</p>;
  if (live.me.wards.length === 1) return <p className="place-name">{live.me.wards[0]?.name}</p>;
  return (
    <nav className="wards segmented" aria-label="Wards">
      {live.me.wards.map((ward) => {
        const waiting = alerts.filter((alert) => alert.wardId === ward.wardId && alarmState(alert) !== 'ack');
        return (
          <button
            key={ward.wardId}
            type="button"
            aria-pressed={ward.wardId === selected}
            data-testid={`ward-${ward.wardId}`}
            onClick={() => live.selectWard(ward.wardId)}
          >
            {ward.name}
            {waiting[0] && (
              <span className="priority ward-count" data-priority={waiting[0].priority}>
                {waiting.length}
                <span className="sr-only"> unanswered, highest {waiting[0].priority}</span>
              </span>
            )}
          </button>
        );
      })}
    </nav>
  );
};
