import { CodedError } from '@carillon/client/client';
import { type ReactNode, type SubmitEvent, useEffect, useRef, useState } from 'react';
import { type Edited, type Stored, idOf, isChanged, readStored, remove, save } from '../edited.ts';
import { type Issue, issuesOf, placeInWords } from '../issues.ts';
import { AskedButton } from './asked-button.tsx';
import { IssuesProvider } from './fields.tsx';
import { useLive } from './hooks.ts';

type Deed = 'saved' | 'removed';
type Failure =
  | { kind: 'refused'; text: string; issues: readonly Issue[] }
  /** There is another version; none where `stored` is undefined. */
  | { kind: 'overtaken'; deed: Deed; stored: Stored | undefined };

const refusal = (error: unknown, deed: Deed): Failure => {
  const issues = issuesOf(error);
  // Without an answer nobody knows.
  const isUnknown = error instanceof CodedError && ['expired', 'unavailable'].includes(error.code);
  const why = error instanceof Error ? error.message : String(error);
  const said = `${isUnknown ? 'Perhaps not' : 'Not'} ${deed}`;
  return { kind: 'refused', text: issues.length === 0 ? `${said}. ${why}` : `${said}: this is to be mended.`, issues };
};

type EditFormProps = {
  edited: Edited;
  title: string;
  onEdit: (edited: Edited | undefined) => void;
  /** Says what was done. */
  onSaved: (said: string) => void;
  /** What a removal means; undefined where this cannot be removed. */
  removal: string | undefined;
  children: ReactNode;
};

/** What all forms share that replace something stored: one version of it, and nothing that others have written. */
export const EditForm = ({ edited, title, onEdit, onSaved, removal, children }: EditFormProps) => {
  const { api } = useLive();
  const [failure, setFailure] = useState<Failure>();
  const [isSending, setSending] = useState(false);
  const spoken = useRef<HTMLDivElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  useEffect(() => {
    if (failure !== undefined) spoken.current?.focus();
  }, [failure]);

  const explain = async (deed: Deed, error: unknown): Promise<Failure> => {
    const refused = refusal(error, deed);
    if (!(error instanceof CodedError) || error.code !== 'conflict') return refused;
    const stored = await readStored(api, edited.kind, idOf(edited)).catch(() => 'unknown' as const);
    if (stored === 'unknown' || (stored?.edited.version ?? 0) === edited.version) return refused;
    return { kind: 'overtaken', deed, stored };
  };
  const act = async (what: () => Promise<unknown>, deed: Deed): Promise<void> => {
    setSending(true);
    setFailure(undefined);
    try {
      await what();
    } catch (error) {
      setFailure(await explain(deed, error));
      setSending(false);
      return;
    }
    onSaved(`The ${edited.kind} ${idOf(edited)} was ${deed}.`);
  };
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    void act(() => save(api, edited), 'saved');
  };
  const goOn = (next: Edited): void => {
    setFailure(undefined);
    onEdit(next);
  };

  return (
    <section className="operation editor" aria-labelledby="editor-title" data-testid={`edit-${edited.kind}`}>
      <h3 id="editor-title" ref={heading} tabIndex={-1}>
        {title}
      </h3>
      <form className="form" onSubmit={submit}>
        <IssuesProvider value={failure?.kind === 'refused' ? failure.issues : []}>
          <fieldset className="operation-fields" disabled={isSending}>
            {children}
          </fieldset>
        </IssuesProvider>
        <div role="alert" ref={spoken} tabIndex={-1} data-testid="editor-failure">
          {failure?.kind === 'refused' && <Refused {...failure} />}
          {failure?.kind === 'overtaken' && <Overtaken edited={edited} {...failure} onEdit={goOn} />}
        </div>
        <div className="form-actions editor-actions">
          {removal !== undefined && edited.version > 0 && (
            <AskedButton
              name="editor-remove"
              label="Remove…"
              question={removal}
              verb="Remove"
              keep="Keep it"
              isDisabled={isSending}
              act={() => void act(() => remove(api, edited), 'removed')}
            />
          )}
          <AskedButton
            name="editor-cancel"
            label="Cancel"
            question={isChanged(edited) ? 'What you have changed is not saved.' : undefined}
            verb="Discard it"
            keep="Go on"
            isDisabled={isSending}
            act={() => onEdit(undefined)}
          />
          <button type="submit" className="button primary" disabled={isSending} data-testid="editor-save">
            {isSending ? 'Sending…' : 'Save'}
          </button>
        </div>
      </form>
    </section>
  );
};

const Refused = ({ text, issues }: { text: string; issues: readonly Issue[] }) => (
  <div className="letters-failure">
    <p>{text}</p>
    {issues.length > 0 && (
      <ul className="editor-issues">
        {issues.map(({ path, message }) => (
          <li key={`${path} ${message}`}>
            {placeInWords(path)}: {message}
          </li>
        ))}
      </ul>
    )}
  </div>
);

type OvertakenProps = { edited: Edited; deed: Deed; stored: Stored | undefined; onEdit: (edited: Edited) => void };

/** Nobody overwrites what he has not seen: it is shown, and then he may. */
const Overtaken = ({ edited, deed, stored, onEdit }: OvertakenProps) => (
  <div className="letters-failure" data-testid="editor-overtaken">
    <p>
      {stored === undefined
        ? `Not ${deed}: it was removed meanwhile.`
        : `Not ${deed}: there is a version ${stored.edited.version} of it, and this began with ${edited.version === 0 ? 'none' : `version ${edited.version}`}. It says:`}
    </p>
    {stored !== undefined && (
      <ol className="policy-levels">
        {stored.said.map((line, index) => (
          <li key={`${index} ${line}`}>{line}</li>
        ))}
      </ol>
    )}
    <div className="form-actions">
      {stored !== undefined && (
        <button type="button" className="button" data-testid="editor-take" onClick={() => onEdit(stored.edited)}>
          Discard mine and edit that
        </button>
      )}
      <button
        type="button"
        className="button"
        data-testid="editor-keep"
        onClick={() => onEdit({ ...edited, version: stored?.edited.version ?? 0 })}
      >
        Go on with mine; saving replaces it
      </button>
    </div>
  </div>
);
