import { useCallback } from 'react';
import { treats } from '../alerts.ts';
import { BindDevice, ReleaseDevice } from './device-forms.tsx';
import { useLive } from './hooks.ts';
import { useRefreshed } from './use-refreshed.ts';

const REFRESH_EVERY_MS = 15_000;

/** Which devices measure on this patient; who treats him, or runs the house, binds and releases them. */
export const BedDevices = ({ patientId }: { patientId: string }) => {
  const live = useLive();
  const wardId = live.me.wards.find(({ wardId: each }) =>
    live.board
      .ward(each)
      .get()
      ?.beds.some((bed) => bed.patientId === patientId),
  )?.wardId;
  const mayBind = treats(live.me) || live.me.roles.includes('admin');
  return wardId === undefined || !mayBind ? null : <Devices wardId={wardId} patientId={patientId} />;
};

const Devices = ({ wardId, patientId }: { wardId: string; patientId: string }) => {
  const { api, bedOf } = useLive();
  const read = useCallback(async () => {
    const devices = await api.devices({ wardId });
    return devices.filter((device) => device.patientId === patientId);
  }, [api, wardId, patientId]);
  const { latest, failure, refresh } = useRefreshed(read, REFRESH_EVERY_MS);
  const devices = latest?.value ?? [];
  const patientName = bedOf(patientId)?.patientName ?? patientId;
  return (
    <details className="bed-devices" data-testid="bed-devices">
      <summary>
        <b>Devices</b> {devices.length === 0 ? 'None is bound.' : devices.map(({ label }) => label).join(', ')}
      </summary>
      {failure !== undefined && (
        <p className="letters-failure" role="alert">
          No newer list. {failure}
        </p>
      )}
      <BindDevice patientId={patientId} patientName={patientName} onDone={refresh} />
      {devices.length > 0 && <ReleaseDevice devices={devices} nameOf={() => patientName} onDone={refresh} />}
    </details>
  );
};
