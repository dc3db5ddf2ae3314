import { useEffect, useRef, useState } from 'react';
import { dayAndTime } from '../format.ts';
import type { DeadLetter, FullDeadLetter } from '../shapes.ts';
import { Dialog } from './dialog.tsx';
import { useLive } from './hooks.ts';

/** JSON is shown with its lines; what is no JSON as it came. */
const readable = (body: string): string => {
  try {
    return JSON.stringify(JSON.parse(body), undefined, 2);
  } catch {
    return body;
  }
};

const shownBody = ({ bytes, body }: FullDeadLetter): string => {
  if (bytes === 0) return 'Empty.';
  return body === '' ? 'Not shown: whose hospital it concerns is not known.' : readable(body);
};

type Step = 'looking' | 'asking' | 'cancelled' | 'working';
type Result = { isDone: boolean; text: string };

/** One letter with its headers and body, and the way back for it. */
export const DeadLetterDialog = ({ letter, onClose }: { letter: DeadLetter; onClose: () => void }) => {
  const { api } = useLive();
  const { service, sequence } = letter;
  const [full, setFull] = useState<FullDeadLetter>();
  const [failure, setFailure] = useState<string>();
  const [putBackAt, setPutBackAt] = useState(letter.putBackAt);
  const [step, setStep] = useState<Step>('looking');
  const [result, setResult] = useState<Result>();
  const resultElement = useRef<HTMLParagraphElement>(null);
  // The button that was pressed is gone: without this the focus would fall out of the dialog.
  useEffect(() => {
    if (result !== undefined) resultElement.current?.focus();
  }, [result]);

  useEffect(() => {
    let isGone = false;
    api.deadLetter(service, sequence).then(
      (found) => !isGone && setFull(found),
      (error: Error) => !isGone && setFailure(error.message),
    );
    return () => {
      isGone = true;
    };
  }, [api, service, sequence]);

  const putBack = async (): Promise<void> => {
    setStep('working');
    try {
      const done = await api.putBack(service, sequence);
      setPutBackAt(done.putBackAt);
      setResult({ isDone: true, text: `Handled again by ${service}.` });
    } catch (error) {
      setResult({ isDone: false, text: `Not put back. ${error instanceof Error ? error.message : String(error)}` });
    }
    setStep('looking');
  };

  return (
    <Dialog title={`${letter.name} of ${service}`} onClose={onClose}>
      <div className="letter" data-testid="letter">
        <dl className="letter-facts">
          <dt>Reason</dt>
          <dd data-testid="letter-reason">{letter.reason}</dd>
          <dt>Put aside</dt>
          <dd>{dayAndTime(letter.buriedAt)}</dd>
          <dt>Subject</dt>
          <dd className="letter-code">{letter.subject}</dd>
        </dl>
        {failure !== undefined && (
          <p className="letters-failure" role="alert">
            {failure}
          </p>
        )}
        {full === undefined && failure === undefined && <p role="status">Loading…</p>}
        {full !== undefined && (
          <>
            <h3>Headers</h3>
            <dl className="letter-facts letter-code" data-testid="letter-headers">
              {Object.entries(full.headers).map(([name, value]) => (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>{value}</dd>
                </div>
              ))}
            </dl>
            <h3 id="letter-body-title">Body, {full.bytes} bytes</h3>
            {/* It scrolls, so the keyboard must reach it. */}
            <pre
              className="letter-body letter-code"
              data-testid="letter-body"
              role="region"
              aria-labelledby="letter-body-title"
              tabIndex={0}
            >
              {shownBody(full)}
            </pre>
          </>
        )}
        <p
          className={result?.isDone === false ? 'letters-failure' : 'letter-result'}
          role="status"
          ref={resultElement}
          tabIndex={-1}
          data-testid="letter-result"
        >
          {result?.text}
        </p>
        {full !== undefined && (
          <Actions isPutBack={putBackAt !== null} step={step} onStep={setStep} onPutBack={() => void putBack()} />
        )}
      </div>
    </Dialog>
  );
};

type ActionsProps = { isPutBack: boolean; step: Step; onStep: (step: Step) => void; onPutBack: () => void };

const Actions = ({ isPutBack, step, onStep, onPutBack }: ActionsProps) => {
  if (isPutBack) return <p className="quiet">It was put back.</p>;
  if (step === 'looking' || step === 'cancelled') {
    return (
      <div className="form-actions">
        <button
          type="button"
          className="button"
          data-testid="put-back"
          ref={(button) => {
            if (step === 'cancelled') button?.focus();
          }}
          onClick={() => onStep('asking')}
        >
          Put back…
        </button>
      </div>
    );
  }
  return (
    <div className="form-actions">
      <p className="letter-question">The service handles it again, now. Its effects are real.</p>
      <button type="button" className="button" disabled={step === 'working'} onClick={() => onStep('cancelled')}>
        Cancel
      </button>
      {/* The question took the place of the button that was pressed: the focus must not be lost. */}
      <button
        type="button"
        className="button primary"
        data-testid="put-back-confirm"
        disabled={step === 'working'}
        onClick={onPutBack}
        // oxlint-disable-next-line jsx-a11y/no-autofocus
        autoFocus
      >
        {step === 'working' ? 'Putting back…' : 'Put it back'}
      </button>
    </div>
  );
};
