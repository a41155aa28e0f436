// The answers that a question can have, in the order of their number keys, and what is sent for one. Pure; whether an answer
// holds, the register says.

import { placeOf } from './fields';
import type { Case, Choice, Value, Written } from './model';

export type Answer =
  | { name: 'value'; change: string; letter: string; value: Written; path: string }
  | { name: 'other'; path: string; area: boolean }
  | { name: 'keep' }
  | { name: 'restore' }
  | { name: 'put-back' };

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
    case 'quarantined':
      return [];
  }
}

/** What somebody has filled in for another value. */
export interface Other {
  text: string;
  empty: boolean;
}

/** What the register is asked, or what is missing. */
export type Asked = { choice: Choice } | { missing: 'choice' | 'value' | 'number' };

export function choiceOf(answer: Answer | undefined, other: Other): Asked {
  if (!answer) return { missing: 'choice' };
  switch (answer.name) {
    case 'value':
      return { choice: { choose: 'value', change: answer.change } };
    case 'other': {
      if (other.empty) return { choice: { choose: 'other', value: null } };
      const text = other.text.trim();
      if (text === '') return { missing: 'value' };
      const value = storedAs(answer.path, text);
      return value === undefined ? { missing: 'number' } : { choice: { choose: 'other', value } };
    }
    case 'keep':
    case 'restore':
    case 'put-back':
      return { choice: { choose: answer.name } };
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
