import { PRIORITY_WORD } from '../alerts.ts';
import { clockMinute, clockTime } from '../format.ts';
import { isContinuous } from '../freshness.ts';
import { MARK_WORD, type Mark, type Marks, strongestMark } from '../marking.ts';
import { NO_VALUE, sayValue, vitalSign, writeValue } from '../vital-signs.ts';
import { useCell, useIsOld, useLive } from './hooks.ts';
import { PriorityIcon } from './icons.tsx';

type VitalProps = { patientId: string; vital: string; testId?: string; mark: Mark | undefined };
type BlockProps = { patientId: string; marks: Marks; testId?: string };

const classes = (
  vital: string,
  { isOld, isSuspect, isEmpty }: Record<'isOld' | 'isSuspect' | 'isEmpty', boolean>,
): string =>
  ['vital', isEmpty && 'is-empty', isOld && isContinuous(vital) && 'is-old', isSuspect && 'is-suspect']
    .filter(Boolean)
    .join(' ');

/** Never colour alone: the triangle of the priority, and a word for who listens. */
const MarkIcon = ({ mark }: { mark: Mark | undefined }) =>
  mark && (
    <span className="vital-mark" role="img" title={sayMark(mark)} aria-label={sayMark(mark)}>
      <PriorityIcon priority={mark.priority} />
    </span>
  );

const sayMark = ({ state, priority }: Mark): string =>
  `${MARK_WORD[state]}, ${PRIORITY_WORD[priority].toLowerCase()} priority`;

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

export const VitalBlock = ({ patientId, vital, testId, mark }: VitalProps) => {
  const reading = useCell(useLive().board.reading(patientId, vital));
  const isOld = useIsOld(reading);
  const isSuspect = reading !== undefined && reading.quality !== 'good';
  const { label, unit, name } = vitalSign(vital);
  return (
    <div
      className={classes(vital, { isOld, isSuspect, isEmpty: !reading })}
      data-vital={vital}
      data-mark={mark?.state}
      data-priority={mark?.priority}
    >
      <div className="vital-head">
        <abbr className="vital-label" title={name} aria-label={sayValue(vital, reading)}>
          {label}
        </abbr>
        <MarkIcon mark={mark} />
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
export const HeartBlock = ({ patientId, marks, testId }: BlockProps) => {
  const { board } = useLive();
  const heartRate = useCell(board.reading(patientId, 'heartRate'));
  const pulse = useCell(board.reading(patientId, 'pulse'));
  const isHeartRateOld = useIsOld(heartRate);
  const takesPulse = pulse !== undefined && (heartRate === undefined || isHeartRateOld);
  return (
    <VitalBlock
      patientId={patientId}
      vital={takesPulse ? 'pulse' : 'heartRate'}
      mark={takesPulse ? strongestMark(marks.get('pulse'), marks.get('heartRate')) : marks.get('heartRate')}
      {...(testId === undefined ? {} : { testId })}
    />
  );
};

export const PressureBlock = ({ patientId, marks }: BlockProps) => {
  const { board } = useLive();
  const systolic = useCell(board.reading(patientId, 'systolic'));
  const diastolic = useCell(board.reading(patientId, 'diastolic'));
  const isOld = useIsOld(systolic);
  const isSuspect = [systolic, diastolic].some((reading) => reading !== undefined && reading.quality !== 'good');
  const mark = strongestMark(marks.get('systolic'), marks.get('diastolic'), marks.get('meanPressure'));
  const text = systolic || diastolic ? `${writeValue(systolic)}/${writeValue(diastolic)}` : NO_VALUE;
  return (
    <div
      className={classes('systolic', { isOld, isSuspect, isEmpty: !systolic && !diastolic })}
      data-vital="pressure"
      data-mark={mark?.state}
      data-priority={mark?.priority}
    >
      <div className="vital-head">
        <abbr className="vital-label" title="Blood pressure" aria-label="Blood pressure, mmHg">
          BP
        </abbr>
        <MarkIcon mark={mark} />
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
