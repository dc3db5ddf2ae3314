/** What goes over the wire, as types alone: the schemas stay in contracts. */
import type { ClientFrame, ServerFrame as Pushed } from '@carillon/contracts/gateway';
import type { Static } from '@carillon/contracts/schema';
import type { serverFrames } from '@carillon/contracts/server-frames';

export type MessageFrame = Static<(typeof serverFrames)['msg']>;
export type ServerFrame = Pushed | MessageFrame;
export type ReadyFrame = Extract<ServerFrame, { t: 'ready' }>;
export type SubscribedFrame = Extract<ServerFrame, { t: 'subscribed' }>;
export type ErrorFrame = Extract<ServerFrame, { t: 'err' }>;
/** What ends an `ask`. */
export type Answer = Extract<ServerFrame, { t: 'ok' | 'err' | 'subscribed' }>;

type WithoutId<F> = F extends unknown ? Omit<F, 'id'> : never;
/** Frames that are answered; the connection gives the id. */
export type Asking = WithoutId<Extract<ClientFrame, { id: number }>>;
/** Frames that are not. */
export type Telling = Exclude<ClientFrame, { id: number }>;
export type { ClientFrame };
