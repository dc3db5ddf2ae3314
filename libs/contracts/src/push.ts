/**
 * `push`: rings the devices of people. It runs nowhere yet: what it is sent waits in PUSH until it is too old. A push
 * says nothing of the patient; the device reads the alert after it was unlocked.
 */
import { defineCommand, type Lane } from './define.ts';
import { priorities } from './monitoring.ts';
import { Id, Instant, OneOf, Shape, Type } from './schema.ts';

const maxAgeMs = 15 * 60_000;

/** Two commands, since a lane is of the definition: what is not urgent must not stand before what is. */
const push = <const N extends string>(name: N, lane: Lane, description: string) =>
  defineCommand({
    name,
    version: 1,
    owner: 'push',
    internal: true,
    senders: ['alert-escalation'],
    description,
    lane,
    input: Shape({
      messageId: Id('The event of the person that says the same'),
      person: Id('Whose devices'),
      category: OneOf(['page'], 'What for'),
      priority: OneOf(priorities, 'How it rings'),
      alertId: Id('Alert'),
      level: Type.Integer({ minimum: 1, description: 'The level that calls' }),
      isWithdrawn: Type.Boolean({ description: 'The call is over: it stops ringing' }),
      until: Instant('Of no use after it'),
    }),
    result: Shape({}),
    maxAgeMs,
    allow: [{ roles: ['service'], relation: 'hospital' }],
  });
export const sendPush = push(
  'message:push',
  'critical',
  'Rings the devices of a person for an alert of high priority.',
);
export const sendPushLater = push('message:pushLater', 'normal', 'Rings the devices of a person for any other alert.');
