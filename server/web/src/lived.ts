// Where a household has lived, from what was written about it. Pure.
import type { HistoryEntry } from './model';

export interface Stay {
  area: string;
  /** When it was written, ISO 8601. */
  at: string;
  staff: string | null;
  /** The household's days there begin on this date, where it is known. */
  since: string | undefined;
  /** Why they moved there, where it is known. */
  reason: string | undefined;
}

/** Stays, the latest first. Values that repeat the one before are no new stay; cleared ones are none. */
export function staysOf(history: HistoryEntry[]): Stay[] {
  const beside = (entry: HistoryEntry, wanted: RegExp): string | undefined => {
    const found = history.find((other) => other.change === entry.change && wanted.test(other.path));
    return found && typeof found.value === 'string' ? found.value : undefined;
  };
  const stays: Stay[] = [];
  for (const entry of history) {
    if (entry.path !== 'residence/area' || typeof entry.value !== 'string') continue;
    if (stays.at(-1)?.area === entry.value) continue;
    stays.push({
      area: entry.value,
      at: entry.at,
      staff: entry.staff,
      since: beside(entry, /^residence\/since$/) ?? beside(entry, /^moves\/[^/]+\/on$/),
      reason: beside(entry, /^moves\/[^/]+\/reason$/),
    });
  }
  return stays.reverse();
}

/** The decision that a change made. */
const decidedIn = (entry: HistoryEntry): string | undefined =>
  /^(?:health_)?decisions\/([^/]+)\/about$/.exec(entry.path)?.[1];

/** Who made a decision, and when: whoever wrote what it is about. */
export function madeBy(history: HistoryEntry[], decision: string): HistoryEntry | undefined {
  return history.find((entry) => decidedIn(entry) === decision);
}

/** What a decision wrote into the record beside itself. */
export function wroteBy(history: HistoryEntry[], decision: string): HistoryEntry[] {
  const change = madeBy(history, decision)?.change;
  return history.filter((entry) => entry.change === change && !/^(health_)?decisions\//.test(entry.path));
}

/** The decision by which a field says what it says now, where nobody has written it since. */
export function decidedLast(history: HistoryEntry[], path: string): string | undefined {
  const change = history.findLast((entry) => entry.path === path)?.change;
  const made = change && history.find((entry) => entry.change === change && decidedIn(entry));
  return made ? decidedIn(made) : undefined;
}
