import { describe, expect, test } from 'vitest';
import type { Household } from '../model';
import { en } from './en';
import { age, madeAt, moment, partialDate } from './moments';
import * as speak from './speak';
import { zh } from './zh';

const PERSON = '01990000-0000-7000-8000-000000000003';
const record: Household = {
  id: '01990000-0000-7000-8000-000000000001',
  residence: {},
  contact: { unanswered: 0 },
  consent: {},
  persons: { [PERSON]: { name: '王小明', relation: 'grandchild' } },
  moves: {},
  needs: {},
  health: true,
  visits: { v: { person: PERSON, on: '2026-11-20' } },
  facts: {},
  contradictions: [],
  edits_of_removed: [],
};
const english = {
  words: en,
  language: 'en',
  record,
  names: { staff: { s: '张护士' }, areas: { '370281105270': '于家庄' } },
};
const chinese = { ...english, words: zh, language: 'zh-CN' };

describe('a path in words', () => {
  test.each([
    [`persons/${PERSON}/birth`, 'Birth date of 王小明', '王小明的出生日期'],
    [`facts/${PERSON}/allergy`, 'Allergy of 王小明', '王小明的过敏'],
    ['persons/unknown/birth', 'Birth date · a person', '出生日期 · 成员'],
    ['residence/address', 'Address', '地址'],
    ['visits/v/weight_g', 'Weight · 王小明, Nov 20, 2026', '体重 · 王小明、2026年11月20日'],
    [`persons/${PERSON}/shoe_size`, 'Field “shoe_size” of 王小明', '王小明的字段“shoe_size”'],
  ])('%s', (path, inEnglish, inChinese) => {
    expect(speak.path(english, path)).toBe(inEnglish);
    expect(speak.path(chinese, path)).toBe(inChinese);
  });
});

describe('a value in words', () => {
  test.each([
    ['visits/v/weight_g', 9390, '9.39 kg', '9.39 kg'],
    ['visits/v/temperature_dc', 366, '36.6 °C', '36.6 °C'],
    [`persons/${PERSON}/birth`, '2021-06-20', 'Jun 20, 2021', '2021年6月20日'],
    [`persons/${PERSON}/birth`, '2021', '2021', '2021年'],
    [`persons/${PERSON}/relation`, 'child-in-law', 'child-in-law', '儿媳女婿'],
    [`persons/${PERSON}/relation`, 'of-a-newer-program', 'of-a-newer-program', 'of-a-newer-program'],
    ['residence/area', '370281105270', '于家庄 (370281105270)', '于家庄 (370281105270)'],
    ['visits/v/person', PERSON, '王小明', '王小明'],
    [`persons/${PERSON}/languages/zh`, true, 'yes', '是'],
    ['residence/address', null, 'left empty', '留空'],
    ['residence/address', undefined, 'not written', '未填写'],
  ])('%s = %s', (path, value, inEnglish, inChinese) => {
    expect(speak.value(english, path, value)).toBe(inEnglish);
    expect(speak.value(chinese, path, value)).toBe(inChinese);
  });
});

test('staff are named, and who is not known by the beginning of their id', () => {
  expect(speak.staff(english, 's')).toBe('张护士');
  expect(speak.staff(english, '01990000-0000-7000-8000-000000000009')).toBe('01990000');
  expect(speak.staff(english, null)).toBe(en.ask.nobody);
  expect(speak.area(english, '370281105270')).toBe('于家庄');
  expect(speak.area(english, '999')).toBe('Area 999');
});

test('a question is named by what it is about', () => {
  const of = (kind: Parameters<typeof speak.question>[1]['kind'], subject: string) =>
    speak.question(english, { kind, subject });
  expect(of('contradiction', 'residence/address')).toBe('Address');
  expect(of('edit-of-removed', `persons/${PERSON} aa bb`)).toBe('王小明');
  expect(of('unknown-area', '999999')).toBe('Area 999999');
  expect(of('quarantined', 'a1b2')).toBe(en.asideOne);
  expect(speak.about(english, 'contradiction residence/address')).toBe('Contradiction · Address');
  expect(speak.about(english, 'something else')).toBe('something else');
});

describe('moments', () => {
  test('are given to the minute in the reader’s language', () => {
    expect(moment('en', 1_795_000_000_000, 'Asia/Shanghai')).toBe('Nov 18, 2026, 19:06');
    expect(moment('zh-CN', '2026-11-18T11:06:40.000Z', 'Asia/Shanghai')).toBe('2026年11月18日 19:06');
    expect(moment('en', 'not a moment')).toBe('not a moment');
  });

  test('dates are as precise as they are known', () => {
    expect(partialDate('en', '2019-03')).toBe('Mar 2019');
    expect(partialDate('zh-CN', '2019-03')).toBe('2019年3月');
    expect(partialDate('en', '2019-13')).toBe('2019-13');
    expect(partialDate('en', 'soon')).toBe('soon');
  });

  test('ages are in the largest unit that fits', () => {
    const hour = 3_600_000;
    expect(age('en', 0, 59)).toBe('1 min');
    expect(age('en', 0, 3 * hour)).toBe('3 hr');
    expect(age('zh-CN', 0, 49 * hour)).toBe('2天');
    expect(age('en', hour, 0)).toBe('1 min');
  });

  test('a UUIDv7 says when it was made', () => {
    expect(madeAt('01a1ee56-5e00-7101-8101-010101010101')).toBe(0x01a1ee565e00);
    expect(madeAt('01a1ee56-5e00-4101-8101-010101010101')).toBeUndefined();
  });
});
