/** `monitoring`: devices, and on which patient each measures from when until when. */
import { commandAgesMs } from './command-ages.ts';
import { defineCommand, defineEvent, defineQuery, staffRoles, type Rule } from './define.ts';
import { modes } from './monitoring.ts';
import { Id, Instant, Nullable, OneOf, Shape, Type, type Static } from './schema.ts';
import { vitalNames } from './vital-signs.ts';

/** A signal of each gateway every second, while it takes readings in: what comes by none says nothing of sensors. */
export const edgeBeatSubject = 'sig.beat.gateway';

const DeviceId = Id('Device');
const PatientId = Id('Patient');

const settings = {
  type: Id('Kind, as in the room `device:<type>:<id>`: monitor, oximeter, …'),
  label: Type.String({ minLength: 1, maxLength: 100, description: 'For people' }),
  expectEverySeconds: Nullable(
    Type.Number({
      minimum: 0.2,
      maximum: 3_600,
      description:
        'How often it sends something; it is silent after five times that, and no sooner than a minute. Null: nobody knows, and it is never silent',
    }),
  ),
  batteryLowPercent: Type.Integer({ minimum: 1, maximum: 90, description: 'Below it somebody is told' }),
  mode: Nullable(OneOf(modes, 'Under test: what it measures is kept and decides nothing')),
};
export const deviceSchema = Shape({
  deviceId: DeviceId,
  ...settings,
  battery: Nullable(Type.Integer({ description: 'Percent, as it said last' })),
  isConnected: Nullable(Type.Boolean({ description: 'Null: it was never heard' })),
  heardAt: Nullable(Instant('When it was last heard, to within 5 s')),
  patientId: Nullable(Id('On whom it measures')),
  boundAt: Nullable(Instant('Since when')),
  version: Type.Integer({ description: 'Ignore what is lower or equal' }),
});
export type Device = Static<typeof deviceSchema>;

const common = { version: 1, owner: 'monitoring' } as const;
const ofHospital: Rule = { roles: ['operator', 'admin'], relation: 'hospital' };
const mayBind: Rule[] = [
  { roles: ['nurse', 'doctor'], relation: 'wardOfPatient', field: 'patientId' },
  { roles: ['admin'], relation: 'hospital' },
];

export const registerDevice = defineCommand({
  ...common,
  name: 'device:register',
  lane: 'normal',
  maxAgeMs: commandAgesMs['device:register'],
  description: 'Makes a device known, or sets anew what is known of it. A device needs none of it to send readings.',
  input: Shape({
    deviceId: DeviceId,
    type: settings.type,
    label: settings.label,
    expectEverySeconds: Type.Optional(settings.expectEverySeconds),
    batteryLowPercent: Type.Optional(settings.batteryLowPercent),
    mode: Type.Optional(settings.mode),
  }),
  result: deviceSchema,
  allow: [ofHospital],
  http: { method: 'PUT', path: '/v1/devices/:deviceId' },
});
export const bindDevice = defineCommand({
  ...common,
  name: 'device:bind',
  lane: 'normal',
  maxAgeMs: commandAgesMs['device:bind'],
  description:
    'From then on the device measures on this patient and on nobody else. `conflict` while it is bound to another.',
  input: Shape({
    deviceId: DeviceId,
    patientId: PatientId,
    from: Type.Optional(Instant('Now where absent; at most 24 h ago')),
  }),
  result: deviceSchema,
  allow: mayBind,
  http: { method: 'POST', path: '/v1/devices/:deviceId/bind' },
});
export const unbindDevice = defineCommand({
  ...common,
  name: 'device:unbind',
  lane: 'normal',
  maxAgeMs: commandAgesMs['device:unbind'],
  description:
    'The device measures on this patient no more, and nothing of it is expected. `conflict` if it is not bound to him.',
  input: Shape({
    deviceId: DeviceId,
    patientId: PatientId,
    until: Type.Optional(Instant('Now where absent; after the beginning')),
  }),
  result: deviceSchema,
  allow: mayBind,
  http: { method: 'POST', path: '/v1/devices/:deviceId/unbind' },
});
export const reportDevice = defineCommand({
  ...common,
  name: 'device:report',
  lane: 'normal',
  maxAgeMs: commandAgesMs['device:report'],
  description:
    'A device tells of itself; also with nothing to tell, so that it is heard. `not_found` if not registered.',
  input: Shape({
    deviceId: DeviceId,
    battery: Type.Optional(Type.Integer({ minimum: 0, maximum: 100, description: 'Percent' })),
  }),
  result: deviceSchema,
  allow: [{ roles: ['device'], relation: 'self', field: 'deviceId' }],
  http: { method: 'POST', path: '/v1/devices/:deviceId/report' },
});
export const stopSignal = defineCommand({
  ...common,
  name: 'signal:stop',
  lane: 'normal',
  maxAgeMs: commandAgesMs['signal:stop'],
  description: 'The sensor was taken off on purpose: its vital sign is not expected until it is measured again.',
  input: Shape({ patientId: PatientId, vital: OneOf(vitalNames, 'Vital sign') }),
  result: Shape({ stoppedAt: Instant('Nothing is expected from then on') }),
  allow: [{ roles: ['nurse', 'doctor'], relation: 'wardOfPatient', field: 'patientId' }],
  http: { method: 'POST', path: '/v1/patients/:patientId/signals/:vital/stop' },
});

export const listDevices = defineQuery({
  ...common,
  name: 'device:list',
  description: 'The registered devices by id, 500 a page; of a ward those that are bound to its patients.',
  input: Shape({
    wardId: Type.Optional(Id('Ward')),
    cursor: Type.Optional(Id('`next` of the page before')),
  }),
  result: Shape({
    items: Type.Array(deviceSchema),
    next: Type.Optional(Id('Give it as `cursor` for the next page; absent on the last')),
  }),
  allow: [{ roles: staffRoles, relation: 'ward', field: 'wardId' }, ofHospital],
  http: { method: 'GET', path: '/v1/devices' },
});
export const listBindings = defineQuery({
  ...common,
  name: 'device:bindings',
  description: 'On whom a device measured, newest first; at most 200.',
  input: Shape({ deviceId: DeviceId }),
  result: Shape({
    items: Type.Array(
      Shape({
        patientId: PatientId,
        from: Instant('From, inclusive'),
        until: Nullable(Instant('Until, exclusive; null: still')),
        boundBy: Id('Who bound it'),
        unboundBy: Nullable(Id('Who released it')),
      }),
    ),
  }),
  allow: [ofHospital],
  http: { method: 'GET', path: '/v1/devices/:deviceId/bindings' },
});

const deviceEvent = <const V extends string>(verb: V, description: string) =>
  defineEvent({
    ...common,
    name: `device:${verb}` as const,
    description,
    stream: 'DEVICE',
    subject: `device.<hospital>.<type>.<device>.${verb}`,
    data: deviceSchema,
  });
export const deviceRegistered = deviceEvent('registered', 'A device was made known, or is set anew.');
export const deviceAssigned = deviceEvent('assigned', 'A device was bound to a patient.');
export const deviceReleased = deviceEvent('released', 'A device is bound to nobody any more.');
export const deviceConnected = deviceEvent('connected', 'A device is heard, for the first time or again.');
export const deviceDisconnected = deviceEvent('disconnected', 'A device has not been heard for too long.');
export const deviceReported = deviceEvent('reported', 'A device has told of itself.');
