import { type ReactNode, useEffect, useRef } from 'react';
import { CloseIcon } from './icons.tsx';

type DialogProps = { title: string; onClose: () => void; children: ReactNode };

/** The browser's own modal dialog: it keeps the focus in, closes on Escape and gives the focus back. */
export const Dialog = ({ title, onClose, children }: DialogProps) => {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    // A form begins at its first choice, not at the button that leaves it.
    dialog?.querySelector<HTMLElement>('input:checked')?.focus();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      className="dialog"
      aria-labelledby="dialog-title"
      onClose={onClose}
      onClick={(event) => {
        if (event.target === element.current) onClose();
      }}
    >
      <div className="dialog-body">
        <header className="dialog-head">
          <h2 id="dialog-title">{title}</h2>
          <button type="button" className="button plain icon-only" aria-label="Close" onClick={onClose}>
            <CloseIcon />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
};
