import { expect, test } from 'vitest';
import type { HistoryEntry, Written } from './model';
import { saidAfter, stepsOf } from './story';

function entry(change: string, at: string, path: string, value: Written): HistoryEntry {
  return { change, at: `2026-11-${at}:00Z`, path, value, staff: 's', area: 'a', actor: 'x', edit: 'set' };
}

const HISTORY = [
  entry('one', '01T08:00', 'residence/address', '1 号'),
  entry('one', '01T08:00', 'contact/phone', '10012345678'),
  // Its author's clock went wrong; it had read the one before.
  entry('two', '01T07:00', 'residence/address', '2 号'),
  entry('four', '04T08:00', 'contact/phone', null),
  entry('five', '05T08:00', 'contact/unanswered', 1),
  entry('six', '06T08:00', 'contact/unanswered', 1),
  entry('three', '02T08:00', 'visits/v/kind', 'child'),
];

test('changes of both documents are one story', () => {
  const steps = stepsOf(HISTORY);
  expect(steps.map((step) => step.change)).toEqual(['one', 'two', 'three', 'four', 'five', 'six']);
  expect(steps[0]?.wrote.map(({ path }) => path)).toEqual(['residence/address', 'contact/phone']);
  expect(steps[1]?.wrote).toEqual([{ path: 'residence/address', before: '1 号', value: '2 号' }]);
  expect(steps[3]?.wrote).toEqual([{ path: 'contact/phone', before: '10012345678', value: null }]);
});

test('what the record said is told for every step', () => {
  const steps = stepsOf(HISTORY);
  expect(saidAfter(steps, 0).size).toBe(0);
  expect(Object.fromEntries(saidAfter(steps, 2))).toEqual({
    'residence/address': '2 号',
    'contact/phone': '10012345678',
  });
  expect(saidAfter(steps, 4).has('contact/phone')).toBe(false);
  // Calls are counted together.
  expect(saidAfter(steps, 6).get('contact/unanswered')).toBe(2);
});

test('nothing happened to nobody', () => {
  expect(stepsOf([])).toEqual([]);
});
