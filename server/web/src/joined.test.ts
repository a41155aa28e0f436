import { expect, test } from 'vitest';
import { choiceToJoin, paired, proposed, sides, suggested, whoIsWho } from './joined';
import type { Case, Household, PairOfPeople, Twin } from './model';

const record = (id: string, people: string[]) =>
  ({ id, persons: Object.fromEntries(people.map((person) => [person, {}])) }) as unknown as Household;
const twin = {
  household: 'south',
  suggested: 'north',
  people: [{ here: 'a', there: 'x' } as PairOfPeople],
  record: record('south', ['x', 'y']),
} as Twin;
const kase = { question: { household: 'north' }, record: record('north', ['a', 'b']), twin } as unknown as Case;

test('the record that the register suggests goes on, with the people whom it found', () => {
  const joined = suggested(twin);
  expect(sides(kase, twin, joined).into?.id).toBe('north');
  expect(whoIsWho(kase, twin, joined)).toEqual([
    { other: 'x', goesOn: 'a' },
    { other: 'y', goesOn: undefined },
  ]);
  expect(choiceToJoin(twin, joined)).toEqual({ choose: 'same', survivor: 'north', persons: { x: 'a' } });
});

test('who is who stays when the other record is to go on', () => {
  const joined = { ...suggested(twin), survivor: 'south' };
  expect(sides(kase, twin, joined).from?.id).toBe('north');
  expect(whoIsWho(kase, twin, joined)).toEqual([
    { other: 'a', goesOn: 'x' },
    { other: 'b', goesOn: undefined },
  ]);
  expect(choiceToJoin(twin, joined)).toEqual({ choose: 'same', survivor: 'south', persons: { a: 'x' } });
});

test('nobody is two people, and who is nobody is copied', () => {
  const joined = paired(twin, suggested(twin), 'y', 'a');
  expect(choiceToJoin(twin, joined)).toMatchObject({ persons: { y: 'a' } });
  expect(choiceToJoin(twin, paired(twin, joined, 'y', undefined))).toMatchObject({ persons: {} });
  const more = paired(twin, suggested(twin), 'y', 'b');
  expect(choiceToJoin(twin, more)).toMatchObject({ persons: { x: 'a', y: 'b' } });
});

test('a proposal is read as it was made', () => {
  for (const survivor of ['north', 'south']) {
    const choice = choiceToJoin(twin, { ...suggested(twin), survivor });
    const read = proposed(kase, choice);
    expect(read && choiceToJoin(twin, read)).toEqual(choice);
  }
  expect(proposed(kase, { choose: 'different' })).toBeUndefined();
});
