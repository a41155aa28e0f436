import { describe, expect, test } from 'vitest';
import type { Area } from './model';
import { found, treeOf } from './tree';

const area = (code: string, parent: string | null, name: string, households = 0, open = 0, put_off = 0): Area => ({
  code,
  parent,
  level: 'village',
  name,
  households,
  open,
  put_off,
});

const AREAS = [
  area('1', null, '县'),
  area('12', '1', '西镇'),
  area('121', '12', '河东村', 3, 0, 2),
  area('122', '12', '河西村', 4, 2),
  // A code says nothing about where an area belongs.
  area('9', '1', '东镇', 1, 1, 1),
];

const names = (branches: ReturnType<typeof treeOf>): unknown[] =>
  branches.map((branch) => [branch.area.name, ...names(branch.below)]);

describe('the tree of areas', () => {
  test('counts what is in an area and below it', () => {
    const [county] = treeOf(AREAS);
    expect([county?.households, county?.open, county?.later]).toEqual([8, 3, 3]);
    const west = county?.below.find((branch) => branch.area.name === '西镇');
    expect([west?.households, west?.open, west?.later]).toEqual([7, 2, 2]);
  });

  test('begins where somebody’s areas begin', () => {
    expect(names(treeOf(AREAS.slice(1)))).toEqual([['西镇', ['河东村'], ['河西村']], ['东镇']]);
  });

  test('keeps the way to what is looked for', () => {
    const tree = treeOf(AREAS);
    expect(names(found(tree, { text: '河', waiting: false }))).toEqual([['县', ['西镇', ['河东村'], ['河西村']]]]);
    expect(names(found(tree, { text: ' 12', waiting: false }))).toEqual([['县', ['西镇', ['河东村'], ['河西村']]]]);
    expect(names(found(tree, { text: '', waiting: true }))).toEqual([['县', ['西镇', ['河西村']], ['东镇']]]);
    expect(names(found(tree, { text: '海', waiting: false }))).toEqual([]);
  });
});
