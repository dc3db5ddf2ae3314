import { OWN_BOARD } from '../live.ts';
import { AlarmLoad } from './alarm-load.tsx';
import { useCell, useLive } from './hooks.ts';
import { LimitSets } from './limit-sets.tsx';
import { LimitsReplay } from './limits-replay.tsx';

/** For whoever sets limits: what the alarms were, and what they would have been. Of the ward that is chosen, or of the hospital for those without one. */
export const AlarmReview = () => {
  const live = useLive();
  const selected = useCell(live.selectedWard);
  const wardId = selected === OWN_BOARD ? undefined : selected;
  const place = live.me.wards.find((ward) => ward.wardId === wardId)?.name ?? 'the hospital';
  return (
    <main className="operations" aria-labelledby="alarm-review-title">
      <h2 id="alarm-review-title">Alarms</h2>
      <div className="operations-columns">
        <AlarmLoad wardId={wardId} place={place} />
        <LimitsReplay key={wardId} wardId={wardId} place={place} />
        <LimitSets />
      </div>
    </main>
  );
};
