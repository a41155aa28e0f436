// The answers that a question can have, in the order of their number keys, and what is sent for one. Pure; whether an answer
// holds, the register says.

import { placeOf } from './fields';
import type { Case, Choice, Difference, Value, Written } from './model';

export type Answer =
  | { name: 'value'; change: string; letter: string; value: Written; path: string }
  | { name: 'other'; path: string; area: boolean }
  | { name: 'keep' }
  | { name: 'restore' }
  | { name: 'put-back' }
  | { name: 'adopt' }
  | { name: 'adapt'; fields: Record<string, Difference> }
  | { name: 'refuse' }
  | { name: 'carry-over' }
  | { name: 'same' }
  | { name: 'different' };

const RESIDENCE = 'residence/area';

export function answersOf(kase: Case): Answer[] {
  switch (kase.question.kind) {
    case 'contradiction':
    case 'contested-residence': {
      const path = kase.question.subject;
      const values = (kase.contradiction?.values ?? []).map(
        (value, at): Answer => ({
          name: 'value',
          change: value.change,
          letter: String.fromCharCode(65 + at),
          value: value.value,
          path,
        }),
      );
      return [...values, { name: 'other', path, area: placeOf(path).field?.input === 'area' }];
    }
    case 'unknown-area':
      return [{ name: 'other', path: RESIDENCE, area: true }];
    case 'edit-of-removed':
      return [{ name: 'keep' }, { name: 'restore' }];
    case 'late-edit':
      return [{ name: 'keep' }, { name: 'put-back' }];
    case 'quarantined': {
      const { aside } = kase;
      const readable = aside?.registered && Object.keys(aside.fields).length > 0;
      return readable
        ? [{ name: 'adopt' }, { name: 'adapt', fields: aside.fields }, { name: 'refuse' }]
        : [{ name: 'refuse' }];
    }
    case 'edit-of-joined':
      return [{ name: 'carry-over' }, { name: 'keep' }];
    case 'possible-duplicate':
      return [{ name: 'same' }, { name: 'different' }];
  }
}

/** What somebody has filled in for another value. */
export interface Other {
  text: string;
  empty: boolean;
}

/** What somebody has picked of a change, by path, and what each becomes. */
export type Picks = Record<string, Other & { taken: boolean }>;

/** Everything picked, as the change would write it. */
export function picksOf(fields: Record<string, Difference>): Picks {
  const all = Object.entries(fields);
  return Object.fromEntries(all.map(([path, { would }]) => [path, { ...enteredAs(path, would), taken: true }]));
}

/** What the register is asked, or what is missing, and in which field. */
export type Asked = { choice: Choice } | { missing: 'choice' | 'picks' | 'value' | 'number'; path?: string };

/** `join` is what is asked where two households are one family. */
export function choiceOf(answer: Answer | undefined, other: Other, picks: Picks = {}, join?: Choice): Asked {
  if (!answer) return { missing: 'choice' };
  switch (answer.name) {
    case 'value':
      return { choice: { choose: 'value', change: answer.change } };
    case 'other': {
      const filled = filledIn(answer.path, other);
      return 'missing' in filled ? filled : { choice: { choose: 'other', value: filled.value } };
    }
    case 'adapt': {
      const set: Record<string, Written> = {};
      for (const [path, pick] of Object.entries(picks)) {
        if (!pick.taken || !(path in answer.fields)) continue;
        const filled = filledIn(path, pick);
        if ('missing' in filled) return { ...filled, path };
        set[path] = filled.value;
      }
      return Object.keys(set).length === 0 ? { missing: 'picks' } : { choice: { choose: 'adapt', set } };
    }
    case 'keep':
    case 'restore':
    case 'put-back':
    case 'adopt':
    case 'refuse':
    case 'carry-over':
    case 'different':
      return { choice: { choose: answer.name } };
    case 'same':
      return join ? { choice: join } : { missing: 'choice' };
  }
}

/** What a field becomes. */
function filledIn(path: string, other: Other): { value: Written } | { missing: 'value' | 'number' } {
  if (other.empty) return { value: null };
  const text = other.text.trim();
  if (text === '') return { missing: 'value' };
  const value = storedAs(path, text);
  return value === undefined ? { missing: 'number' } : { value };
}

/** A value as somebody enters it. */
export function enteredAs(path: string, value: Written): Other {
  if (value === null) return { text: '', empty: true };
  const scale = placeOf(path).field?.scale ?? 1;
  return { text: String(typeof value === 'number' ? value / scale : value), empty: false };
}

/** Whether two people must agree on a choice: on two households only that they are one family. */
export function needsTwo(kase: Case, choice: Choice | undefined): boolean {
  if (choice?.choose === 'different') return false;
  if (!choice || !kase.aside) return kase.needs_two;
  const { fields } = kase.aside;
  switch (choice.choose) {
    case 'refuse':
      return false;
    case 'adapt':
      return Object.keys(choice.set).some((path) => fields[path]?.needs_two);
    default:
      return kase.needs_two;
  }
}

/** A value as the record stores it; `undefined` for what is no number where one is wanted. */
function storedAs(path: string, text: string): Value | undefined {
  const { field } = placeOf(path);
  if (field?.input === 'flag') return text === 'true';
  if (field?.input !== 'number') return text;
  const number = Number(text.replace(',', '.')) * (field.scale ?? 1);
  return Number.isFinite(number) ? Math.round(number) : undefined;
}

/** The answer that a proposal stands for, if the question still has it. */
export function answerFor(answers: Answer[], choice: Choice): Answer | undefined {
  return answers.find((answer) =>
    choice.choose === 'value'
      ? answer.name === 'value' && answer.change === choice.change
      : answer.name === choice.choose,
  );
}

export const REASON_MAX = 500;

/** Characters as the register counts them. */
export const lengthOf = (text: string): number => [...text.trim()].length;
