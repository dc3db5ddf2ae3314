import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { alarmState, isPaged, treats } from '../alerts.ts';
import { OWN_BOARD } from '../live.ts';
import { createSound } from '../sound.ts';
import { switchTheme } from '../theme.ts';
import type { Bed, Me } from '../shapes.ts';
import { Admissions } from './admissions.tsx';
import { AlarmReview } from './alarm-review.tsx';
import { AlertList } from './alert-list.tsx';
import { BedDetail } from './bed-detail.tsx';
import { ChartDialog } from './chart-dialog.tsx';
import { DeadLetters } from './dead-letters.tsx';
import { EmergencyBanner } from './emergency-banner.tsx';
import { Header, type View } from './header.tsx';
import { HelpDialog } from './help-dialog.tsx';
import { useCell, useLive } from './hooks.ts';
import { LinkBanner } from './link-state.tsx';
import { NoticeBanner } from './notice-banner.tsx';
import { Operations } from './operations.tsx';
import { CallForHelp } from './own-view.tsx';
import { PageBanner } from './page-banner.tsx';
import { Plans } from './plans.tsx';
import { RaiseDialog } from './raise-dialog.tsx';
import { TechnicalBanner } from './technical-banner.tsx';
import { Toasts } from './toasts.tsx';
import { useEdited } from './use-edited.ts';
import { type Shortcuts, chooseAlert, pressOnChosen, useShortcuts } from './use-shortcuts.ts';
import { WardBoard } from './ward-board.tsx';
import { WardLine } from './ward-figures.tsx';
import { WardPresence } from './ward-presence.tsx';

const NO_BEDS: readonly Bed[] = [];

/** What is on the page for people of these roles. */
const viewsOf = ({ roles }: Me): readonly View[] => {
  if (roles.includes('operator') || roles.includes('admin'))
    return ['board', 'admissions', 'alarms', 'plans', 'letters', 'operations'];
  if (roles.includes('doctor')) return ['board', 'admissions', 'alarms', 'plans'];
  return roles.includes('nurse') ? ['board', 'admissions', 'plans'] : ['board'];
};

export const Desk = ({ onSignOut }: { onSignOut: () => void }) => {
  const live = useLive();
  const wardId = useCell(live.selectedWard);
  const ward = useCell(live.board.ward(wardId ?? ''));
  const beds = ward?.beds ?? NO_BEDS;
  const patientIds = useMemo(() => beds.flatMap((bed) => bed.patientId ?? []), [beds]);
  const [chosenPatient, setOpenPatient] = useState<string>();
  // Who is not on this board (another ward, discharged) has no details open on it either.
  const openPatient = chosenPatient !== undefined && patientIds.includes(chosenPatient) ? chosenPatient : undefined;
  /** On whom a person is charting now. */
  const [charted, setCharted] = useState<string>();
  const [dialog, setDialog] = useState<'help' | 'raise'>();
  // On a phone, beds and alerts take turns; on wider screens both are there and this has no effect.
  const [shows, setShows] = useState<'beds' | 'alerts'>('beds');
  const [hasSound, toggleSound] = useSound();
  const views = viewsOf(live.me);
  const [view, setView] = useState<View>('board');
  const { edited, setEdited, mayLeave } = useEdited();
  const isOwn = wardId === OWN_BOARD;
  useTitle();

  const open = useCallback(
    (patientId: string) => setOpenPatient((now) => (now === patientId ? undefined : patientId)),
    [],
  );
  const close = useCallback(() => {
    setOpenPatient((now) => {
      if (now !== undefined) document.querySelector<HTMLElement>(`[data-patient="${CSS.escape(now)}"]`)?.focus();
      return undefined;
    });
  }, []);
  const nextWard = useCallback(() => {
    const { wards } = live.me;
    const next =
      wards[(wards.findIndex((candidate) => candidate.wardId === live.selectedWard.get()) + 1) % wards.length];
    if (next) live.selectWard(next.wardId);
  }, [live]);

  /** Of the bed that is open, or of the one that has the focus. */
  const chart = useCallback(() => {
    const focused = document.activeElement?.closest<HTMLElement>('[data-patient]')?.dataset['patient'];
    const patientId = openPatient ?? focused;
    if (patientId !== undefined && treats(live.me)) setCharted(patientId);
  }, [live, openPatient]);

  const shortcuts = useMemo<Shortcuts>(() => {
    const nextAlert = () => {
      setShows('alerts');
      chooseAlert(1);
    };
    const previousAlert = () => chooseAlert(-1);
    const keys: Shortcuts = {
      j: nextAlert,
      ArrowDown: nextAlert,
      k: previousAlert,
      ArrowUp: previousAlert,
      a: () => pressOnChosen('[data-action="acknowledge"]', true),
      d: () => pressOnChosen('[data-action="decline"]', false),
      r: () => pressOnChosen('[data-action="resolve"]', true),
      Enter: () => pressOnChosen('[data-expand]', false),
      p: () => document.querySelector<HTMLElement>('[data-page-alert] button')?.focus(),
      w: nextWard,
      c: chart,
      n: () => live.me.wards.length > 0 && setDialog('raise'),
      s: toggleSound,
      t: switchTheme,
      '?': () => setDialog('help'),
      Escape: close,
    };
    for (let digit = 1; digit <= 9; digit += 1)
      keys[String(digit)] = () => document.querySelector<HTMLElement>(`[data-bed-index="${digit - 1}"]`)?.click();
    return keys;
  }, [live, nextWard, toggleSound, close, chart]);
  useShortcuts(shortcuts);

  return (
    <div className="desk" data-shows={shows} data-own={isOwn} data-has-board={wardId !== undefined}>
      <a className="skip" href="#alerts-title">
        Skip to alerts
      </a>
      <Header
        hasSound={hasSound}
        onSound={toggleSound}
        onHelp={() => setDialog('help')}
        onSignOut={() => mayLeave() && onSignOut()}
        views={views.length > 1 ? { shown: view, all: views, show: setView } : undefined}
      />
      <TechnicalBanner />
      <EmergencyBanner />
      <LinkBanner patientIds={patientIds} />
      <PageBanner />
      <NoticeBanner />
      {view === 'admissions' && <Admissions />}
      {view === 'alarms' && <AlarmReview />}
      {view === 'plans' && <Plans edited={edited} onEdit={setEdited} />}
      {view === 'letters' && <DeadLetters />}
      {view === 'operations' && <Operations />}
      {view === 'board' && (
        <div className="work">
          {wardId !== undefined && (
            <main className="board" aria-label={ward?.name ?? 'Ward'}>
              {!isOwn && <WardLine wardId={wardId} />}
              {!isOwn && <WardPresence wardId={wardId} />}
              {isOwn &&
                beds.map(
                  (bed) =>
                    bed.patientId !== null && (
                      <CallForHelp key={bed.bedId} bed={{ ...bed, patientId: bed.patientId }} />
                    ),
                )}
              {ward === undefined && <p className="placeholder">Loading the ward…</p>}
              {ward !== undefined && beds.length === 0 && <p className="placeholder">There are no beds here.</p>}
              {beds.length > 0 && <WardBoard beds={beds} openPatient={openPatient} onOpen={open} />}
              {openPatient !== undefined && (
                <BedDetail key={openPatient} patientId={openPatient} onChart={chart} onClose={close} />
              )}
            </main>
          )}
          {!isOwn && <AlertList onRaise={() => setDialog('raise')} />}
        </div>
      )}
      {view === 'board' && !isOwn && wardId !== undefined && <Turns shows={shows} onTurn={setShows} />}
      <footer className="footer">
        <span>NEWS2 © Royal College of Physicians 2017</span>
        <span>Not a certified medical device</span>
        <span className="footer-keys">
          Press <kbd>?</kbd> for keys
        </span>
      </footer>
      <Toasts />
      {charted !== undefined && <ChartDialog patientId={charted} onClose={() => setCharted(undefined)} />}
      {dialog === 'help' && <HelpDialog onClose={() => setDialog(undefined)} />}
      {dialog === 'raise' && <RaiseDialog onClose={() => setDialog(undefined)} />}
    </div>
  );
};

type TurnsProps = { shows: 'beds' | 'alerts'; onTurn: (shows: 'beds' | 'alerts') => void };

const Turns = ({ shows, onTurn }: TurnsProps) => {
  const waiting = useCell(useLive().board.activeAlerts).filter((alert) => alarmState(alert) !== 'ack');
  return (
    <nav className="turns" aria-label="Views">
      <button type="button" aria-pressed={shows === 'beds'} onClick={() => onTurn('beds')}>
        Beds
      </button>
      <button type="button" aria-pressed={shows === 'alerts'} onClick={() => onTurn('alerts')}>
        Alerts
        {waiting[0] && (
          <span className="priority ward-count" data-priority={waiting[0].priority}>
            {waiting.length}
          </span>
        )}
      </button>
    </nav>
  );
};

const useSound = (): [boolean, () => void] => {
  const { board } = useLive();
  const sound = useRef<ReturnType<typeof createSound>>(undefined);
  const [isOn, setOn] = useState(false);
  useEffect(() => {
    if (!isOn) return undefined;
    const play = () =>
      sound.current?.play(board.activeAlerts.get().find((alert) => alarmState(alert) === 'on')?.priority);
    play();
    const end = board.activeAlerts.subscribe(play);
    return () => {
      end();
      sound.current?.turnOff();
    };
  }, [isOn, board]);
  const toggle = useCallback(() => {
    sound.current ??= createSound();
    // Inside the click or key, as browsers want it.
    if (!isOn) sound.current.turnOn();
    setOn(!isOn);
  }, [isOn]);
  return [isOn, toggle];
};

/** The tab says what waits, for whoever has another tab in front. */
const useTitle = (): void => {
  const { board, me } = useLive();
  const alerts = useCell(board.activeAlerts);
  const waiting = alerts.filter((alert) => alarmState(alert) !== 'ack').length;
  const isMine = alerts.some((alert) => isPaged(alert, me.person));
  useEffect(() => {
    document.title = `${isMine ? '● ' : ''}${waiting > 0 ? `(${waiting}) ` : ''}Carillon`;
  }, [waiting, isMine]);
};
