// Both languages say everything: every key, every code, every field of the record and every word that one may hold.
import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CODES } from '../api';
import { FIELDS, type FieldName, placeOf } from '../fields';
import { DEEDS, GROUPS, HANDOVER_STATES } from '../handover';
import { ACTIONS, ASIDE, DOCUMENTS, FOUND_BY, HOW, KINDS, LEVELS, ROLES, RULES, SEVERITIES } from '../model';
import { en } from './en';
import { zh } from './zh';

/** Every key with the kind of thing that it holds; a function with how much it takes. */
function shapeOf(of: unknown, path = ''): string[] {
  if (typeof of === 'function') return [`${path}(${of.length})`];
  if (Array.isArray(of)) return [`${path}[${of.length}]`];
  if (typeof of !== 'object' || of === null) return [`${path}: ${typeof of}`];
  return Object.entries(of).flatMap(([key, value]) => shapeOf(value, `${path}/${key}`));
}

/** Every sentence, functions with something put in. */
function sentences(of: unknown): string[] {
  if (typeof of === 'string') return [of];
  if (typeof of === 'function') {
    try {
      return [String(of(2, 3))];
    } catch {
      return [String(of(['2', '3']))];
    }
  }
  return Object.values(of as object).flatMap(sentences);
}

describe('the catalogue', () => {
  test('has the same keys in both languages', () => {
    expect(shapeOf(zh).sort()).toEqual(shapeOf(en).sort());
  });

  test('leaves nothing empty', () => {
    for (const words of [en, zh]) expect(sentences(words).filter((text) => text.trim() === '')).toEqual([]);
  });

  test('is Chinese in Chinese', () => {
    const latin = sentences(zh).filter((text) => /[a-z]/i.test(text) && !/[\u4e00-\u9fff]/.test(text));
    expect(latin).toEqual([]);
  });

  test('says nothing that no page says', () => {
    const here = new URL('..', import.meta.url);
    const sources = globSync('**/*.{svelte,ts}', { cwd: here.pathname, exclude: ['**/*.test.ts'] });
    const said = sources.map((path) => readFileSync(new URL(path, here), 'utf8')).join('\n');
    expect(said).toContain('words.ask.commit');
    const named = new Set(
      [...said.matchAll(/words((?:\.\w+)+)/g)].flatMap(([, path = '']) => path.slice(1).split('.', 1)),
    );
    const groups = [
      'signIn',
      'welcome',
      'list',
      'ask',
      'find',
      'twin',
      'hand',
      'home',
      'story',
      'tree',
      'log',
      'keys',
      'tablet',
    ] as const;
    const unsaid = groups.flatMap((group) =>
      Object.keys(en[group]).filter(
        (key) => !new RegExp(`\\b${group}\\.${key}\\b|\\b${key}\\b[^;]*= words\\.${group};`).test(said),
      ),
    );
    expect([...unsaid, ...Object.keys(en).filter((key) => !named.has(key))]).toEqual([]);
  });

  test.each([
    ['refused', CODES],
    ['kinds', KINDS],
    ['explained', KINDS],
    ['severities', SEVERITIES],
    ['aside', ASIDE],
    ['roles', ROLES],
    ['actions', ACTIONS],
  ] as const)('has words for every one of %s', (part, all) => {
    for (const words of [en, zh]) expect(Object.keys(words[part]).sort()).toEqual([...all].sort());
  });

  test.each([
    ['groups', GROUPS],
    ['states', HANDOVER_STATES],
    ['deeds', DEEDS],
  ] as const)('has words for every one of the %s of hand-overs', (part, all) => {
    for (const words of [en, zh]) expect(Object.keys(words.hand[part]).sort()).toEqual([...all].sort());
  });

  test('says by what a household was found', () => {
    for (const words of [en, zh]) expect(Object.keys(words.find.by).sort()).toEqual([...FOUND_BY].sort());
  });

  test('says what becomes of a household in an area, and which document a question is in', () => {
    for (const words of [en, zh]) {
      expect(Object.keys(words.effects.how).sort()).toEqual([...HOW].sort());
      expect(Object.keys(words.documents).sort()).toEqual([...DOCUMENTS].sort());
    }
  });
});

describe('what two records are compared by', () => {
  const source = (name: string) =>
    readFileSync(new URL(`../../../../sync-protocol/src/linkage/${name}.rs`, import.meta.url), 'utf8');

  test('has every rule of the register', () => {
    const rules = [...source('person').matchAll(/Field::new\(\s*"([a-z]+)"/g)].map(([, rule]) => rule);
    expect(rules).toEqual([...RULES]);
  });

  test('has every level of the register', () => {
    const levels = [...source('level').matchAll(/= "([a-z-]+)",/g)].map(([, level]) => level);
    expect(levels).toEqual([...LEVELS]);
  });
});

/** The fields that the page about the record lists: path, type. */
function documented(): [path: string, type: string][] {
  const page = readFileSync(new URL('../../../../docs/DATA_MODEL.md', import.meta.url), 'utf8');
  return [...page.matchAll(/^\| `([a-z_]+\/[^`]+)` \| ([^|]+) \|/gm)].map(([, path = '', type = '']) => [
    path,
    type.trim(),
  ]);
}

describe('the fields', () => {
  test('are those of the record', () => {
    const paths = documented().map(([path]) => path);
    expect(paths.length).toBeGreaterThan(40);
    expect(Object.keys(FIELDS).sort()).toEqual(paths.sort());
  });

  test.each(documented())('%s is entered as the record stores it: %s', (path, type) => {
    const { field } = placeOf(path);
    const words = [...type.matchAll(/`([^`]+)`/g)].map(([, word]) => word);
    expect(field?.of ?? []).toEqual(words);
    const inputs: [RegExp, string[]][] = [
      [/^one of/, ['choice']],
      [/^date/, ['date']],
      [/^area code/, ['area']],
      [/^person id/, ['person']],
      [/^telephone/, ['phone']],
      [/^true or false/, ['flag']],
      [/^(whole number|counter)/, ['number']],
      [/^(text|identity document)/, ['text', 'long']],
    ];
    expect(inputs.find(([begins]) => begins.test(type))?.[1]).toContain(field?.input);
    const unit = { g: 1000, mm: 10, 'tenths of a degree Celsius': 10 }[type.split(', ')[1] ?? ''];
    expect(field?.scale).toBe(unit);
  });

  test('have a name in both languages', () => {
    for (const words of [en, zh]) {
      for (const name of Object.keys(FIELDS)) expect(words.fields[name as FieldName]).not.toBe('');
    }
  });
});
