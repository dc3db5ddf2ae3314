import { type SubmitEvent, useState } from 'react';
import type { Input } from '@carillon/client/client';
import { vitalSign } from '../vital-signs.ts';
import { textOf } from './confirmed-form.tsx';
import { Dialog } from './dialog.tsx';
import { useCell, useLive } from './hooks.ts';

type Chart = Input<'vitals:chart'>;

const LEVELS: readonly { level: NonNullable<Chart['consciousness']>; label: string }[] = [
  { level: 'A', label: 'Alert' },
  { level: 'C', label: 'New confusion' },
  { level: 'V', label: 'Voice' },
  { level: 'P', label: 'Pain' },
  { level: 'U', label: 'Unresponsive' },
];
/** The ranges are those beyond which the server refuses. */
const NUMBERS = [
  { vital: 'respirationRate', min: 0, max: 150, step: 1 },
  { vital: 'spo2', min: 0, max: 100, step: 1 },
  { vital: 'systolic', min: 0, max: 400, step: 1 },
  { vital: 'diastolic', min: 0, max: 300, step: 1 },
  { vital: 'pulse', min: 0, max: 400, step: 1 },
  { vital: 'temperature', min: 10, max: 50, step: 0.1 },
] as const;

/** What was filled in; all else keeps the value that it had. */
const chartOf = (patientId: string, values: FormData): Chart => {
  const chart: Chart = { patientId };
  const level = LEVELS.find((candidate) => candidate.level === textOf(values, 'consciousness'))?.level;
  if (level !== undefined) chart.consciousness = level;
  const oxygen = textOf(values, 'oxygen');
  if (oxygen !== '') chart.onOxygen = oxygen === 'oxygen';
  const flow = textOf(values, 'oxygenFlow');
  if (oxygen === 'oxygen' && flow !== '') chart.oxygenFlow = Number(flow);
  for (const { vital } of NUMBERS) {
    const text = textOf(values, vital);
    if (text !== '') chart[vital] = Number(text);
  }
  return chart;
};

/** What a person sees at the bed: all of it at once, or only what the score asks for. */
export const ChartDialog = ({ patientId, onClose }: { patientId: string; onClose: () => void }) => {
  const live = useLive();
  const bed = live.bedOf(patientId);
  const missing = useCell(live.board.score(patientId))?.missing ?? [];
  const [oxygen, setOxygen] = useState('');
  const [isSending, setSending] = useState(false);

  const submit = async (event: SubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    setSending(true);
    if (await live.chart(chartOf(patientId, new FormData(event.currentTarget)))) onClose();
    else setSending(false);
  };

  return (
    <Dialog title={`Chart ${[bed?.label, bed?.patientName].filter(Boolean).join(', ')}`} onClose={onClose}>
      <form className="form" data-testid="chart" onSubmit={(event) => void submit(event)}>
        <fieldset className="choices">
          <legend>
            Consciousness <Asked isAsked={missing.includes('consciousness')} />
          </legend>
          <Choice name="consciousness" value="" label="As before" isDefault />
          {LEVELS.map(({ level, label }) => (
            <Choice key={level} name="consciousness" value={level} label={label} />
          ))}
        </fieldset>
        <fieldset className="choices">
          <legend>
            Air or oxygen <Asked isAsked={missing.includes('onOxygen')} />
          </legend>
          <Choice name="oxygen" value="" label="As before" isDefault onChoose={setOxygen} />
          <Choice name="oxygen" value="air" label="Air" onChoose={setOxygen} />
          <Choice name="oxygen" value="oxygen" label="Oxygen" onChoose={setOxygen} />
        </fieldset>
        {oxygen === 'oxygen' && (
          <label className="field">
            Flow in L/min
            <input name="oxygenFlow" type="number" min={0.1} max={70} step={0.1} required />
          </label>
        )}
        <div className="chart-numbers">
          {NUMBERS.map(({ vital, ...range }) => (
            <label key={vital} className="field">
              <span>
                {vitalSign(vital).name} in {vitalSign(vital).unit} <Asked isAsked={missing.includes(vital)} />
              </span>
              <input name={vital} type="number" inputMode="decimal" placeholder="as before" {...range} />
            </label>
          ))}
        </div>
        <div className="form-actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" data-testid="chart-send" disabled={isSending}>
            {isSending ? 'Sending…' : 'Chart'}
          </button>
        </div>
      </form>
    </Dialog>
  );
};

const Asked = ({ isAsked }: { isAsked: boolean }) => (isAsked ? <b className="asked">asked for</b> : null);

type ChoiceProps = {
  name: string;
  value: string;
  label: string;
  isDefault?: boolean;
  onChoose?: (value: string) => void;
};

const Choice = ({ name, value, label, isDefault = false, onChoose }: ChoiceProps) => (
  <label className="choice">
    <input type="radio" name={name} value={value} defaultChecked={isDefault} onChange={() => onChoose?.(value)} />
    {label}
  </label>
);
