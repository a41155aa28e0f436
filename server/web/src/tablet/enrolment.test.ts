import { expect, test } from 'vitest';
import { codeOf, read } from './enrolment';

const HERE = 'https://register.example';

test('a code is read from the address of this register', () => {
  expect(read(`${HERE}/tablet/#/enrol/ABCD-EFGH-JKLM`, HERE)).toEqual({ code: 'ABCD-EFGH-JKLM' });
});

test('another register is named, and what is no code is passed over', () => {
  expect(read('https://other.example:8470/tablet/#/enrol/ABCD', HERE)).toEqual({
    elsewhere: 'https://other.example:8470',
  });
  for (const text of [
    '',
    'ABCD-EFGH-JKLM',
    'https://register.example/tablet/',
    `${HERE}/#/enrol/`,
    'tel:10012345678',
  ]) {
    expect(read(text, HERE)).toBeUndefined();
  }
});

test('an address of a household holds no code', () => {
  expect(codeOf('#/household/01990000-0000-7000-8000-000000000001')).toBeUndefined();
  expect(codeOf('#/enrol/ABCD/more')).toBeUndefined();
});
