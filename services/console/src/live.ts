/**
 * One signed-in person's live view: joins the rooms they may see, reads snapshots, and keeps the board in step.
 * Rooms first and snapshots after, with versions on both, so that nothing falls between the two.
 */
import type { Client, EventData, EventName, Input, Link, Message, Subscription } from '@carillon/client/client';
import { developmentPeople } from '@carillon/client/development';
import { type Api, isPassing } from './api.ts';
import { SNOOZE_SECONDS, isStaff } from './alerts.ts';
import { createBoard } from './board.ts';
import { createCell, createCellMap } from './cell.ts';
import { serverNow, setServerTime } from './clock.ts';
import { toBoardLink } from './link.ts';
import { createEmergencies, type Emergency } from './emergencies.ts';
import { createNoticeBoard } from './notice-board.ts';
import { createNotices } from './notices.ts';
import { createPages } from './pages.ts';
import { type PresentPerson, createPresence, wardPresenceRoom } from './presence.ts';
import { createTechnical, technicalRoom } from './technical.ts';
import { loadTrends } from './trend-loader.ts';
import type { Alert, Bed, Me, Ward } from './shapes.ts';
import { createWardFigures } from './ward-figures.ts';

/** The board of someone without a ward: a patient's own, or a caregiver's. */
export const OWN_BOARD = 'own';
/** Beds change hands rarely, and the alert list has its own events: this is the belt to those braces. */
const REREAD_EVERY_MS = 60_000;
/** Snapshots that several rooms ask for at once are read once. */
const GATHER_MS = 120;
/** An event that is replayed after an outage is history: shown, but not announced. */
const NEWS_WITHIN_MS = 15_000;

export type LiveOptions = { me: Me; api: Api; client: Client };

/** `confirm` and `dismiss` resolve as well, and say whether there was anything to do. */
export type AlertAction =
  'acknowledge' | 'decline' | 'resolve' | 'confirm' | 'dismiss' | 'snooze' | 'escalate' | 'arrive';
export type Live = ReturnType<typeof createLive>;

export const createLive = ({ me, api, client }: LiveOptions) => {
  const board = createBoard();
  const notices = createNotices();
  const selectedWard = createCell<string | undefined>(me.wards[0]?.wardId ?? (isStaff(me) ? undefined : OWN_BOARD));
  const pending = createCellMap<AlertAction | undefined>(undefined);
  /** How often a patient's limits were changed since the sign-in: whoever shows them reads them again. */
  const limitsChanges = createCellMap(0);
  /** The same of decisions on a patient's score. */
  const scoreDecisions = createCellMap(0);
  const names = createCell<ReadonlyMap<string, string>>(new Map([[me.person, me.name]]));
  const seesHospital = me.roles.includes('operator') || me.roles.includes('admin');
  const pages = createPages();
  const noticeBoard = createNoticeBoard(me.person, sessionStorage);
  const emergencies = createEmergencies();
  const presence = createPresence();
  const figures = createWardFigures();
  const technical = createTechnical();
  const subscriptions = new Map<string, Subscription>();
  const trendsRead = new Set<string>();
  const wardsAsked = new Set<string>();
  let lastLiveAt = 0;
  let wasLive = false;
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
    const rooms = [`person:${me.person}`, ...me.wards.map((ward) => `ward:${ward.wardId}:alerts`)];
    if (seesHospital) rooms.push(`hospital:${me.hospital}:alerts`);
    if (isStaff(me)) rooms.push(`hospital:${me.hospital}`, technicalRoom(me.hospital));
    const wardId = selectedWard.get();
    if (wardId !== undefined && wardId !== OWN_BOARD) rooms.push(`ward:${wardId}:vitals`, wardPresenceRoom(wardId));
    for (const { patientId } of bedsOf(wardId)) {
      if (patientId === null) continue;
      rooms.push(`patient:${patientId}`);
      if (wardId === OWN_BOARD) rooms.push(`patient:${patientId}:vitals`);
    }
    for (const [name, subscription] of subscriptions) {
      if (rooms.includes(name)) continue;
      subscriptions.delete(name);
      subscription.leave();
      presence.hide(name);
    }
    for (const name of rooms) if (!subscriptions.has(name)) subscriptions.set(name, joinRoom(name));
  };

  /** Mostly a patient was moved or discharged. */
  const whyEnded = (room: string): string => {
    const patientId = /^patient:([^:]+)/.exec(room)?.[1] ?? null;
    const name = bedOf(patientId)?.patientName ?? null;
    return name === null ? `You have no more access to ${room}.` : `${name} is on your ward no more.`;
  };

  const joinRoom = (name: string): Subscription => {
    const subscription = client.subscribe(name, {
      onMessage,
      loadState: onReload,
      onState: (state) => {
        if (name === technicalRoom(me.hospital)) technical.show(state as EventData<'technical:changed'>);
        else presence.show(name, (state as { people: readonly PresentPerson[] }).people);
      },
      onEnd: ({ room, code }) => {
        presence.hide(room);
        if (code === 'ended')
          notices.show('note', 'Interrupted', `An operator has ended ${room}. It is tried again soon.`);
        if (code === 'relation_ended') notices.show('note', 'No longer shown', whyEnded(room));
        // It may be allowed again one day: the regular reading tries it.
        setTimeout(() => {
          // Unless it was left and entered anew meanwhile.
          if (subscriptions.get(room) === subscription) subscriptions.delete(room);
        }, REREAD_EVERY_MS / 2);
        reread();
      },
    });
    return subscription;
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

  const readPatient = async (patientId: string): Promise<void> => {
    const since = board.mark();
    board.putStatus(await api.patientStatus(patientId), since);
  };

  const readOwn = async (): Promise<void> => {
    board.putWard(ownBoard());
    joinRooms();
    for (const patientId of me.patients) await readPatient(patientId);
    readTrends();
  };

  const readFigures = (): Promise<unknown>[] => {
    const wards = me.wards.map(({ wardId }) => ({ wardId }));
    const scopes = seesHospital ? [{}] : isStaff(me) ? wards : [];
    return scopes.map(async (scope) => figures.put(await api.figures(scope), undefined));
  };

  const readEmergencies = async (): Promise<void> => {
    const since = emergencies.mark();
    emergencies.putAll(await api.emergencies(), since);
  };

  const readAll = (): Promise<unknown>[] => {
    // Where a person may not list alerts, the rooms still bring them: a refusal is no error to show.
    const alerts = seesHospital || me.wards.length === 0 ? [readAlerts()] : me.wards.map((w) => readAlerts(w.wardId));
    const places = selectedWard.get() === OWN_BOARD ? [readOwn()] : me.wards.map((ward) => readWard(ward.wardId));
    const posted = isStaff(me) ? [api.notices().then(noticeBoard.post), readEmergencies()] : [];
    return [...places, ...alerts, ...posted, ...readFigures()];
  };

  let readTimer: ReturnType<typeof setTimeout> | undefined;
  const reread = (delayMs = GATHER_MS): void => {
    clearTimeout(readTimer);
    readTimer = setTimeout(() => {
      if (isStopped) return;
      // Also for those without a ward, whose reading joins none.
      joinRooms();
      void Promise.allSettled(readAll()).then((results) => {
        const isIncomplete = results.some((result) => result.status === 'rejected' && isPassing(result.reason));
        reread(isIncomplete ? 2000 : REREAD_EVERY_MS);
      });
    }, delayMs);
  };

  const announce = (event: string, alert: Alert): void => {
    const where = place(alert);
    const said: Record<string, () => void> = {
      'alert:raised': () => notices.show(alert.priority, where, alert.message),
      'alert:escalated': () => notices.show(alert.priority, `${where}: level ${alert.level}`, alert.message),
      'alert:released': () => notices.show(alert.priority, where, alert.message),
      'alert:accepted': () => notices.show('note', `${where}: somebody comes, more are needed`, alert.message),
      'alert:arrived': () => notices.show('note', `${where}: somebody is there`, alert.message),
      'alert:acknowledged': () => notices.show('done', `${where}: acknowledged`, alert.message),
      'alert:declined': () => notices.show('note', `${where}: declined`, alert.message),
      'alert:cleared': () => notices.show('note', `${where}: condition over`, alert.message),
      'alert:resolved': () => notices.show('done', `${where}: resolved`, alert.message),
      'alert:entered': () => notices.show(alert.priority, `${where}: came with this alert`, alert.message),
    };
    said[event]?.();
  };

  const onMessage = (message: Message): void => {
    try {
      takeIn(message);
    } catch (error) {
      // One message that is not as agreed must not take the board down, and what it said is read from the snapshot.
      console.error(`${message.event} in ${message.room} could not be read`, error);
      reread();
    }
  };

  const takeIn = (message: Message): void => {
    if (isEvent(message, 'vitals:recorded')) {
      board.putReadings(message.data.patientId, message.data.items);
    } else if (isEvent(message, 'score:updated')) {
      board.putScore(message.data.patientId, message.data);
    } else if (isEvent(message, 'condition:raised') || isEvent(message, 'condition:changed')) {
      board.putCondition(message.data, true);
    } else if (isEvent(message, 'condition:cleared')) {
      board.putCondition(message.data, false);
    } else if (isEvent(message, 'limits:changed')) {
      const { patientId } = message.data;
      limitsChanges.at(patientId).set(limitsChanges.at(patientId).get() + 1);
    } else if (isEvent(message, 'score:decided')) {
      const { patientId } = message.data;
      scoreDecisions.at(patientId).set(scoreDecisions.at(patientId).get() + 1);
      // Whether a score is shown at all is in the status only; a failure is mended by the regular reading.
      void readPatient(patientId).catch(() => {});
    } else if (isEvent(message, 'figures:updated')) {
      // Somebody came or left.
      if (figures.put(message.data, selectedWard.get())) reread();
    } else if (isEvent(message, 'emergency:declared') || isEvent(message, 'emergency:ended')) {
      emergencies.put(message.data);
    } else if (isEvent(message, 'notice:published')) {
      noticeBoard.post([message.data]);
    } else if (isEvent(message, 'notification:new')) {
      noticeBoard.postNotification(message);
    } else if (isEvent(message, 'technical:changed')) {
      technical.show(message.data);
    } else if (isEvent(message, 'presence:changed')) {
      presence.put(message.room, message.data);
    } else if (isEvent(message, 'presence:left')) {
      presence.remove(message.room, message.data.person);
    } else if (isEvent(message, 'page:new') || isEvent(message, 'page:withdrawn')) {
      if (message.event === 'page:new') pages.add(message.data.alertId, message.displayed);
      board.putAlert(message.data.alert);
    } else if (isEvent(message, 'alert:left')) {
      board.dropAlert(message.data);
    } else if (alertEvents.some((event) => event === message.event)) {
      const alert = message.data as Alert;
      const isFresh = serverNow() - Date.parse(message.at) < NEWS_WITHIN_MS;
      if (board.putAlert(alert) && isFresh) announce(message.event, alert);
    }
  };

  const answer = (action: AlertAction, alert: Alert, reason: string | undefined): Promise<Alert> => {
    const { alertId, priority, version } = alert;
    switch (action) {
      case 'snooze':
        return client.call('alert:snooze', { alertId, seconds: SNOOZE_SECONDS[priority] });
      case 'escalate':
        // Refused when the alert is not any more what is on the screen.
        return client.call('alert:escalate', { alertId, seenVersion: version });
      case 'confirm':
        return client.call('alert:resolve', { alertId, outcome: 'actionable' });
      case 'dismiss':
        return client.call('alert:resolve', { alertId, outcome: 'notActionable' });
      case 'decline':
        return client.call('alert:decline', { alertId, ...(reason === undefined ? {} : { reason }) });
      default:
        return client.call(`alert:${action}`, { alertId });
    }
  };

  const onReload = (): void => {
    for (const [, changes] of limitsChanges.entries()) changes.set(changes.get() + 1);
    for (const [, changes] of scoreDecisions.entries()) changes.set(changes.get() + 1);
    reread();
  };

  const onLink = (link: Link): void => {
    const before = board.link.get();
    const now = toBoardLink(link, wasLive);
    board.link.set(now);
    if (now.state !== 'live') {
      if (before.state === 'live') lastLiveAt = Date.now();
      return;
    }
    if (before.state === 'live') return;
    wasLive = true;
    // Vital signs resume with the newest value only: what the lines missed is read back.
    if (lastLiveAt > 0 && Date.now() - lastLiveAt > 5000) trendsRead.clear();
    reread();
  };
  const ends = [
    client.on('link', onLink),
    client.on('ready', ({ serverTime }) => setServerTime(serverTime)),
    client.on('command', ({ op, outcome, isOfEarlierPage }) => {
      if (isOfEarlierPage && !outcome.ok) showFailure(`${op}, from before the page was loaded,`, outcome.error);
    }),
    client.on('problem', (problem) => console.error(problem)),
  ];

  const showFailure = (what: string, error: unknown): void => {
    const code = (error as { code?: string }).code ?? 'failed';
    notices.show('error', `${what} did not succeed`, `${(error as Error).message} (${code})`);
  };

  /** True when it was done; why it was not is shown. */
  const tried = async (what: string, act: () => Promise<unknown>): Promise<boolean> => {
    try {
      await act();
      return true;
    } catch (error) {
      showFailure(what, error);
      return false;
    }
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
    scoreDecisions,
    place,
    pages,
    noticeBoard,
    emergencies,
    presence,
    figures,
    technical,
    bedOf,
    start: (): void => {
      if (seesHospital) board.activeAlerts.subscribe(nameWards);
      client.start();
      joinRooms();
      reread(0);
      // Names of the people who were paged: known only where demo sign-in is on; their ids are shown otherwise.
      developmentPeople()
        .then((people) => {
          if (people) names.set(new Map(people.map(({ person, name }) => [person, name])));
        })
        .catch(() => {});
    },
    stop: (): void => {
      isStopped = true;
      clearTimeout(readTimer);
      for (const end of ends) end();
      client.stop();
    },
    /** Somebody knows that beds have changed hands. */
    refresh: (): void => reread(0),
    selectWard: (wardId: string): void => {
      if (selectedWard.get() === wardId) return;
      selectedWard.set(wardId);
      joinRooms();
      reread(0);
    },
    act: async (action: AlertAction, alert: Alert, reason?: string): Promise<void> => {
      const cell = pending.at(alert.alertId);
      if (cell.get() !== undefined) return;
      cell.set(action);
      try {
        board.putAlert(await answer(action, alert, reason));
      } catch (error) {
        showFailure(`To ${action} ${place(alert)}`, error);
      } finally {
        cell.set(undefined);
      }
    },
    /** True when it was charted; the score that follows is on the board then. */
    chart: (chart: Input<'vitals:chart'>) =>
      tried('The chart', async () => board.putStatus(await client.call('vitals:chart', chart))),
    /** True when it was decided. */
    decideScore: (decision: Input<'score:decide'>) =>
      tried('The decision', () => client.call('score:decide', decision)),
    /** True when they were called. */
    callOut: (call: Input<'alert:callOut'>) =>
      tried('The call', async () => board.putAlert((await client.call('alert:callOut', call)).alert)),
    /** True when it is over. */
    endEmergency: ({ alertId, kind }: Emergency) =>
      tried(`To end ${kind}`, async () => emergencies.put(await client.call('emergency:end', { alertId }))),
    /** True when it was raised. */
    raise: (alert: Input<'alert:raise'>) =>
      tried('The alert', async () => board.putAlert(await client.call('alert:raise', alert))),
  };
};

/** What brings the whole alert; facts beside its state, as who has seen the page, are other events. */
const alertEvents = [
  'alert:raised',
  'alert:released',
  'alert:accepted',
  'alert:arrived',
  'alert:escalated',
  'alert:acknowledged',
  'alert:declined',
  'alert:cleared',
  'alert:resolved',
  'alert:entered',
] as const satisfies EventName[];

const isEvent = <N extends EventName>(message: Message, event: N): message is Message<EventData<N>> =>
  message.event === event;
