import { expect, test } from 'vitest';
import type { Household } from '../model';
import { en } from '../words/en';
import { formOf } from './forms';

const HOUSEHOLD = '01990000-0000-7000-8000-000000000001';
const PERSON = '01990000-0000-7000-8000-000000000002';
const record = {
  residence: { address: '村东 12 号' },
  contact: { phone: { contradicted: ['10011111111', '10022222222'] } },
  consent: {},
  persons: { [PERSON]: { name: '王秀英', birth: { contradicted: ['1958', '1959'] } } },
} as unknown as Household;
const ground = { words: en, language: 'en' as const, record };
const form = (open: Parameters<typeof formOf>[0]) => formOf(open, HOUSEHOLD, record, ground, '2026-11-28');

test('a form of what is there begins with it, and with none of two values that contradict each other', () => {
  const home = form({ form: 'home' });
  expect(home.draft).toMatchObject({ 'residence/address': '村东 12 号', 'contact/phone': '' });
  const person = form({ form: 'correct', person: PERSON });
  expect(person.draft).toMatchObject({ name: '王秀英', birth: '' });
  expect(person.required).toEqual(['name']);
});

test('only what was changed is written, and what was emptied is cleared', () => {
  const home = form({ form: 'home' });
  expect(home.command({}, home.draft)).toBeUndefined();
  expect(home.command({}, { ...home.draft, 'residence/address': ' ', 'contact/phone': '10022222222' })).toEqual({
    do: 'correct',
    household: HOUSEHOLD,
    set: { 'residence/address': null, 'contact/phone': '10022222222' },
  });
});

test('what is left empty of a removal is said to be unknown', () => {
  const { command } = form({ form: 'remove', person: PERSON });
  expect(command({ reason: 'moved-away' }, {})).toEqual({
    do: 'remove-person',
    household: HOUSEHOLD,
    person: PERSON,
    reason: 'moved-away',
    on: null,
    note: null,
  });
});

test('every form asks for fields that it has, and begins at today where something happened', () => {
  const opens = ['visit', 'add', 'need', 'home', 'move', 'arrive'] as const;
  for (const asked of [
    ...opens.map((open) => form({ form: open })),
    ...(['correct', 'remove', 'restore'] as const).map((open) => form({ form: open, person: PERSON })),
  ]) {
    for (const key of [...asked.required, ...Object.keys(asked.draft)]) expect(asked.keys).toContain(key);
    if (asked.keys.includes('on') && !asked.below.includes('removed')) expect(asked.draft.on).toBe('2026-11-28');
  }
});
