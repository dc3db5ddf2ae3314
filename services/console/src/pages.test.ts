import { expect, test } from '@jest/globals';
import { createPages } from './pages.ts';

test('a page is told as displayed when the banner shows its alert, once, and at once while it does', () => {
  const pages = createPages();
  const told: string[] = [];
  pages.add('a1', () => told.push('a1 level 1'));
  pages.add('a2', () => told.push('a2'));
  expect(told).toEqual([]);
  pages.show('a1');
  pages.add('a1', () => told.push('a1 level 2'));
  pages.show(undefined);
  pages.show('a1');
  pages.add('a2', () => told.push('a2 again'));
  expect(told).toEqual(['a1 level 1', 'a1 level 2']);
});
