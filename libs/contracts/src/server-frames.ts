/** The frames that a gateway sends, as schemas: for documents and for those who check what they get. */
import { lanes } from './define.ts';
import { errors } from './errors.ts';
import type { ServerFrame, SubscriptionEnd } from './gateway.ts';
import { Id, Instant, OneOf, Shape, Type, type TSchema } from './schema.ts';

const AnswerTo = Type.Integer({ minimum: 0, description: 'The `id` of the frame that this answers' });
const Room = Type.String({ description: 'Name of the room' });
const Position = Type.String({ description: 'Opaque; give the newest one as `from` to resume' });
const Milliseconds = (description: string) => Type.Integer({ minimum: 0, description });

export const serverFrames = {
  ready: Shape(
    {
      t: Type.Literal('ready'),
      id: Type.Optional(AnswerTo),
      connection: Type.String({ description: 'Names this connection; quote it to the operators' }),
      person: Id('Who the token says you are'),
      now: Instant('Time of the gateway'),
      expiresAt: Instant('End of the token'),
      ping: Shape({
        everyMs: Milliseconds('How often `ping` comes'),
        waitMs: Milliseconds('How soon `pong` must follow'),
      }),
      bulk: Shape({
        messages: Type.Integer({
          description: 'Messages of bulk rooms on their way to you at most, once you send `rx`',
        }),
        bytes: Type.Integer({ description: 'Bytes of them at most' }),
      }),
      limits: Shape({
        frameBytes: Type.Integer({ description: 'Size of a frame of yours' }),
        rooms: Type.Integer({ description: 'Rooms of a connection' }),
        callsPerMinute: Type.Integer({ description: 'Calls a minute' }),
      }),
      rooms: Type.Array(Type.String(), { description: 'Joined already' }),
    },
    'You are known.',
  ),
  ok: Shape(
    {
      t: Type.Literal('ok'),
      id: AnswerTo,
      data: Type.Optional(Type.Unknown({ description: 'The result of the operation' })),
      accepted: Type.Optional(
        Type.Literal(true, { description: 'Stored and not done yet: the same call again gives the result' }),
      ),
      key: Type.Optional(Type.String({ description: 'With `accepted`: the key of the command' })),
    },
    'It is done, or accepted.',
  ),
  err: Shape(
    {
      t: Type.Literal('err'),
      id: Type.Optional(AnswerTo),
      code: OneOf(Object.keys(errors), 'What a program decides by'),
      message: Type.String({ description: 'For people' }),
      retry: OneOf(['never', 'backoff', 'after', 'reauth', 'resnapshot'], 'What to do'),
      afterMs: Type.Optional(Milliseconds('With `after`: how long to wait')),
      issues: Type.Optional(Type.Array(Type.Unknown(), { description: 'What is wrong with the input' })),
    },
    'It was refused.',
  ),
  subscribed: Shape(
    {
      t: Type.Literal('subscribed'),
      id: Type.Optional(AnswerTo),
      room: Room,
      pos: Type.Optional(Position),
      lane: OneOf(lanes, 'The usual one of this room'),
      recovery: OneOf(['complete', 'lost', 'latest', 'fresh', 'snapshot'], 'What the resume could prove'),
      data: Type.Optional(Type.Unknown({ description: 'With `snapshot`: the state of the room as it is now' })),
    },
    'You are in the room; what you missed follows, then what is live.',
  ),
  msg: Shape(
    {
      t: Type.Literal('msg'),
      room: Room,
      ev: Type.String({ description: 'Name of the event' }),
      mid: Type.String({ description: 'Of the message: the same in every room and on every gateway' }),
      pos: Type.Optional(Position),
      prev: Type.Optional(
        Type.String({ description: 'Position of the message before it in this room; not in rooms of the lane bulk' }),
      ),
      at: Instant('When it happened'),
      version: Type.Integer({ minimum: 0, description: 'Of the entity: ignore what is lower or equal to yours' }),
      ack: Type.Optional(Type.Literal(true, { description: 'Receipts are wanted: answer with `ack` frames' })),
      skipped: Type.Optional(Type.Integer({ minimum: 1, description: 'How many older ones of this key it replaces' })),
      data: Type.Unknown({ description: 'As the event says' }),
    },
    'Something happened in a room.',
  ),
  reset: Shape(
    { t: Type.Literal('reset'), room: Room, reason: Type.String({ description: 'Why, for a log' }) },
    'Positions of the room are void: load its state anew. You stay in it.',
  ),
  unsubscribed: Shape(
    {
      t: Type.Literal('unsubscribed'),
      room: Room,
      code: OneOf(
        ['relation_ended', 'ended'] satisfies SubscriptionEnd[],
        'Why: your right ended, or an operator ended it',
      ),
    },
    'You are no longer in the room, and did not ask for that.',
  ),
  reauth: Shape(
    { t: Type.Literal('reauth'), graceMs: Milliseconds('How long the connection still lives without') },
    'The token ends soon: send a new one.',
  ),
  goaway: Shape(
    {
      t: Type.Literal('goaway'),
      reason: Type.String({ description: '`drain`: the gateway is being stopped' }),
      spreadMs: Milliseconds('Within this time the connection is closed; open another one before'),
    },
    'Open a new connection, then leave this one.',
  ),
  ping: Shape({ t: Type.Literal('ping') }, 'Answer with `pong`.'),
} as const satisfies Record<ServerFrame['t'] | 'msg', TSchema>;
