import { useEffect } from 'react';

export type Shortcuts = Record<string, () => void>;

/** Single keys act only where nothing is being typed and no dialog is open; with a modifier they are the browser's. */
export const useShortcuts = (shortcuts: Shortcuts): void => {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const target = event.target instanceof Element ? event.target : undefined;
      if (target?.closest('input, textarea, select, dialog')) return;
      // Enter and space on a button belong to the button.
      if (event.key === 'Enter' && target?.closest('button, a')) return;
      const action = shortcuts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [shortcuts]);
};

const cards = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('[data-alert-id]')];

const chosenCard = (): HTMLElement | undefined =>
  document.activeElement?.closest<HTMLElement>('[data-alert-id]') ?? undefined;

/** Moves the focus through the alert list; the focus is the choice, so that there is only one thing to see. */
export const chooseAlert = (step: 1 | -1): void => {
  const all = cards();
  const chosen = chosenCard();
  const from = chosen ? all.indexOf(chosen) : step === 1 ? -1 : all.length;
  const next = all[Math.min(Math.max(from + step, 0), all.length - 1)];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
};

/** Presses the button of the chosen alert; the choice moves on, since the card is about to leave its place. */
export const pressOnChosen = (selector: string, movesOn: boolean): void => {
  const card = chosenCard();
  const button = card?.querySelector<HTMLButtonElement>(`${selector}:not(:disabled)`);
  if (!card || !button) return;
  const all = cards();
  const neighbour = all[all.indexOf(card) + 1] ?? all[all.indexOf(card) - 1];
  button.click();
  if (movesOn) neighbour?.focus();
};
