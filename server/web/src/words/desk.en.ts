// What the pages say about finding households, about questions for later, and about what a decision would do, in English.
import type { FoundBy, How } from '../model';
import { many } from './many';

const by: Record<FoundBy, string> = {
  name: 'by name',
  sound: 'by how the name sounds',
  phone: 'by telephone',
  number: 'by identity number',
  address: 'by address',
};

export const find = {
  label: 'Find a household',
  example: 'Name, telephone, address…',
  submit: 'Find',
  title: 'Households found',
  what: (text: string) => `“${text}”`,
  total: (n: number) => `${many(n, 'household', 'households')} found`,
  nothing:
    'No household of your areas fits. Try a part of the name, its pinyin or initials, or the end of the telephone number.',
  begin: 'Type a name, pinyin or initials, a telephone number, the end of an identity number, or a part of an address.',
  more: 'There are more than these. Add what else you know.',
  notAll: 'Not all of your areas could be looked through. Choose one.',
  area: 'Only in',
  by,
  removed: 'removed from the household',
  unnamed: 'without a name',
};

export const later = {
  putOff: 'Put off',
  ask: 'Ask the field',
  isOff: 'Put off',
  waits: 'Waiting for the field',
  until: (when: string, who: string) => `Until ${when}, by ${who}.`,
  asked: (when: string, who: string) =>
    `Asked on ${when} by ${who}. It comes back with the answer, or after two weeks.`,
  takeUp: 'Take it up now',
  day: 'Until',
  inDays: (n: number) => (n === 1 ? 'tomorrow' : `in ${n} days`),
  dayNeeded: (last: string) => `Choose a day from tomorrow to ${last}.`,
  why: 'Why later',
  whyNeeded: 'Say in a few words why later.',
  rule: 'For your colleagues: it stays in the register. The question comes back by itself on that day, or when it changes.',
  text: 'What you want to know',
  askRule:
    'Everybody who holds this household on a tablet reads it, so say nothing of health. The question waits until they answer.',
  textNeeded: 'Ask in a few words.',
  send: 'Ask',
  answers: 'What the field answered',
  offDone: (about: string) => `Put off: ${about}.`,
  askedDone: (about: string) => `Asked the field: ${about}.`,
  many: (n: number) => `${n} put off or asked`,
  backToAll: 'Back to what waits for you',
  offUntil: (when: string) => `put off until ${when}`,
  waitsSince: (age: string) => `asked ${age} ago`,
  fromDesk: 'asked by a reviewer',
};

const how: Record<How, (area: string) => string> = {
  stays: (area) => `The tablets of ${area} learn of it.`,
  enters: (area) => `The household comes to the tablets of ${area}.`,
  leaves: (area) => `It leaves the tablets of ${area}.`,
};

export const effects = {
  title: 'What this does',
  nothing: 'No field changes; the record says what was decided, and why.',
  how,
};
