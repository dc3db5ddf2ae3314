import { useState } from 'react';
import type { Beds } from '../shapes.ts';
import { ConfirmedForm, textOf } from './confirmed-form.tsx';
import { useCell, useLive } from './hooks.ts';

type Bed = Beds['beds'][number];
type Place = { wardId: string; bedId: string };
type FormProps = { beds: Beds; onDone: () => void };

const nameOfBed = ({ wardName, label }: Bed): string => `${wardName}, ${label}`;
/** No id holds a space. */
const keyOf = ({ wardId, bedId }: Place): string => `${wardId} ${bedId}`;
const bedOf = (beds: Beds, values: FormData): Bed | undefined =>
  beds.beds.find((bed) => keyOf(bed) === textOf(values, 'bed'));
const nursesIn = (values: FormData) => {
  const nurse = textOf(values, 'nurse');
  return nurse === '' ? {} : { bedNurses: [nurse] };
};

/** Free beds, and who of the chosen one's ward will care at it. */
const BedFields = ({ beds }: { beds: Beds }) => {
  const [chosen, setChosen] = useState('');
  const wardId = chosen.split(' ')[0] ?? '';
  const nurses = beds.nurses.filter(({ wards }) => wards.includes(wardId));
  return (
    <>
      <label className="field">
        Bed
        <select name="bed" required value={chosen} onChange={(event) => setChosen(event.target.value)}>
          <option value="">Choose a free bed</option>
          {beds.beds
            .filter((bed) => !bed.isTaken)
            .map((bed) => (
              <option key={keyOf(bed)} value={keyOf(bed)}>
                {nameOfBed(bed)}
              </option>
            ))}
        </select>
      </label>
      <label className="field">
        Nurse at the bed
        <select name="nurse" key={wardId}>
          <option value="">Nobody yet</option>
          {nurses.map(({ personId, name }) => (
            <option key={personId} value={personId}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </>
  );
};

/** Those who lie in a bed and whom this person may see. */
const placed = (beds: Beds) =>
  beds.beds.flatMap((bed) => (bed.patientId === null ? [] : [{ ...bed, patientId: bed.patientId }]));

const PlacedField = ({ beds }: { beds: Beds }) => (
  <label className="field">
    Patient
    <select name="patient" required defaultValue="">
      <option value="">Choose a patient</option>
      {placed(beds).map((bed) => (
        <option key={bed.patientId} value={bed.patientId}>
          {bed.patientName ?? bed.patientId} ({nameOfBed(bed)})
        </option>
      ))}
    </select>
  </label>
);

/** "2 open alerts go along. " */
const useAlertsInWords = (): ((patientId: string, what: { one: string; many: string }) => string) => {
  const alerts = useCell(useLive().board.activeAlerts);
  return (patientId, what) => {
    const count = alerts.filter((alert) => alert.patientId === patientId).length;
    if (count === 0) return '';
    return count === 1 ? `1 open alert ${what.one}. ` : `${count} open alerts ${what.many}. `;
  };
};

type AdmitProps = FormProps & { name: string; onName: (name: string) => void };

export const Admit = ({ beds, onDone, name, onName }: AdmitProps) => {
  const { api } = useLive();
  const nameOf = (id: string): string => beds.waiting.find(({ patientId }) => patientId === id)?.patientName ?? id;
  return (
    <ConfirmedForm
      name="admit"
      title="Admit"
      explanation="Gives a bed to a patient who lies in none."
      verb="Admit"
      question={(values) => `${nameOf(textOf(values, 'patient'))} lies in ${placeOf(beds, values)} from now on.`}
      act={async (values) => {
        const patientId = textOf(values, 'patient');
        await api.admit({ patientId, ...destinationOf(beds, values), ...nursesIn(values) });
        onDone();
        return `${nameOf(patientId)} was admitted.`;
      }}
    >
      <label className="field">
        Part of the name
        <input
          type="search"
          value={name}
          maxLength={100}
          autoComplete="off"
          onChange={(event) => onName(event.target.value)}
        />
      </label>
      <label className="field">
        Patient without a bed
        <select name="patient" required defaultValue="">
          <option value="">Choose a patient</option>
          {beds.waiting.map(({ patientId, patientName }) => (
            <option key={patientId} value={patientId}>
              {patientName}
            </option>
          ))}
        </select>
      </label>
      <BedFields beds={beds} />
    </ConfirmedForm>
  );
};

export const Transfer = ({ beds, onDone }: FormProps) => {
  const { api } = useLive();
  const alertsInWords = useAlertsInWords();
  const inBed = (values: FormData) => placed(beds).find(({ patientId }) => patientId === textOf(values, 'patient'));
  return (
    <ConfirmedForm
      name="transfer"
      title="Transfer"
      explanation="Moves a patient to another bed, also of another ward."
      verb="Transfer"
      question={(values) => {
        const from = inBed(values);
        const goes = alertsInWords(from?.patientId ?? '', { one: 'goes along', many: 'go along' });
        return `${from?.patientName ?? ''} moves to ${placeOf(beds, values)}. ${goes}Nurses of another ward are no longer at the bed.`;
      }}
      act={async (values) => {
        const from = inBed(values);
        if (from === undefined) throw new Error('The patient lies in no bed any more.');
        const { patientId, bedId: fromBedId } = from;
        await api.transfer({ patientId, fromBedId, ...destinationOf(beds, values), ...nursesIn(values) });
        onDone();
        return `${from.patientName ?? patientId} was moved.`;
      }}
    >
      <PlacedField beds={beds} />
      <BedFields beds={beds} />
    </ConfirmedForm>
  );
};

export const Discharge = ({ beds, onDone }: FormProps) => {
  const { api } = useLive();
  const alertsInWords = useAlertsInWords();
  const nameOf = (id: string): string => placed(beds).find(({ patientId }) => patientId === id)?.patientName ?? id;
  return (
    <ConfirmedForm
      name="discharge"
      title="Discharge"
      explanation="Ends the stay of a patient: the bed is free."
      verb="Discharge"
      question={(values) => {
        const patientId = textOf(values, 'patient');
        return `${nameOf(patientId)} leaves. ${alertsInWords(patientId, {
          one: 'stays with the ward until somebody answers it',
          many: 'stay with the ward until somebody answers them',
        })}Monitoring, own limits and bindings of devices end.`;
      }}
      act={async (values) => {
        const patientId = textOf(values, 'patient');
        const name = nameOf(patientId);
        const reason = textOf(values, 'reason');
        await api.discharge({ patientId, ...(reason === '' ? {} : { reason }) });
        onDone();
        return `${name} was discharged.`;
      }}
    >
      <PlacedField beds={beds} />
      <label className="field">
        Reason (may be empty)
        <input name="reason" maxLength={500} autoComplete="off" />
      </label>
    </ConfirmedForm>
  );
};

function placeOf(beds: Beds, values: FormData): string {
  const bed = bedOf(beds, values);
  return bed === undefined ? 'no bed' : nameOfBed(bed);
}

function destinationOf(beds: Beds, values: FormData): Place {
  const bed = bedOf(beds, values);
  if (bed === undefined) throw new Error('The bed is no longer there.');
  return { wardId: bed.wardId, bedId: bed.bedId };
}
