// Two households side by side: who stands beside whom, and how the rules are drawn.
import { expect, test } from 'vitest';
import { barsOf, likelihood, linesOf, looked } from './duplicates';
import type { Case, Household, PairOfPeople, Person, Twin } from './model';

function household(id: string, persons: Record<string, Person>): Household {
  return {
    id,
    residence: { address: '前街8号' },
    contact: { phone: '10012345678', unanswered: 0 },
    consent: {},
    persons,
    moves: {},
    needs: {},
    health: false,
    visits: {},
    facts: {},
    contradictions: [],
    edits_of_removed: [],
  };
}

const here = household('h', { a: { name: '李强' }, b: { name: '王海燕' }, gone: { name: '某人', removed: {} } });
const there = household('t', {
  c: { name: '王海艳' },
  d: { name: '李强', phone: '10087654321' },
  e: { name: '李子轩' },
});
const pair = (one: string, other: string, bits: number): PairOfPeople => ({
  here: one,
  there: other,
  probability: 990,
  bits,
  rules: [],
});
const kase = { record: here } as Case;
const twin = { record: there, people: [pair('b', 'c', 40), pair('a', 'd', 120)] } as Twin;

test('those who may be one stand beside each other, the clearest first, and then everybody else who stands in one', () => {
  expect(linesOf(kase, twin).map((line) => [line.here, line.there])).toEqual([
    ['a', 'd'],
    ['b', 'c'],
    [undefined, 'e'],
  ]);
});

test('a rule looks at the person, and at what the household has in common', () => {
  expect(looked(there, 'd', 'phone')).toEqual(['10087654321', '10012345678']);
  expect(looked(there, 'd', 'address')).toEqual(['前街8号']);
  expect(looked(there, 'd', 'members')).toEqual(['王海艳', '李子轩']);
  expect(looked(here, 'a', 'members')).toEqual(['王海燕']);
  expect(looked(here, 'a', 'birth')).toEqual([]);
});

test('the longest bar fills its half, and each goes its way', () => {
  const rule = (bits: number) => ({ field: 'name', level: 'chinese-exact', bits }) as const;
  expect(barsOf([rule(100), rule(-50), rule(0)])).toEqual([
    { speaks: 'for', share: 1 },
    { speaks: 'against', share: 0.5 },
    { speaks: 'neither', share: 0 },
  ]);
  expect(barsOf([])).toEqual([]);
});

test('a probability in words grows with it', () => {
  expect([1000, 994, 900, 500, 499].map(likelihood)).toEqual(['certain', 'very', 'likely', 'rather', 'doubtful']);
});
