// Which question comes after one in a list. Pure.
import { type Question, type QuestionId, sameQuestion } from './model';

/** Whether somebody can settle it now: nobody else is at work on it, and it does not wait for another than them. */
export function isWorkable(question: Question, me: string, now: number): boolean {
  const others = question.claim !== null && question.claim.staff !== me && question.claim.until > now;
  return !others && question.proposed_by !== me;
}

/** The first workable question after this one, from the beginning when there is none below. */
export function following(list: Question[], current: QuestionId, me: string, now: number): Question | undefined {
  const at = list.findIndex((question) => sameQuestion(question, current));
  const turned = [...list.slice(at + 1), ...list.slice(0, Math.max(at, 0))];
  return turned.find((question) => isWorkable(question, me, now));
}
