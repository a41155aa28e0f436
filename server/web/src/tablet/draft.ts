// What a form holds while somebody writes in it, and what it becomes when it is saved. Pure.
import { placeOf } from '../fields';
import type { Written } from '../model';

/** Texts by field. */
export type Draft = Record<string, string>;

/** A field as the record stores it; `undefined` when it is no number. */
function stored(path: string, text: string): string | number | undefined {
  const { field } = placeOf(path);
  if (field?.input !== 'number') return text;
  const number = Math.round(Number(text.replace(',', '.')) * (field.scale ?? 1));
  return Number.isFinite(number) ? number : undefined;
}

/** The fields that were filled in, as the record stores them, or the key of one that is no number. */
export function filled(below: string, draft: Draft): { values: Record<string, string | number> } | { wrong: string } {
  const values: Record<string, string | number> = {};
  for (const [key, text] of Object.entries(draft)) {
    if (text.trim() === '') continue;
    const value = stored(`${below}${key}`, text.trim());
    if (value === undefined) return { wrong: key };
    values[key] = value;
  }
  return { values };
}

/** What differs from what stood there before; `null` where it was cleared. */
export function changes(before: Draft, after: Draft): Record<string, Written> {
  const differing = Object.entries(after).filter(([key, text]) => text.trim() !== (before[key] ?? ''));
  return Object.fromEntries(differing.map(([key, text]) => [key, text.trim() || null]));
}
