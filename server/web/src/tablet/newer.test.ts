import { expect, test } from 'vitest';
import { awaited, type Standing } from './newer';

const open = (pending: number, more: Partial<Standing> = {}) =>
  awaited({ door: 'open', status: { pending }, writing: false, ...more });
const shut = (more: Partial<Standing> = {}) => awaited({ door: 'shut', status: null, writing: false, ...more });

test('a newer version waits for what is to be handed in, then for what is being written, then for nobody', () => {
  expect(open(1, { writing: true })).toBe('handing-in');
  expect(open(1)).toBe('handing-in');
  expect(open(0, { writing: true })).toBe('form');
  expect(open(0)).toBe('nobody');
});

test('while nobody knows what is to be handed in, it waits', () => {
  expect(shut()).toBe('opening');
  for (const opening of ['wrong-passphrase', 'storage-full'] as const) expect(shut({ opening })).toBe('opening');
  expect(awaited({ door: 'unknown', status: null, writing: false })).toBe('opening');
});

test('where there is no tablet yet, nothing is to be handed in', () => {
  expect(awaited({ door: 'new', status: null, writing: false })).toBe('nobody');
});

test('a connection that fails is no reason', () => {
  for (const session of ['no-connection', 'silent', 'not-the-server', 'withdrawn'] as const) {
    expect(open(1, { session })).toBe('handing-in');
  }
});

test('where the one in use has failed, a newer one does not wait for what only it may be able to hand in', () => {
  expect(open(1, { session: 'version' })).toBe('nobody');
  expect(open(1, { session: 'version', writing: true })).toBe('form');
  expect(shut({ opening: 'failed' })).toBe('nobody');
  expect(awaited({ door: 'unknown', status: null, writing: false, engine: 'failed' })).toBe('nobody');
});
