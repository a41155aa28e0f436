// The question after the one that is open, read before it is wanted, so that it opens at once. What was read too long ago is
// read again; the register refuses a decision on what has changed meanwhile in any case.

import type { Filter } from './api';
import * as api from './api';
import { type Case, type Question, type QuestionId, sameQuestion } from './model';
import { following } from './next';

const FRESH_MS = 60_000;
/** Questions of the list that are looked at for the next one. */
const LIST = 100;

let kept: { kase: Case; at: number } | undefined;

export interface Ahead {
  next: Question | undefined;
  /** Where the open one stands in its list, from 1; 0 when it is not among the first. */
  position: number;
  total: number;
}

/** Looks which question comes next, and reads it. */
export async function lookAhead(filter: Filter, current: QuestionId, me: string, signal: AbortSignal): Promise<Ahead> {
  const page = await api.queue(filter, undefined, LIST, signal);
  const next = following(page.questions, current, me, Date.now());
  const position = page.questions.findIndex((question) => sameQuestion(question, current)) + 1;
  if (next) {
    const kase = await api.question(next, signal).catch(() => undefined);
    kept = kase && { kase, at: Date.now() };
  }
  return { next, position, total: page.total };
}

/** Forgets what was read ahead of a household that has changed since. */
export function forget(household: string): void {
  if (kept?.kase.question.household === household) kept = undefined;
}

/** What was read ahead for this question, once. */
export function taken(id: QuestionId): Case | undefined {
  const found = kept && sameQuestion(kept.kase.question, id) && Date.now() - kept.at < FRESH_MS ? kept.kase : undefined;
  kept = undefined;
  return found;
}
