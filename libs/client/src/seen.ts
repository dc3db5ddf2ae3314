/** What a person can have seen: on the screen, and on a page that is visible. */
import type { Page } from './page.ts';

export type Seen = {
  /** At once on a visible page, else when it becomes visible. Once a name. */
  whenVisible(name: string, act: () => void): void;
  /** When half of the element is in view, or it fills half of what can be seen. */
  observe(element: Element, act: () => void): () => void;
  /** The page may be visible again. */
  shown(): void;
};

/** Who comes back to a page after very many messages has not seen the oldest of them. */
const limit = 1_000;

const isInView = ({ intersectionRatio, intersectionRect, rootBounds }: IntersectionObserverEntry): boolean =>
  intersectionRatio >= 0.5 || intersectionRect.height >= (rootBounds?.height ?? Infinity) / 2;

export function createSeen({ isVisible }: Page): Seen {
  const hidden = new Map<string, () => void>();
  return {
    whenVisible(name, act) {
      if (isVisible()) return act();
      hidden.set(name, act);
      if (hidden.size > limit) hidden.delete([...hidden.keys()][0] ?? '');
    },
    observe(element, act) {
      const observer = new IntersectionObserver(
        (entries) => {
          if (!entries.some(isInView)) return;
          observer.disconnect();
          act();
        },
        { threshold: [0.1, 0.2, 0.3, 0.4, 0.5] },
      );
      observer.observe(element);
      return () => observer.disconnect();
    },
    shown() {
      if (!isVisible()) return;
      const acts = [...hidden.values()];
      hidden.clear();
      for (const act of acts) act();
    },
  };
}
