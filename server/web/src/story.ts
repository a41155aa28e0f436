// What happened to a household, change by change, and what its record said after each. Pure.
import type { HistoryEntry, Written } from './model';

/** One field as a change wrote it. */
export interface Wrote {
  path: string;
  /** What stood before; `undefined` where nobody had written it. */
  before: Written | undefined;
  value: Written;
}

/** One change. */
export interface Step {
  change: string;
  /** When, by its author's clock, ISO 8601. */
  at: string;
  staff: string | null;
  area: string | null;
  edit: string | null;
  wrote: Wrote[];
}

const isHealth = (path: string): boolean => /^(visits|facts|health_decisions)\//.test(path);
/** What is added to, not set. */
const isSum = (path: string): boolean => path === 'contact/unanswered';

/**
 * The changes of both documents as one story. Within a document the register's order stands, in which nobody comes before
 * what they had read; between the two, the authors' clocks decide.
 */
export function stepsOf(history: HistoryEntry[]): Step[] {
  const queues = [history.filter((entry) => !isHealth(entry.path)), history.filter((entry) => isHealth(entry.path))];
  const entries: HistoryEntry[] = [];
  for (;;) {
    const [core, health] = queues.map((queue) => queue[0]);
    if (!core && !health) break;
    const next = !core || (health && Date.parse(health.at) < Date.parse(core.at)) ? 1 : 0;
    const change = queues[next]?.[0]?.change;
    while (queues[next]?.[0]?.change === change) {
      const entry = queues[next]?.shift();
      if (!entry) break;
      entries.push(entry);
    }
  }
  const said = new Map<string, Written>();
  const steps: Step[] = [];
  for (const { path, value, change, at, staff, area, edit } of entries) {
    let step = steps.at(-1);
    if (step?.change !== change) {
      step = { change, at, staff, area, edit, wrote: [] };
      steps.push(step);
    }
    const before = said.get(path);
    const after = isSum(path) ? Number(before ?? 0) + Number(value ?? 0) : value;
    said.set(path, after);
    step.wrote.push({ path, before, value: after });
  }
  return steps;
}

/** What the record said after so many steps, by path; cleared fields are left out. */
export function saidAfter(steps: Step[], count: number): Map<string, Exclude<Written, null>> {
  const said = new Map<string, Exclude<Written, null>>();
  for (const step of steps.slice(0, count)) {
    for (const { path, value } of step.wrote) {
      if (value === null) said.delete(path);
      else said.set(path, value);
    }
  }
  return said;
}
