// What a reviewer sees of a question and what is sent for an answer, from cases as the register gives them.
import { describe, expect, test } from 'vitest';
import { answerFor, answersOf, choiceOf, enteredAs, lengthOf, needsTwo, picksOf } from './answers';
import { compare, differences, resultOf, visitOf } from './compare';
import { madeBy, staysOf } from './lived';
import type { Case, Choice, Difference, HistoryEntry, Kind, Question, Side, Written } from './model';
import { following } from './next';

const PERSON = 'persons/01990000-0000-7000-8000-000000000003';

function side(change: string, fields: Record<string, [before: Written[], value: Written, stands?: boolean]>): Side {
  return {
    change,
    staff: `staff ${change}`,
    area: 'a',
    device: `device ${change}`,
    written_at: 1,
    arrived_at: 2,
    late: false,
    edit: 'correct-person',
    fields: Object.fromEntries(
      Object.entries(fields).map(([path, [before, value, stands = true]]) => [path, { before, value, stands }]),
    ),
  };
}

function kase(kind: Kind, subject: string, sides: Side[], values?: [change: string, value: Written][]): Case {
  return {
    question: { household: 'h', kind, document: 'core', subject },
    area: 'a',
    severity: 'identity',
    needs_two: true,
    heads: [],
    contradiction: values
      ? {
          path: subject,
          values: values.map(([change, value]) => ({ value, staff: null, area: null, actor: '', at: '', change })),
        }
      : null,
    sides,
    aside: null,
    earlier: {},
    proposal: null,
    claim: null,
    record: {} as Case['record'],
    twin: null,
    put_off: null,
    answers: [],
    carries: null,
    names: { staff: {}, areas: {} },
  };
}

describe('a contradiction', () => {
  const birth = `${PERSON}/birth`;
  const it = kase(
    'contradiction',
    birth,
    [
      side('y', { [birth]: [['2021'], '2021-07-01'], [`${PERSON}/phone`]: [[], '10012345678'] }),
      side('x', { [birth]: [['2021'], '2021-06-20'] }),
    ],
    [
      ['x', '2021-06-20'],
      ['y', '2021-07-01'],
      ['z', null],
    ],
  );
  const { versions, asked, also } = compare(it);

  test('stands against itself in the order of its values, each with its side', () => {
    expect(versions.map(({ letter, side }) => [letter, side?.change])).toEqual([
      ['A', 'x'],
      ['B', 'y'],
      ['C', undefined],
    ]);
    expect(asked).toEqual([
      { path: birth, before: ['2021'], values: ['2021-06-20', '2021-07-01', null], since: false },
    ]);
  });

  test('tells what else was written, apart', () => {
    expect(also).toEqual([
      { path: `${PERSON}/phone`, before: [], values: [undefined, '10012345678', undefined], since: false },
    ]);
  });

  test('is answered by each value or another', () => {
    const answers = answersOf(it);
    expect(answers.map((answer) => answer.name)).toEqual(['value', 'value', 'value', 'other']);
    const nothing = { text: '', empty: false };
    expect(choiceOf(answers[1], nothing)).toEqual({ choice: { choose: 'value', change: 'y' } });
    expect(choiceOf(answers[3], nothing)).toEqual({ missing: 'value' });
    expect(choiceOf(undefined, nothing)).toEqual({ missing: 'choice' });
    expect(choiceOf(answers[3], { text: ' 2020 ', empty: false })).toEqual({
      choice: { choose: 'other', value: '2020' },
    });
    expect(choiceOf(answers[3], { text: 'kept', empty: true })).toEqual({ choice: { choose: 'other', value: null } });
  });

  test('leaves what was chosen, and nothing else is touched', () => {
    const [row] = asked;
    const [beside] = also;
    if (!row || !beside) throw new Error('both rows are there');
    expect(resultOf(it, row, undefined)).toBe('undecided');
    expect(resultOf(it, row, { choose: 'value', change: 'y' })).toEqual({ value: '2021-07-01' });
    expect(resultOf(it, row, { choose: 'other', value: '2020' })).toEqual({ value: '2020' });
    expect(resultOf(it, beside, { choose: 'value', change: 'y' })).toBe('stays');
  });

  test('finds the answer that a proposal stands for', () => {
    const answers = answersOf(it);
    expect(answerFor(answers, { choose: 'value', change: 'y' })).toBe(answers[1]);
    expect(answerFor(answers, { choose: 'value', change: 'gone' })).toBeUndefined();
    expect(answerFor(answers, { choose: 'other', value: 'x' })).toBe(answers[3]);
  });
});

test('numbers are entered as people say them and sent as the record stores them', () => {
  const weight = answersOf(kase('contradiction', 'visits/v/weight_g', [], []))[0];
  expect(choiceOf(weight, { text: '9,39', empty: false })).toEqual({ choice: { choose: 'other', value: 9390 } });
  expect(choiceOf(weight, { text: 'heavy', empty: false })).toEqual({ missing: 'number' });
});

describe('a late edit', () => {
  const late = kase('late-edit', 'x', [
    side('x', { 'contact/phone': [['1'], '2'], 'contact/note': [['a'], 'b', false], 'consent/care': [[], 'given'] }),
  ]);
  const { asked, also } = compare(late);

  test('is in question whole', () => {
    expect(asked.map((row) => row.path)).toEqual(['consent/care', 'contact/note', 'contact/phone']);
    expect(also).toEqual([]);
    expect(answersOf(late).map((answer) => answer.name)).toEqual(['keep', 'put-back']);
  });

  test('is put back where nobody has written since', () => {
    const results = asked.map((row) => resultOf(late, row, { choose: 'put-back' }));
    expect(results).toEqual([{ value: null }, 'stays', { value: '1' }]);
    expect(asked.map((row) => resultOf(late, row, { choose: 'keep' }))).toEqual(['stays', 'stays', 'stays']);
  });
});

describe('a change that was kept aside', () => {
  const [weight, note] = ['visits/v/weight_g', 'visits/v/note'];
  const name = `${PERSON}/name`;
  const fields: Record<string, Difference> = {
    [weight]: { now: [9100, 9200], would: 9390, needs_two: false },
    [note]: { now: [], would: null, needs_two: false },
    [name]: { now: ['甲'], would: '乙', needs_two: true },
  };
  const aside = (more: Partial<NonNullable<Case['aside']>> = {}): Case => ({
    ...kase('quarantined', 'x', []),
    aside: {
      reason: 'not-authorised',
      handed_in: [{ device: 'd', at: 2, reason: 'not-authorised' }],
      staff: 's',
      area: 'a',
      edit: 'correct-visit',
      written_at: 1,
      registered: true,
      fields,
      adds: [],
      left_out: 0,
      ...more,
    },
  });

  test('stands beside what is in the record now', () => {
    const { versions, asked, also } = compare(aside());
    expect(versions.map(({ staff, writtenAt }) => [staff, writtenAt])).toEqual([['s', 1]]);
    expect(asked.map(({ path, before, values }) => [path, before, values])).toEqual([
      [name, ['甲'], ['乙']],
      [note, [], [null]],
      [weight, [9100, 9200], [9390]],
    ]);
    expect(also).toEqual([]);
  });

  test('is adopted, adapted or refused; what cannot be read is refused', () => {
    const answers = (it: Case) => answersOf(it).map((answer) => answer.name);
    expect(answers(aside())).toEqual(['adopt', 'adapt', 'refuse']);
    expect(answers(aside({ fields: {} }))).toEqual(['refuse']);
    expect(answers(aside({ registered: false }))).toEqual(['refuse']);
  });

  test('is adapted by the fields that were picked, entered as people say them', () => {
    const it = aside();
    const nothing = { text: '', empty: false };
    const adapt = answersOf(it)[1];
    const picks = picksOf(fields);
    expect(picks[weight]).toEqual({ text: '9.39', empty: false, taken: true });
    const choice = (more: typeof picks) => choiceOf(adapt, nothing, { ...picks, ...more });
    const left = { ...nothing, taken: false };
    expect(choice({ [name]: left })).toEqual({ choice: { choose: 'adapt', set: { [weight]: 9390, [note]: null } } });
    expect(choice({ [weight]: { text: 'heavy', empty: false, taken: true } })).toEqual({
      missing: 'number',
      path: weight,
    });
    expect(choice({ [name]: { text: ' ', empty: false, taken: true } })).toEqual({ missing: 'value', path: name });
    expect(choice({ [name]: left, [weight]: left, [note]: left })).toEqual({ missing: 'picks' });
    expect(enteredAs(note, null)).toEqual({ text: '', empty: true });
  });

  test('needs two people where what is written of it does', () => {
    const it = aside();
    expect(needsTwo(it, { choose: 'adopt' })).toBe(true);
    expect(needsTwo(it, { choose: 'refuse' })).toBe(false);
    expect(needsTwo(it, { choose: 'adapt', set: { [note]: null } })).toBe(false);
    expect(needsTwo(it, { choose: 'adapt', set: { [name]: '丙' } })).toBe(true);
  });

  test('leaves what was adopted, and of what was adapted the picked', () => {
    const it = aside();
    const rows = compare(it).asked;
    const results = (choice: Parameters<typeof resultOf>[2]) => rows.map((row) => resultOf(it, row, choice));
    expect(results({ choose: 'adopt' })).toEqual([{ value: '乙' }, { value: null }, { value: 9390 }]);
    expect(results({ choose: 'refuse' })).toEqual(['stays', 'stays', 'stays']);
    expect(results({ choose: 'adapt', set: { [name]: '丙' } })).toEqual([{ value: '丙' }, 'stays', 'stays']);
  });
});

test('a version about a visit tells of which day', () => {
  const it = kase('contradiction', 'visits/v/vaccine', [
    side('x', { 'visits/v/vaccine': [[], 'MMR 1'], 'visits/v/on': [[], '2026-11-20'] }),
    side('y', { 'visits/v/vaccine': [[], 'MMR 2'] }),
    side('z', { 'contact/phone': [[], '10012345678'] }),
  ]);
  it.record = { visits: { v: { on: '2026-11-19' } } } as unknown as Case['record'];
  const days = compare(it).versions.map((version) => visitOf(it, version));
  expect(days).toEqual(['2026-11-20', '2026-11-19', undefined]);
});

test('an edit of somebody removed is about that person', () => {
  const removed = `${PERSON}/removed/reason`;
  const it = kase('edit-of-removed', `${PERSON} x y`, [
    side('x', { [removed]: [[], 'moved-away'], [`${PERSON}/removed/note`]: [[], '去外地'] }),
    side('y', { [`${PERSON}/phone`]: [[], '10000000001'], 'contact/phone': [[], '10000000002'] }),
  ]);
  const { asked, also } = compare(it);
  expect(also.map((row) => row.path)).toEqual(['contact/phone']);
  const result = (path: string) => {
    const row = asked.find((row) => row.path === path);
    return row && resultOf(it, row, { choose: 'restore' });
  };
  expect(result(removed)).toEqual({ value: null });
  expect(result(`${PERSON}/phone`)).toBe('stays');
});

test('what differs between texts is what is between what they share', () => {
  expect(differences(['2021-06-20', '2021-07-01'])).toEqual([
    ['2021-0', '6-20', ''],
    ['2021-0', '7-01', ''],
  ]);
  expect(differences(['东街 4 号', '东街 14 号'])).toEqual([
    ['东街 ', '', '4 号'],
    ['东街 ', '1', '4 号'],
  ]);
  // A family with joiners is one letter, and is never cut apart.
  expect(differences(['a👨‍👩‍👧', 'a👨‍👩‍👦'])).toEqual([
    ['a', '👨‍👩‍👧', ''],
    ['a', '👨‍👩‍👦', ''],
  ]);
  expect(differences(['same', 'same'])).toEqual([
    ['same', '', ''],
    ['same', '', ''],
  ]);
  expect(differences(['Jul 1, 2021', 'Jun 20, 2021'], 'word')).toEqual([
    ['', 'Jul 1', ', 2021'],
    ['', 'Jun 20', ', 2021'],
  ]);
  expect(differences([])).toEqual([]);
});

test('a reason is counted in characters, not in halves of them', () => {
  expect(lengthOf('  𠮷好  ')).toBe(2);
});

describe('the next question', () => {
  const question = (subject: string, more: Partial<Question> = {}): Question => ({
    household: 'h',
    kind: 'contradiction',
    document: 'core',
    subject,
    severity: 'service',
    needs_two: false,
    aside: null,
    area: 'a',
    between: [],
    change: subject,
    opened_at: 0,
    claim: null,
    proposed_by: null,
    put_off: null,
    ...more,
  });
  const list = [
    question('1'),
    question('2'),
    question('3', { claim: { staff: 'other', until: 100 } }),
    question('4', { proposed_by: 'me' }),
    question('5', { kind: 'quarantined', aside: 'fork' }),
    question('6', { claim: { staff: 'me', until: 100 } }),
  ];
  const next = (subject: string, now = 50) => following(list, question(subject), 'me', now)?.subject;

  test('is the one below that can be worked on', () => {
    expect(next('1')).toBe('2');
    expect(next('2')).toBe('5');
    expect(next('2', 100)).toBe('3');
  });

  test('begins at the top again, and after one that is gone', () => {
    expect(next('6')).toBe('1');
    expect(next('gone')).toBe('1');
    expect(following([question('1')], question('1'), 'me', 0)).toBeUndefined();
  });
});

test('where a household has lived is told from what was written', () => {
  const entry = (path: string, value: Written, change: string): HistoryEntry => ({
    path,
    value,
    change,
    staff: 's',
    area: 'a',
    actor: '',
    at: `at ${change}`,
    edit: null,
  });
  const history = [
    entry('residence/area', 'east', '1'),
    entry('residence/since', '2020', '1'),
    entry('residence/area', 'east', '2'),
    entry('residence/area', 'west', '3'),
    entry('moves/m/on', '2026-11-24', '3'),
    entry('moves/m/reason', 'work', '3'),
    entry('health_decisions/d/about', 'contradiction facts/p/allergy', '4'),
  ];
  expect(staysOf(history).map(({ area, since, reason, at }) => [area, since, reason, at])).toEqual([
    ['west', '2026-11-24', 'work', 'at 3'],
    ['east', '2020', undefined, 'at 1'],
  ]);
  expect(madeBy(history, 'd')?.change).toBe('4');
  expect(madeBy(history, 'e')).toBeUndefined();
});

test('two households are one family or two, and only that they are one takes two people', () => {
  const it = kase('possible-duplicate', 'other', []);
  const answers = answersOf(it);
  const nothing = { text: '', empty: false };
  const same: Choice = { choose: 'same', survivor: 'other', persons: {} };
  expect(answers.map((answer) => choiceOf(answer, nothing, {}, same))).toEqual([
    { choice: same },
    { choice: { choose: 'different' } },
  ]);
  expect([needsTwo(it, same), needsTwo(it, { choose: 'different' })]).toEqual([true, false]);
});
