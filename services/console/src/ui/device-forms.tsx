import type { Device } from '../shapes.ts';
import { ConfirmedForm, textOf } from './confirmed-form.tsx';
import { useLive } from './hooks.ts';

const ID_PATTERN = '[A-Za-z0-9_\\-]{1,64}';

const secondsIn = (values: FormData): { expectEverySeconds?: number } => {
  const seconds = textOf(values, 'every');
  return seconds === '' ? {} : { expectEverySeconds: Number(seconds) };
};

const modeIn = (values: FormData): { mode?: 'test' | 'demo' } => {
  const mode = textOf(values, 'mode');
  return mode === 'test' || mode === 'demo' ? { mode } : {};
};

/** Makes a device known, or sets anew what is known of it. */
export const RegisterDevice = ({ onDone }: { onDone: () => void }) => {
  const { api } = useLive();
  return (
    <ConfirmedForm
      name="register-device"
      title="Register a device"
      explanation="Of a registered device it is known when it was heard, and staff are told when it is silent or its battery low."
      verb="Register"
      question={(values) => {
        const { mode } = modeIn(values);
        const isTested = mode === undefined ? '' : ` It is under ${mode}: what it measures decides nothing.`;
        return `${textOf(values, 'label')} (${textOf(values, 'device')}) is known from now on, in place of what was known of this id.${isTested}`;
      }}
      act={async (values) => {
        const { label } = await api.registerDevice({
          deviceId: textOf(values, 'device'),
          type: textOf(values, 'type'),
          label: textOf(values, 'label'),
          batteryLowPercent: Number(textOf(values, 'battery')),
          ...secondsIn(values),
          ...modeIn(values),
        });
        onDone();
        return `${label} is registered.`;
      }}
    >
      <label className="field">
        Id, as the device gives it
        <input name="device" required pattern={ID_PATTERN} title="Letters, digits, _ and -" autoComplete="off" />
      </label>
      <label className="field">
        Kind
        <input name="type" required pattern={ID_PATTERN} placeholder="monitor" title="Letters, digits, _ and -" />
      </label>
      <label className="field">
        Name
        <input name="label" required maxLength={100} autoComplete="off" />
      </label>
      <label className="field">
        Sends every so many seconds (empty: nobody knows, and it is never silent)
        <input name="every" type="number" min={0.2} max={3600} step="any" />
      </label>
      <label className="field">
        Battery is low below, in percent
        <input name="battery" type="number" min={1} max={90} step={1} required defaultValue={20} />
      </label>
      <label className="field">
        Used for
        <select name="mode" defaultValue="">
          <option value="">Patients</option>
          <option value="test">Test: what it measures decides nothing</option>
          <option value="demo">Demonstration: the same</option>
        </select>
      </label>
    </ConfirmedForm>
  );
};

type BindProps = {
  patientId: string;
  /** For people. */
  patientName: string;
  onDone: () => void;
};

/** A device measures on one patient from now on, and on nobody else. */
export const BindDevice = ({ patientId, patientName, onDone }: BindProps) => {
  const { api } = useLive();
  return (
    <ConfirmedForm
      name="bind-device"
      title="Bind a device"
      explanation="What a bound device measures counts for this patient only."
      verb="Bind"
      question={(values) => `${textOf(values, 'device')} measures on ${patientName} from now on, and on nobody else.`}
      act={async (values) => {
        const { label } = await api.bindDevice({ deviceId: textOf(values, 'device'), patientId });
        onDone();
        return `${label} measures on ${patientName}.`;
      }}
    >
      <label className="field">
        Id on the label of the device
        <input name="device" required pattern={ID_PATTERN} title="Letters, digits, _ and -" autoComplete="off" />
      </label>
    </ConfirmedForm>
  );
};

type ReleaseProps = { devices: readonly Device[]; nameOf: (patientId: string) => string; onDone: () => void };

/** Of those that are bound; what they measure from now on is nobody's until they are bound again. */
export const ReleaseDevice = ({ devices, nameOf, onDone }: ReleaseProps) => {
  const { api } = useLive();
  const bound = devices.flatMap(({ patientId, ...device }) => (patientId === null ? [] : [{ ...device, patientId }]));
  const deviceIn = (values: FormData) => bound.find(({ deviceId }) => deviceId === textOf(values, 'device'));
  return (
    <ConfirmedForm
      name="release-device"
      title="Release a device"
      explanation="It measures on its patient no more, and nothing of it is missed."
      verb="Release"
      question={(values) => {
        const device = deviceIn(values);
        return `${device?.label ?? ''} measures on ${nameOf(device?.patientId ?? '')} no more.`;
      }}
      act={async (values) => {
        const device = deviceIn(values);
        if (device === undefined) throw new Error('It is bound no more.');
        const { deviceId, patientId, label } = device;
        await api.unbindDevice({ deviceId, patientId });
        onDone();
        return `${label} was released.`;
      }}
    >
      <label className="field">
        Device
        <select name="device" required defaultValue="">
          <option value="">Choose a device</option>
          {bound.map(({ deviceId, label, patientId }) => (
            <option key={deviceId} value={deviceId}>
              {label} ({nameOf(patientId)})
            </option>
          ))}
        </select>
      </label>
    </ConfirmedForm>
  );
};
