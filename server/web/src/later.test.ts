import { expect, test } from 'vitest';
import { beginOf, DAYS_MAX, dayIn, OFFERED } from './later';

const NOW = new Date('2026-11-26T15:30').getTime();

test('a day is the one where the reader is, and begins there', () => {
  expect(dayIn(7, NOW)).toBe('2026-12-03');
  expect(beginOf('2026-12-03', NOW)).toBe(new Date('2026-12-03T00:00').getTime());
});

test('what is offered can be chosen, and what has begun or is too far ahead cannot', () => {
  for (const days of OFFERED) expect(beginOf(dayIn(days, NOW), NOW)).toBeDefined();
  for (const day of ['', 'soon', '2026-13-40', dayIn(0, NOW), dayIn(-1, NOW), dayIn(DAYS_MAX + 1, NOW)]) {
    expect(beginOf(day, NOW)).toBeUndefined();
  }
});
