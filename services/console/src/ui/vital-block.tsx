import { clockMinute, clockTime } from '../format.ts';
import { isContinuous } from '../freshness.ts';
import { NO_VALUE, sayValue, vitalSign, writeValue } from '../vital-signs.ts';
import { useCell, useIsOld, useLive } from './hooks.ts';

type VitalProps = { patientId: string; vital: string; testId?: string; alarm: string | undefined };

/** Alarm is the vital sign (if any) that the tile's leading alert is about. */
type Marks = { isOld: boolean; isSuspect: boolean; isAlarmed: boolean; isEmpty: boolean };

const marks = (vital: string, { isOld, isSuspect, isAlarmed, isEmpty }: Marks): string =>
  [
    'vital',
    isEmpty && 'is-empty',
    isOld && isContinuous(vital) && 'is-old',
    isSuspect && 'is-suspect',
    isAlarmed && 'is-alarmed',
  ]
    .filter(Boolean)
    .join(' ');

const Suspect = () => (
  <span className="suspect" title="The value is outside what is plausible: check the sensor">
    <b aria-hidden="true">?</b> suspect
  </span>
);

const MeasuredAt = ({ measuredAt, vital }: { measuredAt: string; vital: string }) => (
  <span className="measured-at" title={`Measured at ${clockTime(measuredAt)}`}>
    {isContinuous(vital) ? clockTime(measuredAt) : clockMinute(measuredAt)}
  </span>
);

export const VitalBlock = ({ patientId, vital, testId, alarm }: VitalProps) => {
  const reading = useCell(useLive().board.reading(patientId, vital));
  const isOld = useIsOld(reading);
  const isSuspect = reading !== undefined && reading.quality !== 'good';
  const { label, unit, name } = vitalSign(vital);
  return (
    <div
      className={marks(vital, { isOld, isSuspect, isAlarmed: alarm === vital, isEmpty: !reading })}
      data-vital={vital}
    >
      <div className="vital-head">
        <abbr className="vital-label" title={name} aria-label={sayValue(vital, reading)}>
          {label}
        </abbr>
        <span className="vital-unit" aria-hidden="true">
          {unit}
        </span>
        {isSuspect && <Suspect />}
        {isOld && reading && <MeasuredAt measuredAt={reading.measuredAt} vital={vital} />}
      </div>
      <div className="vital-value" data-testid={testId}>
        {writeValue(reading)}
      </div>
    </div>
  );
};

/** Heart rate from the ECG, or the oximeter's pulse where there is none (or it has gone). */
export const HeartBlock = ({ patientId, alarm, testId }: Omit<VitalProps, 'vital'>) => {
  const { board } = useLive();
  const heartRate = useCell(board.reading(patientId, 'heartRate'));
  const pulse = useCell(board.reading(patientId, 'pulse'));
  const isHeartRateOld = useIsOld(heartRate);
  const takesPulse = pulse !== undefined && (heartRate === undefined || isHeartRateOld);
  return (
    <VitalBlock
      patientId={patientId}
      vital={takesPulse ? 'pulse' : 'heartRate'}
      alarm={takesPulse && alarm === 'heartRate' ? 'pulse' : alarm}
      {...(testId === undefined ? {} : { testId })}
    />
  );
};

export const PressureBlock = ({ patientId, alarm }: Omit<VitalProps, 'vital'>) => {
  const { board } = useLive();
  const systolic = useCell(board.reading(patientId, 'systolic'));
  const diastolic = useCell(board.reading(patientId, 'diastolic'));
  const isOld = useIsOld(systolic);
  const isSuspect = [systolic, diastolic].some((reading) => reading !== undefined && reading.quality !== 'good');
  const isAlarmed = alarm === 'systolic' || alarm === 'diastolic';
  const text = systolic || diastolic ? `${writeValue(systolic)}/${writeValue(diastolic)}` : NO_VALUE;
  return (
    <div
      className={marks('systolic', { isOld, isSuspect, isAlarmed, isEmpty: !systolic && !diastolic })}
      data-vital="pressure"
    >
      <div className="vital-head">
        <abbr className="vital-label" title="Blood pressure" aria-label="Blood pressure, mmHg">
          BP
        </abbr>
        <span className="vital-unit" aria-hidden="true">
          mmHg
        </span>
        {isSuspect && <Suspect />}
        {isOld && systolic && <MeasuredAt measuredAt={systolic.measuredAt} vital="systolic" />}
      </div>
      <div className="vital-value">{text}</div>
    </div>
  );
};
