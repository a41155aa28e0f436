import { expect, test } from 'vitest';
import { attended, THERE_MS, touch } from './attended';

test('a page is attended for a minute after the last key or touch', () => {
  touch();
  const now = Date.now();
  expect(attended(now)).toBe(true);
  expect(attended(now + THERE_MS - 1000)).toBe(true);
  expect(attended(now + THERE_MS + 1000)).toBe(false);
});
