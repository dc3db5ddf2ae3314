import { serverNow } from '../clock.ts';
import type { Edited } from '../edited.ts';
import {
  type LayerDraft,
  type ScheduleDraft,
  type WindowDraft,
  newLayer,
  newWindow,
  weekdayName,
} from '../schedule-draft.ts';
import { nextId } from '../policy-draft.ts';
import { DraftTurns } from './draft-turns.tsx';
import { EditForm } from './edit-form.tsx';
import { Checks, IssueAt, TextField } from './fields.tsx';
import { IdentityFields } from './identity-fields.tsx';
import { PeoplePicker } from './people-picker.tsx';
import { useNamesIn } from './use-callable.ts';

const MOST_LAYERS = 10;
const MOST_PEOPLE = 100;
const MOST_WINDOWS = 14;
const WEEKDAYS = [1, 2, 3, 4, 5, 6, 7].map((weekday) => [weekday, weekdayName(weekday)] as const);
const ZONES = Intl.supportedValuesOf('timeZone');

type ScheduleFormProps = {
  edited: Extract<Edited, { kind: 'schedule' }>;
  onEdit: (edited: Edited | undefined) => void;
  onSaved: (said: string) => void;
};

/** Who takes turns, by the clock on the wall of the schedule's time zone. */
export const ScheduleForm = ({ edited, onEdit, onSaved }: ScheduleFormProps) => {
  const { draft, version } = edited;
  const { layers } = draft;
  const change = (changes: Partial<ScheduleDraft>): void => onEdit({ ...edited, draft: { ...draft, ...changes } });
  const put = (layer: LayerDraft): void =>
    change({ layers: layers.map((each) => (each.id === layer.id ? layer : each)) });
  useNamesIn('schedule', version === 0 ? '' : edited.first.scheduleId);
  return (
    <EditForm
      edited={edited}
      title={version === 0 ? 'New on-call schedule' : `Schedule ${draft.name}`}
      onEdit={onEdit}
      onSaved={onSaved}
      removal="Nobody is on call by it any more. While a policy names it, it cannot be removed."
    >
      <div className="editor-row">
        <IdentityFields
          idPath="scheduleId"
          id={draft.scheduleId}
          name={draft.name}
          isIdFixed={version > 0}
          onId={(scheduleId) => change({ scheduleId })}
          onName={(name) => change({ name })}
        />
        <TextField
          path="timeZone"
          label="Time zone"
          hint="Hand-overs keep their time on the wall there, through daylight saving too."
          value={draft.timeZone}
          onChange={(timeZone) => change({ timeZone })}
          input={{ required: true, maxLength: 64, list: 'time-zones' }}
        />
        <datalist id="time-zones">
          {ZONES.map((zone) => (
            <option key={zone} value={zone} />
          ))}
        </datalist>
      </div>
      <div className="editor-list">
        {layers.map((layer, index) => (
          <fieldset key={layer.id} className="editor-part" data-testid={`layer-${index + 1}`}>
            <legend>Layer {index + 1}</legend>
            <Layer layer={layer} path={`layers.${index}`} onChange={put} />
            {layers.length > 1 && (
              <button
                type="button"
                className="button"
                onClick={() => change({ layers: layers.filter(({ id }) => id !== layer.id) })}
              >
                Remove layer {index + 1}
              </button>
            )}
          </fieldset>
        ))}
        <IssueAt path="layers" />
        {layers.length < MOST_LAYERS && (
          <button
            type="button"
            className="button"
            onClick={() => change({ layers: [...layers, newLayer(nextId(layers), serverNow())] })}
          >
            Another layer, which wins where it has somebody
          </button>
        )}
      </div>
      <DraftTurns draft={draft} isStored={version > 0} />
    </EditForm>
  );
};

type LayerProps = { layer: LayerDraft; path: string; onChange: (layer: LayerDraft) => void };

const Layer = ({ layer, path, onChange }: LayerProps) => {
  const { windows } = layer;
  const change = (changes: Partial<LayerDraft>): void => onChange({ ...layer, ...changes });
  return (
    <>
      <PeoplePicker
        label="Who takes turns, in this order"
        path={`${path}.people`}
        people={layer.people}
        onChange={(people) => change({ people })}
        most={MOST_PEOPLE}
        isOrdered
        isRequired
      />
      <div className="editor-row">
        <TextField
          path={`${path}.startsOn`}
          label="The first begins on"
          value={layer.startsOn}
          onChange={(startsOn) => change({ startsOn })}
          input={{ type: 'date', required: true }}
        />
        <TextField
          path={`${path}.handOverAt`}
          label="Hand-over at"
          value={layer.handOverAt}
          onChange={(handOverAt) => change({ handOverAt })}
          input={{ type: 'time', required: true }}
        />
        <TextField
          path={`${path}.everyDays`}
          label="A turn lasts (days)"
          value={layer.everyDays}
          onChange={(everyDays) => change({ everyDays })}
          input={{ type: 'number', min: 1, max: 366, required: true }}
        />
      </div>
      <p className="quiet">{windows.length === 0 ? 'Round the clock.' : 'Only at these hours:'}</p>
      {windows.map((window, index) => (
        <Window
          key={window.id}
          window={window}
          path={`${path}.hours.${index}`}
          onChange={(changed) => change({ windows: windows.map((each) => (each.id === changed.id ? changed : each)) })}
          onRemove={() => change({ windows: windows.filter(({ id }) => id !== window.id) })}
        />
      ))}
      <IssueAt path={`${path}.hours`} />
      {windows.length < MOST_WINDOWS && (
        <button
          type="button"
          className="button"
          onClick={() => change({ windows: [...windows, newWindow(nextId(windows))] })}
        >
          {windows.length === 0 ? 'Only at some hours' : 'Other hours too'}
        </button>
      )}
    </>
  );
};

type WindowProps = {
  window: WindowDraft;
  path: string;
  onChange: (window: WindowDraft) => void;
  onRemove: () => void;
};

const Window = ({ window, path, onChange, onRemove }: WindowProps) => (
  <div className="editor-target">
    <Checks
      legend="Days on which it begins"
      options={WEEKDAYS}
      chosen={window.weekdays}
      onChange={(weekdays) => onChange({ ...window, weekdays })}
    />
    <IssueAt path={`${path}.weekdays`} />
    <TextField
      path={`${path}.from`}
      label="From"
      value={window.from}
      onChange={(from) => onChange({ ...window, from })}
      input={{ type: 'time', required: true }}
    />
    <TextField
      path={`${path}.until`}
      label={window.until <= window.from ? 'Until, on the next day' : 'Until'}
      value={window.until}
      onChange={(until) => onChange({ ...window, until })}
      input={{ type: 'time', required: true }}
    />
    <button type="button" className="button plain" onClick={onRemove}>
      Take these hours out
    </button>
  </div>
);
