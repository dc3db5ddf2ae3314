/**
 * One signed-in person's live view: joins the rooms they may see, reads snapshots, and keeps the board in step.
 * Rooms first and snapshots after, with versions on both, so that nothing falls between the two.
 */
import { type Api, HttpError, listDemoPeople } from './api.ts';
import { isStaff } from './alerts.ts';
import { createBoard } from './board.ts';
import { createCell, createCellMap } from './cell.ts';
import { serverNow, setServerTime } from './clock.ts';
import { createNotices } from './notices.ts';
import { type Link, createRealtime } from './realtime.ts';
import { loadTrends } from './trend-loader.ts';
import type { Alert, Bed, ConditionEvent, Me, MessageFrame, Reading, Score, Ward } from './types.ts';

/** The board of someone without a ward: a patient's own, or a caregiver's. */
export const OWN_BOARD = 'own';
/** Beds change hands rarely, and the alert list has its own events: this is the belt to those braces. */
const REREAD_EVERY_MS = 60_000;
/** Snapshots that several rooms ask for at once are read once. */
const GATHER_MS = 120;
/** An event that is replayed after an outage is history: shown, but not announced. */
const NEWS_WITHIN_MS = 15_000;

export type LiveOptions = {
  me: Me;
  api: Api;
  token: () => string;
  renewToken: () => Promise<string | undefined>;
};

export type AlertAction = 'acknowledge' | 'decline' | 'resolve';
export type NewAlert = {
  patientId?: string;
  wardId?: string;
  kind: string;
  priority: Alert['priority'];
  message: string;
};
export type Live = ReturnType<typeof createLive>;

export const createLive = ({ me, api, token, renewToken }: LiveOptions) => {
  const board = createBoard();
  const notices = createNotices();
  const selectedWard = createCell<string | undefined>(me.wards[0]?.wardId ?? (isStaff(me) ? undefined : OWN_BOARD));
  const pending = createCellMap<AlertAction | undefined>(undefined);
  /** How often a patient's limits were changed since the sign-in: whoever shows them reads them again. */
  const limitsChanges = createCellMap(0);
  const names = createCell<ReadonlyMap<string, string>>(new Map([[me.person, me.name]]));
  const seesHospital = me.roles.includes('operator') || me.roles.includes('admin');
  const trendsRead = new Set<string>();
  const wardsAsked = new Set<string>();
  let lastLiveAt = 0;
  let isStopped = false;

  const bedsOf = (wardId: string | undefined): readonly Bed[] =>
    wardId === undefined ? [] : (board.ward(wardId).get()?.beds ?? []);

  const bedOf = (patientId: string | null): Bed | undefined =>
    board
      .knownWards()
      .flatMap((ward) => ward.beds)
      .find((bed) => patientId !== null && bed.patientId === patientId);

  /** Where and who: "Bed 3, Anna Berg"; what is known of it. */
  const place = (alert: Pick<Alert, 'patientId' | 'wardId'>): string => {
    const bed = bedOf(alert.patientId);
    if (bed) return [bed.label, bed.patientName].filter(Boolean).join(', ') || (alert.patientId ?? '');
    const named = me.wards.find((candidate) => candidate.wardId === alert.wardId);
    const ward = named?.name ?? (alert.wardId === null ? undefined : `Ward ${alert.wardId}`);
    const patient = alert.patientId === null ? undefined : `patient ${alert.patientId}`;
    return [ward, patient].filter(Boolean).join(', ') || 'Hospital';
  };

  /** Operators see alerts of wards that are not theirs: where they may read the ward, its beds get their names. */
  const nameWards = (): void => {
    for (const { wardId } of board.activeAlerts.get()) {
      if (wardId === null || wardsAsked.has(wardId) || me.wards.some((ward) => ward.wardId === wardId)) continue;
      wardsAsked.add(wardId);
      api
        .ward(wardId)
        .then(board.putWard)
        .catch(() => {});
    }
  };

  const joinRooms = (): void => {
    const rooms = me.wards.map((ward) => `ward:${ward.wardId}:alerts`);
    if (seesHospital) rooms.push(`hospital:${me.hospital}:alerts`);
    const wardId = selectedWard.get();
    if (wardId !== undefined && wardId !== OWN_BOARD) rooms.push(`ward:${wardId}:vitals`);
    for (const { patientId } of bedsOf(wardId)) {
      if (patientId === null) continue;
      rooms.push(`patient:${patientId}`);
      if (wardId === OWN_BOARD) rooms.push(`patient:${patientId}:vitals`);
    }
    realtime.setRooms(rooms);
  };

  /** Reads back the lines of those beds whose past is not known yet. */
  const readTrends = (): void => {
    const all = bedsOf(selectedWard.get()).flatMap((bed) => bed.patientId ?? []);
    const patientIds = all.filter((patientId) => !trendsRead.has(patientId));
    for (const patientId of patientIds) trendsRead.add(patientId);
    const onFailed = (patientId: string) => trendsRead.delete(patientId);
    void loadTrends({ api, board, patientIds, isWanted: () => !isStopped, onFailed });
  };

  const readWard = async (wardId: string): Promise<void> => {
    const ward = await api.ward(wardId);
    board.putWard(ward);
    if (wardId !== selectedWard.get()) return;
    joinRooms();
    const since = board.mark();
    for (const status of await api.wardStatus(wardId)) board.putStatus(status, since);
    readTrends();
  };

  const readAlerts = async (wardId?: string): Promise<void> => {
    const since = board.mark();
    const scope = wardId === undefined ? {} : { wardId };
    const [open, acknowledged] = await Promise.all([
      api.alerts({ ...scope, state: 'open' }),
      api.alerts({ ...scope, state: 'acknowledged' }),
    ]);
    board.putAlerts([...open, ...acknowledged], since, (alert) => wardId === undefined || alert.wardId === wardId);
  };

  const ownBoard = (): Ward => ({
    wardId: OWN_BOARD,
    name: me.roles.includes('caregiver') ? 'My patient' : 'My vital signs',
    version: 1,
    beds: me.patients.map((patientId) => {
      const isMe = !me.roles.includes('caregiver');
      return { bedId: patientId, label: isMe ? 'Me' : 'Patient', patientId, patientName: isMe ? me.name : patientId };
    }),
  });

  const readOwn = async (): Promise<void> => {
    board.putWard(ownBoard());
    joinRooms();
    for (const patientId of me.patients) {
      const since = board.mark();
      board.putStatus(await api.patientStatus(patientId), since);
    }
    readTrends();
  };

  const readAll = (): Promise<unknown>[] => {
    // Where a person may not list alerts, the rooms still bring them: a refusal is no error to show.
    const alerts = seesHospital || me.wards.length === 0 ? [readAlerts()] : me.wards.map((w) => readAlerts(w.wardId));
    const places = selectedWard.get() === OWN_BOARD ? [readOwn()] : me.wards.map((ward) => readWard(ward.wardId));
    return [...places, ...alerts];
  };

  let readTimer: ReturnType<typeof setTimeout> | undefined;
  const reread = (delayMs = GATHER_MS): void => {
    clearTimeout(readTimer);
    readTimer = setTimeout(() => {
      if (isStopped) return;
      void Promise.allSettled(readAll()).then((results) => {
        const reasons: unknown[] = results.map((result) => (result.status === 'rejected' ? result.reason : undefined));
        const isIncomplete = reasons.some(
          (reason) => reason instanceof HttpError && (reason.status === 0 || reason.status >= 429),
        );
        reread(isIncomplete ? 2000 : REREAD_EVERY_MS);
      });
    }, delayMs);
  };

  const announce = (event: string, alert: Alert): void => {
    const where = place(alert);
    const said: Record<string, () => void> = {
      'alert:raised': () => notices.show(alert.priority, where, alert.message),
      'alert:escalated': () => notices.show(alert.priority, `${where}: level ${alert.level}`, alert.message),
      'alert:acknowledged': () => notices.show('done', `${where}: acknowledged`, alert.message),
      'alert:declined': () => notices.show('note', `${where}: declined`, alert.message),
      'alert:cleared': () => notices.show('note', `${where}: condition over`, alert.message),
      'alert:resolved': () => notices.show('done', `${where}: resolved`, alert.message),
    };
    said[event]?.();
  };

  const onMessage = (message: MessageFrame): void => {
    try {
      takeIn(message);
    } catch (error) {
      // One message that is not as agreed must not take the board down, and what it said is read from the snapshot.
      console.error(`${message.ev} in ${message.room} could not be read`, error);
      reread();
    }
  };

  const takeIn = (message: MessageFrame): void => {
    const { ev, data } = message;
    if (ev === 'vitals:recorded') {
      const { patientId, items } = data as { patientId: string; items: Reading[] };
      board.putReadings(patientId, items);
    } else if (ev === 'score:updated') {
      const score = data as Score & { patientId: string };
      board.putScore(score.patientId, score);
    } else if (ev === 'condition:raised' || ev === 'condition:changed' || ev === 'condition:cleared') {
      board.putCondition(data as ConditionEvent, ev !== 'condition:cleared');
    } else if (ev === 'limits:changed') {
      const { patientId } = data as { patientId: string };
      limitsChanges.at(patientId).set(limitsChanges.at(patientId).get() + 1);
    } else if (ev === 'page:new' || ev === 'page:withdrawn') {
      board.putAlert((data as { alert: Alert }).alert);
    } else if (ev.startsWith('alert:')) {
      const alert = data as Alert;
      const isFresh = message.at === undefined || serverNow() - Date.parse(message.at) < NEWS_WITHIN_MS;
      if (board.putAlert(alert) && isFresh) announce(ev, alert);
    }
  };

  const onLink = (link: Link): void => {
    const before = board.link.get();
    board.link.set(link);
    if (link.state !== 'live') {
      if (before.state === 'live') lastLiveAt = Date.now();
      return;
    }
    // Vital signs resume with the newest value only: what the lines missed is read back.
    if (lastLiveAt > 0 && Date.now() - lastLiveAt > 5000) trendsRead.clear();
    reread();
  };

  const realtime = createRealtime({
    openSocket: ({ onOpen, onText, onClose }) => {
      const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
      const socket = new WebSocket(`${scheme}://${location.host}/realtime/ws`, 'carillon.v1');
      socket.addEventListener('open', onOpen);
      socket.addEventListener('message', ({ data }) => typeof data === 'string' && onText(data));
      socket.addEventListener('close', ({ code }) => onClose(code));
      return { send: (text) => socket.send(text), close: () => socket.close(1000) };
    },
    token,
    renewToken,
    onMessage,
    onReload: () => {
      for (const [, changes] of limitsChanges.entries()) changes.set(changes.get() + 1);
      reread();
    },
    onRoomClosed: (room, code) => {
      if (code === 'relation_ended') notices.show('note', 'No longer shown', `You have no more access to ${room}.`);
      reread();
    },
    onLink,
    onServerTime: setServerTime,
    isVisible: () => document.visibilityState === 'visible',
  });

  const wake = (): void => {
    if (document.visibilityState === 'visible') realtime.wake();
  };

  const showFailure = (what: string, error: unknown): void => {
    const code = (error as { code?: string }).code ?? 'failed';
    notices.show('error', `${what} did not succeed`, `${(error as Error).message} (${code})`);
  };

  return {
    me,
    api,
    board,
    notices,
    names,
    pending,
    selectedWard,
    limitsChanges,
    place,
    bedOf,
    start: (): void => {
      if (seesHospital) board.activeAlerts.subscribe(nameWards);
      realtime.start();
      joinRooms();
      reread(0);
      window.addEventListener('online', wake);
      document.addEventListener('visibilitychange', wake);
      // Names of the people who were paged: known only where demo sign-in is on; their ids are shown otherwise.
      listDemoPeople()
        .then((people) => {
          if (people) names.set(new Map(people.map(({ person, name }) => [person, name])));
        })
        .catch(() => {});
    },
    stop: (): void => {
      isStopped = true;
      clearTimeout(readTimer);
      window.removeEventListener('online', wake);
      document.removeEventListener('visibilitychange', wake);
      realtime.stop();
    },
    selectWard: (wardId: string): void => {
      if (selectedWard.get() === wardId) return;
      selectedWard.set(wardId);
      joinRooms();
      reread(0);
    },
    act: async (action: AlertAction, alert: Alert): Promise<void> => {
      const cell = pending.at(alert.alertId);
      if (cell.get() !== undefined) return;
      cell.set(action);
      try {
        const result = await realtime.call(`alert:${action}`, { alertId: alert.alertId });
        if (isAlert(result)) board.putAlert(result);
      } catch (error) {
        showFailure(`To ${action} ${place(alert)}`, error);
      } finally {
        cell.set(undefined);
      }
    },
    /** True when it was raised. */
    raise: async (alert: NewAlert): Promise<boolean> => {
      try {
        const result = await realtime.call('alert:raise', alert);
        if (isAlert(result)) board.putAlert(result);
        return true;
      } catch (error) {
        showFailure('The alert', error);
        return false;
      }
    },
  };
};

const isAlert = (value: unknown): value is Alert =>
  typeof value === 'object' && value !== null && 'alertId' in value && 'version' in value && 'pages' in value;
