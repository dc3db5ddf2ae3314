import { useEffect, useRef, useState } from 'react';

type AskedButtonProps = {
  /** Prefix of the handles for tests. */
  name: string;
  label: string;
  /** What will happen; where there is nothing to ask, it happens at once. */
  question: string | undefined;
  verb: string;
  keep: string;
  isDisabled?: boolean;
  act: () => void;
};

/** A button for what cannot be taken back: it asks first, on the page, so that nothing else on it stands still. */
export const AskedButton = ({ name, label, question, verb, keep, isDisabled = false, act }: AskedButtonProps) => {
  const [isAsking, setAsking] = useState(false);
  const asked = useRef<HTMLParagraphElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const wasAsking = useRef(false);
  useEffect(() => {
    if (isAsking) asked.current?.focus();
    else if (wasAsking.current) button.current?.focus();
    wasAsking.current = isAsking;
  }, [isAsking]);
  if (!isAsking) {
    return (
      <button
        type="button"
        className="button"
        ref={button}
        disabled={isDisabled}
        data-testid={name}
        onClick={() => (question === undefined ? act() : setAsking(true))}
      >
        {label}
      </button>
    );
  }
  return (
    <div className="operation-question" role="group" aria-label={label}>
      <p ref={asked} tabIndex={-1}>
        {question}
      </p>
      <div className="form-actions">
        <button type="button" className="button" onClick={() => setAsking(false)}>
          {keep}
        </button>
        <button
          type="button"
          className="button primary"
          disabled={isDisabled}
          data-testid={`${name}-confirm`}
          onClick={() => {
            setAsking(false);
            act();
          }}
        >
          {verb}
        </button>
      </div>
    </div>
  );
};
