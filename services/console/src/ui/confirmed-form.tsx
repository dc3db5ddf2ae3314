import { CodedError } from '@carillon/client/client';
import { type ReactNode, type SubmitEvent, useEffect, useRef, useState } from 'react';

type Step =
  | { name: 'filling'; answer?: { isDone: boolean; text: string }; isCancelled?: true }
  | { name: 'asking' | 'working'; values: FormData; question: string };

type ConfirmedFormProps = {
  /** Also the prefix of the handles for tests. */
  name: string;
  title: string;
  explanation: string;
  /** On the button that asks, and on the one that does. */
  verb: string;
  /** What will happen, said before it does. */
  question: (values: FormData) => string;
  /** Does it, and says what came of it. */
  act: (values: FormData) => Promise<string>;
  children: ReactNode;
};

/** The words of the server; the code is for those who are asked for help. */
const failureWords = (error: unknown): string => {
  if (!(error instanceof CodedError)) return `Not done. ${error instanceof Error ? error.message : String(error)}`;
  // Without an answer nobody knows.
  const isUnknown = error.code === 'expired' || error.code === 'unavailable';
  return `${isUnknown ? 'Perhaps not done.' : 'Not done.'} ${error.message} (${error.code})`;
};

export const textOf = (values: FormData, name: string): string => {
  const value = values.get(name);
  return typeof value === 'string' ? value.trim() : '';
};

/** A form whose effect is on other people: it asks before it acts, and what it asked about is what it does. */
export const ConfirmedForm = ({ name, title, explanation, verb, question, act, children }: ConfirmedFormProps) => {
  const [step, setStep] = useState<Step>({ name: 'filling' });
  /** The fields are made anew once it is done, so that nobody does it twice. */
  const [round, setRound] = useState(0);
  const spoken = useRef<HTMLParagraphElement>(null);
  const askButton = useRef<HTMLButtonElement>(null);
  const answer = step.name === 'filling' ? step.answer : undefined;
  // The button that was pressed is gone, and what comes next is to be read first: not one key too many does it.
  useEffect(() => {
    if (step.name === 'asking' || answer !== undefined) spoken.current?.focus();
    if (step.name === 'filling' && step.isCancelled) askButton.current?.focus();
  }, [step, answer]);

  const ask = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const values = new FormData(event.currentTarget);
    setStep({ name: 'asking', values, question: question(values) });
  };
  const confirm = async (values: FormData, asked: string): Promise<void> => {
    setStep({ name: 'working', values, question: asked });
    try {
      const text = await act(values);
      setRound((now) => now + 1);
      setStep({ name: 'filling', answer: { isDone: true, text } });
    } catch (error) {
      setStep({ name: 'filling', answer: { isDone: false, text: failureWords(error) } });
    }
  };

  return (
    <section className="operation" aria-labelledby={`${name}-title`} data-testid={name}>
      <h3 id={`${name}-title`}>{title}</h3>
      <p className="quiet">{explanation}</p>
      <form className="form" onSubmit={ask}>
        <fieldset key={round} className="operation-fields" disabled={step.name !== 'filling'}>
          {children}
        </fieldset>
        {step.name === 'filling' ? (
          <div className="form-actions">
            <p
              className={answer?.isDone === false ? 'letters-failure' : 'operation-answer'}
              role="status"
              ref={spoken}
              tabIndex={-1}
              data-testid={`${name}-answer`}
            >
              {answer?.text}
            </p>
            <button type="submit" className="button" ref={askButton} data-testid={`${name}-ask`}>
              {verb}…
            </button>
          </div>
        ) : (
          <div className="operation-question" role="group" aria-label="Confirm">
            <p ref={spoken} tabIndex={-1} data-testid={`${name}-question`}>
              {step.question}
            </p>
            <div className="form-actions">
              <button
                type="button"
                className="button"
                disabled={step.name === 'working'}
                onClick={() => setStep({ name: 'filling', isCancelled: true })}
              >
                Cancel
              </button>
              <button
                type="button"
                className="button primary"
                data-testid={`${name}-confirm`}
                disabled={step.name === 'working'}
                onClick={() => void confirm(step.values, step.question)}
              >
                {step.name === 'working' ? 'Sending…' : verb}
              </button>
            </div>
          </div>
        )}
      </form>
    </section>
  );
};
