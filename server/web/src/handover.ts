// Families that are handed over, as the console's API tells of them.
import type { Household, Millis, Names } from './model';

/** Where a hand-over stands for who looks at it. */
export const GROUPS = ['escalated', 'incoming', 'outgoing'] as const;
export type Group = (typeof GROUPS)[number];

export const HANDOVER_STATES = ['proposed', 'accepted', 'rejected', 'withdrawn', 'overtaken', 'unclear'] as const;
export type HandOverState = (typeof HANDOVER_STATES)[number];

export const DEEDS = ['accept', 'reject', 'withdraw'] as const;
export type Deed = (typeof DEEDS)[number];

export interface HandOverId {
  household: string;
  /** The entry under its moves. */
  entry: string;
}

/** A row of the list of hand-overs. */
export interface WaitingHandOver extends HandOverId {
  group: Group;
  state: HandOverState;
  from: string;
  to: string;
  day: string;
  until: string;
  reason: string;
  proposed_at: Millis;
  escalates_at: Millis;
  /** When it was closed. */
  answered_at: Millis | null;
  /** The area that takes over began it: the family is at its door. */
  at_door: boolean;
  /** Whether it may be opened: a family that was taken over is the other area's. */
  opens: boolean;
}

export interface HandOverPage {
  waiting: WaitingHandOver[];
  total: number;
  escalated: number;
  incoming: number;
  outgoing: number;
  next: string | null;
  names: Names;
}

/** What travels with a family, counted. */
export interface Checklist {
  needs: Record<string, number>;
  visits_due: number | null;
  school_places: number;
  contradictions: number;
  sharing: string[];
  sharing_refused: boolean;
}

/** One hand-over, as the side on which somebody is may see it. */
export interface HandOver extends HandOverId {
  state: HandOverState;
  group: Group | null;
  from: string | null;
  to: string | null;
  day: string;
  until: string;
  reason: string;
  answer: string | null;
  proposed_at: Millis;
  escalates_at: Millis;
  answered_at: Millis | null;
  seen: string[];
  may: Deed[];
  stub: { name: string[]; persons: number } | null;
  checklist: Checklist | null;
  record: Household | null;
  /** The area that takes over began it: the family is at its door, and this is the record that it was given there. */
  at_door: boolean;
  /** Which of one's own families it may be, the likeliest first. */
  families: OwnFamily[];
  /** Whether a family was found that it may be, in the area that was asked; for those who ask. */
  found: boolean | null;
  names: Names;
}

/** A family of one's own that the one at another area's door may be. */
export interface OwnFamily {
  household: string;
  area: string;
  stub: { name: string[]; persons: number };
  checklist: Checklist;
}

/** Families that came and went, and hand-overs that wait. */
export interface Flow {
  in_handed_over: number;
  in_at_once: number;
  out_handed_over: number;
  out_at_once: number;
  open_in: number;
  open_out: number;
}

export interface Flows {
  areas: Record<string, Flow>;
  names: Names;
}
