import { expect, test } from 'vitest';
import { nameOf } from './keys';
import {
  type Route,
  routeOf,
  toAreas,
  toAudit,
  toFind,
  toHandOver,
  toHandOvers,
  toHousehold,
  toQuestion,
  toQueue,
  toWelcome,
} from './router';

const open = (path: string): Route => routeOf(new URL(path, 'http://register.example'));

test('an address and what it shows are the same, both ways', () => {
  const filter = { severity: 'safety', kind: 'late-edit', area: '370281', document: 'health', mine: true } as const;
  expect(open(toQueue(filter, 'a b&c'))).toEqual({ page: 'queue', filter, after: 'a b&c' });
  const id = { household: 'h', kind: 'edit-of-removed', document: 'core', subject: 'persons/x aa bb' } as const;
  expect(open(toQuestion(id, filter))).toEqual({ page: 'question', id, filter });
  const narrowed = { group: 'incoming', area: '370281', closed: true } as const;
  expect(open(toHandOvers(narrowed, 'a b'))).toEqual({ page: 'handovers', filter: narrowed, after: 'a b' });
  const move = { household: 'h', entry: 'm' };
  expect(open(toHandOver(move, narrowed))).toEqual({ page: 'handover', id: move, filter: narrowed });
  expect(open(toHousehold('h'))).toEqual({ page: 'household', id: 'h' });
  expect(open(toFind())).toEqual({ page: 'find', area: undefined });
  expect(open(toFind('370281'))).toEqual({ page: 'find', area: '370281' });
  expect(open(toAreas())).toEqual({ page: 'areas' });
  expect(open(toAudit('x'))).toEqual({ page: 'audit', before: 'x' });
  expect(open(toWelcome())).toEqual({ page: 'welcome' });
});

test('the queue is the first page, and what is not known narrows nothing', () => {
  expect(open('/console/')).toEqual({ page: 'queue', filter: {}, after: undefined });
  expect(open('/console/queue?severity=dreadful&kind=&mine=1')).toEqual({
    page: 'queue',
    filter: {},
    after: undefined,
  });
});

test('what is incomplete is nowhere', () => {
  const incomplete = ['/console/question?household=h', '/console/handover?household=h', '/console/household'];
  for (const path of [...incomplete, '/console/nothing', '/elsewhere']) {
    expect(open(path)).toEqual({ page: 'nowhere' });
  }
});

test('keys have one name on every machine', () => {
  const held = { ctrlKey: false, metaKey: false, altKey: false };
  expect(nameOf({ ...held, key: 'J' })).toBe('j');
  expect(nameOf({ ...held, metaKey: true, key: 'Enter' })).toBe('Ctrl+Enter');
  expect(nameOf({ ...held, altKey: true, key: '1' })).toBe('Alt+1');
});
