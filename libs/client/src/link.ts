/**
 * The connection that is kept: opened, watched, replaced, given up. What always holds: at most one handshake is under way;
 * a connection is left only when another one has taken over its rooms, unless it is dead; a link that is silent for
 * longer than the server's pings allow is called stale at once.
 */
import type { Cancel, Environment } from './environment.ts';
import type { ServerFrame } from './frames.ts';
import type { Link, LinkStep } from './link-state.ts';
import type { PageEvent } from './page.ts';
import { closeFamily, reconnectDelayMs, stopReason } from './reconnect.ts';
import { createSession, type Session } from './session.ts';
import { isSignedOut, type Tokens } from './tokens.ts';
import { createTransports, type Openers } from './transports.ts';
import { guardedOpen, type WireEnd } from './wire.ts';

export type LinkOptions = {
  environment: Environment;
  tokens: Tokens;
  openers: Openers;
  client: { name: string; version: string };
  longestWaitMs: () => number;
  onLink: (link: Link) => void;
  /** Another connection is the one to send on: rooms and calls go over to it. `settled` ends the one before. */
  onLive: (session: Session) => void;
  onFrame: (session: Session, frame: ServerFrame) => void;
  onForgetPositions: () => void;
  onStopped: (reason: string) => void;
};

/** A connection is a good one after this time; else a server that comes and goes would be hammered. */
const steadyMs = 30_000;
const handshakeWithinMs = 6_000;
/** The rooms of a connection that is replaced have that long to go over. */
const handoverMs = 5_000;
const lookEveryMs = 1_000;
/** A timer that is this late says that the device slept, or the page was frozen. */
const sleptMs = 5_000;
const leastBetweenAttemptsMs = 500;

export type LinkControl = ReturnType<typeof createLink>;

export function createLink(options: LinkOptions) {
  const { environment, tokens, client } = options;
  const { now, random, after, page } = environment;
  const transports = createTransports(options.openers);
  const tab = Math.floor(random() * 2 ** 40).toString(36);
  const leaving = new Set<Session>();
  let link: Link = { state: 'stopped', heardAt: now(), code: undefined, reason: 'Not started' };
  let isRunning = false;
  let isPutAway = false;
  let current: Session | undefined;
  let opening: Session | 'token' | undefined;
  let isProbe = false;
  let attempt = 0;
  let attemptedAt = 0;
  let nextAttemptAt = 0;
  let heardAt = now();
  let mayHurry = true;
  const timers = new Map<string, Cancel>();

  const put = (step: LinkStep): void => {
    link = { ...step, heardAt };
    options.onLink(link);
  };
  const cancel = (name: string): void => {
    timers.get(name)?.();
    timers.delete(name);
  };
  const later = (name: string, delayMs: number, action: () => void): void => {
    cancel(name);
    timers.set(
      name,
      after(delayMs, () => {
        timers.delete(name);
        action();
      }),
    );
  };

  const waitFor = (delayMs: number, reason: string): void => {
    // What the server has told holds, whatever becomes meanwhile of the connection that is left.
    if (mayHurry || !timers.has('attempt')) {
      nextAttemptAt = now() + delayMs;
      later('attempt', delayMs, () => open());
    }
    if (current !== undefined) return;
    put(page.isOnline() ? { state: 'waiting', nextAttemptAt, reason } : { state: 'offline', nextAttemptAt });
  };
  const backOff = (reason: string): void =>
    waitFor(reconnectDelayMs(attempt++, random, options.longestWaitMs()), reason);

  /** @param probing whether it is only tried if WebSocket passes again; an event stream goes on meanwhile */
  const open = (probing = false): void => {
    if (!isRunning || isPutAway || opening !== undefined) return;
    cancel('attempt');
    opening = 'token';
    isProbe = probing;
    attemptedAt = now();
    mayHurry = true;
    if (current === undefined && link.state !== 'stale') put({ state: 'connecting' });
    tokens.get().then(begin, (error: unknown) => {
      if (opening !== 'token') return;
      opening = undefined;
      if (isSignedOut(error)) stop(4401, error instanceof Error ? error.message : stopReason(4401));
      else if (isProbe) probeLater();
      else backOff('No token could be had');
    });
  };

  const begin = (token: string): void => {
    if (opening !== 'token') return;
    const { transport, open: openWire } = transports.choose(isProbe);
    // Some platforms throw for an address that they do not like, and never tell an end.
    const open = guardedOpen(openWire, environment);
    const connect = { t: 'connect', token, client, tab } as const;
    const events = { onOpen: () => transports.opened(transport), onReady, onHeard, onFrame: options.onFrame, onEnd };
    const session = createSession({ transport, open, now, connect }, events);
    opening = session;
    later('handshake', handshakeWithinMs, () => session.end({ code: 1006 }));
  };

  const onReady = (session: Session): void => {
    cancel('handshake');
    cancel('attempt');
    opening = undefined;
    const old = current;
    current = session;
    heardAt = now();
    if (old !== undefined) {
      leaving.add(old);
      later('handover', handoverMs, leaveOld);
    }
    put({ state: 'live', transport: session.transport });
    later('steady', steadyMs, () => (attempt = 0));
    if (session.transport === 'sse' && transports.mayProbe()) probeLater();
    options.onLive(session);
  };
  const leaveOld = (): void => leaving.forEach((old) => old.end({ code: 1000 }));
  const probeLater = (): void =>
    later('probe', transports.nextProbeMs(), () => current?.transport === 'sse' && open(true));

  const onHeard = (session: Session): void => {
    if (session !== current) return;
    heardAt = now();
    // The device was wrong about its network.
    if (link.state === 'offline') put({ state: 'live', transport: session.transport });
  };

  const onEnd = (session: Session, end: WireEnd): void => {
    if (leaving.delete(session)) return;
    if (session === opening) {
      cancel('handshake');
      opening = undefined;
      transports.failed(session.transport, session.hasOpened);
      if (isProbe) return current?.transport === 'sse' ? probeLater() : recover(end);
    } else if (session === current) {
      current = undefined;
      cancel('steady');
      cancel('probe');
      // Another one is under way already.
      if (opening !== undefined) {
        if (closeFamily(end.code) === 'stop') return recover(end);
        heed(end.code);
        return link.state === 'stale' ? undefined : put({ state: 'connecting' });
      }
      // A silent link was waited for long enough.
      if (link.state === 'stale') {
        attempt++;
        return open();
      }
    } else return undefined;
    return recover(end);
  };

  /** What an end says of tokens and positions, whether or not another connection is under way. */
  const heed = (code: number): void => {
    const family = closeFamily(code);
    if (family === 'drop') options.onForgetPositions();
    if (family === 'renew') tokens.refuse(tokens.known());
  };

  const recover = (end: WireEnd): void => {
    if (!isRunning || isPutAway) return;
    heed(end.code);
    switch (closeFamily(end.code)) {
      case 'stop':
        // While one lives, its own end decides.
        return current === undefined ? stop(end.code, end.message ?? stopReason(end.code)) : backOff('Refused');
      case 'drop':
        return backOff('What was known is void');
      case 'renew':
        return backOff('The token has ended');
      case 'wait':
        waitFor((end.afterMs ?? 5_000 + random() * 5_000) + random() * 500, end.message ?? 'The server is busy');
        mayHurry = false;
        return undefined;
      case 'resume':
        return backOff('The connection was lost');
    }
  };

  /** Looks whether the link is silent, and whether time has passed that nobody was awake in. */
  const look = (expectedAt: number): void => {
    const at = now();
    // A clock that was set back must not let a silent link pass for a living one.
    heardAt = Math.min(heardAt, at);
    if (at - expectedAt > sleptMs) wake();
    else checkSilence();
    if (isRunning) later('look', lookEveryMs, () => look(at + lookEveryMs));
  };
  const checkSilence = (): void => {
    const ping = current?.ready?.ping;
    if (ping === undefined || now() - heardAt < ping.everyMs + ping.waitMs) return;
    put({ state: 'stale' });
    current?.end({ code: 1006 });
  };

  const wake = (): void => {
    checkSilence();
    const isTimely = mayHurry && now() - attemptedAt >= leastBetweenAttemptsMs;
    if (current === undefined && isTimely) open();
  };
  const onPage = (event: PageEvent): void => {
    if (!isRunning) return;
    switch (event) {
      case 'shown':
        return wake();
      case 'online':
        // The way to the server may be another one now, and the old connection lead nowhere.
        return current === undefined ? wake() : open();
      case 'offline':
        return current === undefined || link.state === 'stale'
          ? undefined
          : put({ state: 'offline', nextAttemptAt: undefined });
      case 'putAway':
        isPutAway = true;
        endAll(1000);
        return undefined;
      case 'broughtBack':
        if (!isPutAway) return;
        isPutAway = false;
        open();
    }
  };

  const endAll = (code: number): void => {
    const sessions = [
      ...leaving,
      ...(typeof opening === 'object' ? [opening] : []),
      ...(current === undefined ? [] : [current]),
    ];
    leaving.clear();
    opening = undefined;
    current = undefined;
    for (const session of sessions) session.end({ code });
  };

  const stop = (code: number | undefined, reason: string): void => {
    if (!isRunning) return;
    isRunning = false;
    stopListening();
    for (const name of timers.keys()) cancel(name);
    endAll(1000);
    put({ state: 'stopped', code, reason });
    options.onStopped(reason);
  };
  let stopListening = (): void => {};

  return {
    link: (): Link => ({ ...link, heardAt }),
    session: (): Session | undefined => current,
    start(): void {
      if (isRunning) return;
      isRunning = true;
      isPutAway = false;
      attempt = 0;
      stopListening = page.listen(onPage);
      look(now());
      open();
    },
    stop,
    wake,
    /** The connection ends soon: another one takes over. */
    replace(session: Session, withinMs: number): void {
      if (session !== current || link.state === 'draining') return;
      put({ state: 'draining', transport: session.transport });
      later('attempt', random() * withinMs, () => open());
    },
    /** All rooms are on this connection: the one before has done its work. */
    settled(session: Session): void {
      if (session !== current) return;
      cancel('handover');
      for (const old of leaving) old.retire();
      if (leaving.size > 0) later('handover', handoverMs, leaveOld);
    },
  };
}
