/** Light, dark, or as the system says. Remembered per browser: a ward screen keeps its own. */
import { createCell } from './cell.ts';

export type Theme = 'system' | 'light' | 'dark';
const KEY = 'carillon.theme';
const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

const read = (): Theme => THEMES.find((theme) => theme === localStorage.getItem(KEY)) ?? 'system';

export const theme = createCell<Theme>('system');

export const applyTheme = (next: Theme): void => {
  if (next === 'system') {
    localStorage.removeItem(KEY);
    delete document.documentElement.dataset['theme'];
  } else {
    localStorage.setItem(KEY, next);
    document.documentElement.dataset['theme'] = next;
  }
  theme.set(next);
};

export const applyRememberedTheme = (): void => applyTheme(read());

export const systemIsDark = (): boolean => matchMedia('(prefers-color-scheme: dark)').matches;

/** What the one button does: to the other of light and dark, as it is seen now. */
export const switchTheme = (): void => {
  const isDark = theme.get() === 'dark' || (theme.get() === 'system' && systemIsDark());
  applyTheme(isDark ? 'light' : 'dark');
};
