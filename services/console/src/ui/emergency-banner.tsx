import { useState } from 'react';
import { treats, wasPaged } from '../alerts.ts';
import { nameOfEmergency, type Emergency } from '../emergencies.ts';
import { clockMinute } from '../format.ts';
import { useCell, useLive } from './hooks.ts';
import { MegaphoneIcon } from './icons.tsx';

/** On every page while many people are called somewhere in the hospital. Nobody can put it away: it goes when it is over. */
export const EmergencyBanner = () => {
  const running = useCell(useLive().emergencies.running);
  // The region is there from the start: what is put into one that is new is read by few screen readers.
  return (
    <div className="notices" aria-live="assertive" aria-relevant="additions">
      {running.map((emergency) => (
        <EmergencyRow key={emergency.alertId} emergency={emergency} />
      ))}
    </div>
  );
};

const EmergencyRow = ({ emergency }: { emergency: Emergency }) => {
  const { names, board } = useLive();
  const known = useCell(names);
  const { alertId, kind, wardId, wardName, bedId, called, declaredBy, declaredAt } = emergency;
  const bed = board
    .knownWards()
    .flatMap(({ beds }) => beds)
    .find((each) => each.bedId === bedId);
  const place = [wardName ?? wardId ?? 'Whole hospital', bed?.label ?? bedId].filter(Boolean).join(', ');
  return (
    <article className="notice emergency" data-level="emergency" data-testid={`emergency-${alertId}`}>
      <span className="notice-level">
        <MegaphoneIcon /> Emergency
      </span>
      <div className="notice-words">
        <p className="notice-text">
          <b>
            {nameOfEmergency(kind)}: {place}
          </b>
        </p>
        <p className="notice-facts">
          <span>
            since <time dateTime={declaredAt}>{clockMinute(declaredAt)}</time>
          </span>
          <span>{called} is called</span>
          <span>by {known.get(declaredBy) ?? declaredBy}</span>
        </p>
      </div>
      <EndEmergency emergency={emergency} />
    </article>
  );
};

/** Whoever runs the house; nurses and doctors of the ward, and those who were called. */
const useMayEnd = ({ alertId, wardId }: Emergency): boolean => {
  const { me, board } = useLive();
  const alerts = useCell(board.activeAlerts);
  if (me.roles.includes('operator') || me.roles.includes('admin')) return true;
  const isMine = alerts.some((alert) => alert.alertId === alertId && wasPaged(alert, me.person));
  return treats(me) && (isMine || me.wards.some((ward) => ward.wardId === wardId));
};

const EndEmergency = ({ emergency }: { emergency: Emergency }) => {
  const live = useLive();
  const mayEnd = useMayEnd(emergency);
  const [step, setStep] = useState<'running' | 'asking' | 'ending'>('running');
  if (!mayEnd) return null;
  const end = async (): Promise<void> => {
    setStep('ending');
    if (!(await live.endEmergency(emergency))) setStep('running');
  };
  if (step === 'running') {
    return (
      <button type="button" className="button" data-testid="emergency-end" onClick={() => setStep('asking')}>
        It is over…
      </button>
    );
  }
  return (
    <div className="form-actions" role="group" aria-label="Nobody is called any more">
      <button type="button" className="button" disabled={step === 'ending'} onClick={() => setStep('running')}>
        Cancel
      </button>
      <button
        type="button"
        className="button primary"
        data-testid="emergency-end-confirm"
        disabled={step === 'ending'}
        onClick={() => void end()}
      >
        {step === 'ending' ? 'Sending…' : 'End it'}
      </button>
    </div>
  );
};
