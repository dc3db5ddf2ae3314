import { useCallback } from 'react';
import { clockTime } from '../format.ts';
import type { Device } from '../shapes.ts';
import { RegisterDevice, ReleaseDevice } from './device-forms.tsx';
import { useLive } from './hooks.ts';
import { useRefreshed } from './use-refreshed.ts';

const REFRESH_EVERY_MS = 10_000;

/** The registered devices, for operators: which are silent, on whom each measures, and how long its battery lasts. */
export const DeviceList = () => {
  const { api, me } = useLive();
  const read = useCallback(() => api.devices({}), [api]);
  const { latest, failure, refresh } = useRefreshed(read, REFRESH_EVERY_MS);
  return (
    <>
      <Devices devices={latest?.value} failure={failure} />
      <RegisterDevice onDone={refresh} />
      {me.roles.includes('admin') && (
        <ReleaseDevice devices={latest?.value ?? []} nameOf={(patientId) => patientId} onDone={refresh} />
      )}
    </>
  );
};

type DevicesProps = { devices: readonly Device[] | undefined; failure: string | undefined };

const Devices = ({ devices: known, failure }: DevicesProps) => {
  const devices = known ?? [];
  return (
    <section className="operation" aria-labelledby="devices-title" data-testid="device-list">
      <h3 id="devices-title">Devices</h3>
      {known === undefined && failure === undefined && <p className="quiet">Loading…</p>}
      {known !== undefined && devices.length === 0 && <p className="quiet">No device is registered.</p>}
      {failure !== undefined && (
        <p className="letters-failure" role="alert">
          No newer list. {failure}
        </p>
      )}
      {devices.length > 0 && (
        <div className="ward-figures-space">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Device</th>
                <th scope="col">Patient</th>
                <th scope="col">State</th>
                <th scope="col">Battery</th>
                <th scope="col">Heard</th>
              </tr>
            </thead>
            <tbody>
              {[...devices].sort(silentFirst).map((device) => (
                <Row key={device.deviceId} device={device} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
};

const silentFirst = (left: Device, right: Device): number =>
  Number(right.isConnected === false) - Number(left.isConnected === false) ||
  left.deviceId.localeCompare(right.deviceId);

const stateOf = ({ mode, isConnected }: Device): string => {
  const heard = isConnected === null ? 'never heard' : isConnected ? 'heard' : 'silent';
  return mode === null ? heard : `${heard}, under ${mode}`;
};

const Row = ({ device }: { device: Device }) => {
  const { deviceId, label, patientId, battery, batteryLowPercent, heardAt } = device;
  const isLow = battery !== null && battery < batteryLowPercent;
  return (
    <tr data-testid={`device-${deviceId}`}>
      <th scope="row">{label}</th>
      <td>{patientId ?? '–'}</td>
      <td>{stateOf(device)}</td>
      <td>{battery === null ? '–' : `${battery} %${isLow ? ' low' : ''}`}</td>
      <td>{heardAt === null ? '–' : clockTime(heardAt)}</td>
    </tr>
  );
};
