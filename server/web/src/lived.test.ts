import { describe, expect, test } from 'vitest';
import { decidedLast, wroteBy } from './lived';
import type { HistoryEntry } from './model';

const wrote = (change: string, path: string, value: string): HistoryEntry => ({
  path,
  value,
  change,
  staff: 's',
  area: null,
  actor: 'a',
  at: '2026-11-24T08:00:00Z',
  edit: null,
});

const settled = [
  wrote('1', 'contact/phone', '10012345670'),
  wrote('2', 'contact/phone', '10012345671'),
  wrote('3', 'contact/phone', '10012345671'),
  wrote('3', 'decisions/d/about', 'contradiction contact/phone'),
  wrote('3', 'decisions/d/reason', 'asked'),
];

describe('a decision', () => {
  test('is told beside the field that it wrote, and beside no other', () => {
    expect(decidedLast(settled, 'contact/phone')).toBe('d');
    expect(decidedLast(settled, 'residence/address')).toBeUndefined();
  });

  test('is not told of a value that somebody wrote after it', () => {
    const later = [...settled, wrote('4', 'contact/phone', '10012345672')];
    expect(decidedLast(later, 'contact/phone')).toBeUndefined();
  });

  test('wrote the fields that changed with it', () => {
    expect(wroteBy(settled, 'd').map(({ path, value }) => [path, value])).toEqual([['contact/phone', '10012345671']]);
    expect(wroteBy(settled, 'unknown')).toEqual([]);
  });
});
