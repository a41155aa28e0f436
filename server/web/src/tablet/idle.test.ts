import { expect, test } from 'vitest';
import { IDLE_MS, locks, type Use } from './idle';

const after = (idle: number, more: Partial<Use> = {}) =>
  locks({ now: 1_000_000 + idle, touched: 1_000_000, writing: false, syncing: false, ...more });

test('a tablet locks itself once nobody has touched it for five minutes', () => {
  expect(after(IDLE_MS - 1)).toBe(false);
  expect(after(IDLE_MS)).toBe(true);
  expect(after(-IDLE_MS)).toBe(false);
});

test('what is being written or exchanged is not ended', () => {
  expect(after(IDLE_MS, { writing: true })).toBe(false);
  expect(after(IDLE_MS, { syncing: true })).toBe(false);
});
