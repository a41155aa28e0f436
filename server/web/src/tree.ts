// Areas as a tree, with what is in each and below it. Pure: the register's list in, branches out.
import type { Area } from './model';

export interface Branch {
  area: Area;
  /** Households in it and below it. */
  households: number;
  /** Open questions in it and below it that wait now. */
  open: number;
  /** Those that are put off or wait for the field. */
  later: number;
  below: Branch[];
}

/** The areas that have no parent in the list, each with all below it, in the order of the list. */
export function treeOf(areas: Area[]): Branch[] {
  const branches = new Map<string, Branch>();
  for (const area of areas) {
    branches.set(area.code, { area, households: area.households, open: area.open, later: area.put_off, below: [] });
  }
  const roots: Branch[] = [];
  for (const branch of branches.values()) {
    const above = branch.area.parent === null ? undefined : branches.get(branch.area.parent);
    (above ? above.below : roots).push(branch);
  }
  const sum = (branch: Branch): void => {
    for (const below of branch.below) {
      sum(below);
      branch.households += below.households;
      branch.open += below.open;
      branch.later += below.later;
    }
  };
  for (const root of roots) sum(root);
  return roots;
}

/** What is looked for. */
export interface Wanted {
  /** Part of a name, or the beginning of a code; everything when empty. */
  text: string;
  /** Only where something waits now, in it or below it. */
  waiting: boolean;
}

/** The branches that fit, with the way to each. */
export function found(branches: Branch[], wanted: Wanted): Branch[] {
  const text = wanted.text.trim();
  const fits = ({ area }: Branch): boolean => text === '' || area.name.includes(text) || area.code.startsWith(text);
  return branches.flatMap((branch) => {
    if (wanted.waiting && branch.open === 0) return [];
    const below = found(branch.below, wanted);
    return fits(branch) || below.length > 0 ? [{ ...branch, below }] : [];
  });
}
