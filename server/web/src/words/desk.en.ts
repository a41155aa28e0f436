// What the pages say about finding households, in English.
import type { FoundBy } from '../model';
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
