// What the register answers, as its types are serialised: `server/src/review/` and the record's views in `sync-protocol`.
// Shapes alone: nothing here decides or shows anything.

export const SEVERITIES = ['safety', 'identity', 'responsibility', 'service'] as const;
export type Severity = (typeof SEVERITIES)[number];

export const KINDS = [
  'contradiction',
  'contested-residence',
  'late-edit',
  'edit-of-removed',
  'unknown-area',
  'quarantined',
  'possible-duplicate',
  'edit-of-joined',
] as const;
export type Kind = (typeof KINDS)[number];

/** What two records are compared by, in the order of the register's rules. */
export const RULES = ['name', 'sex', 'birth', 'id', 'phone', 'origin', 'address', 'members'] as const;
export type RuleName = (typeof RULES)[number];

/** How far two values can agree. */
export const LEVELS = [
  'chinese-exact',
  'chinese-variant',
  'chinese-homophone',
  'chinese-homophone-toneless',
  'chinese-swapped',
  'chinese-homophone-near',
  'chinese-one-character',
  'chinese-given-only',
  'chinese-surname-only',
  'chinese-different',
  'latin-exact',
  'latin-swapped',
  'latin-near',
  'latin-all-near',
  'latin-part',
  'latin-one-word',
  'latin-one-word-near',
  'latin-different',
  'romanised-exact',
  'romanised-near',
  'romanised-different',
  'date-exact',
  'date-coarse',
  'date-swapped',
  'date-digit-slip',
  'date-one-part',
  'date-year-near',
  'date-different',
  'number-exact',
  'number-shared',
  'number-one-slip',
  'number-two-slips',
  'number-different',
  'words-exact',
  'words-most',
  'words-some',
  'words-different',
  'code-exact',
  'code-different',
  'members-all',
  'members-half',
  'members-one',
  'members-nobody',
] as const;
export type Level = (typeof LEVELS)[number];

/** Why the register kept a change aside. */
export const ASIDE = [
  'malformed',
  'too-large',
  'wrong-actor',
  'wrong-author',
  'not-authorised',
  'structure',
  'unsafe',
  'descendant',
  'fork',
] as const;
export type Aside = (typeof ASIDE)[number];

export const ROLES = ['worker', 'clerk', 'reviewer', 'officer'] as const;
export type Role = (typeof ROLES)[number];

export const DOCUMENTS = ['core', 'health'] as const;
export type DocKind = (typeof DOCUMENTS)[number];

/** The value of a field. */
export type Value = string | number | boolean;
/** The same, or `null` where somebody cleared the field. */
export type Written = Value | null;

/** A moment: milliseconds since 1970. */
export type Millis = number;

export interface QuestionId {
  household: string;
  kind: Kind;
  document: DocKind;
  subject: string;
}

export interface Claim {
  staff: string;
  until: Millis;
}

/** That a question is put off, or waits for an answer from the field. */
export interface PutOff {
  staff: string;
  since: Millis;
  until: Millis;
  /** Why, or what the field was asked. */
  reason: string;
  /** The request in the record that asks the field. */
  asked: string | null;
}

/** A row of the queue. */
export interface Question extends QuestionId {
  severity: Severity;
  needs_two: boolean;
  /** Why it was kept aside, for a change that was. */
  aside: string | null;
  area: string;
  /** The areas of two households, for a question about two. */
  between: string[];
  change: string;
  opened_at: Millis;
  claim: Claim | null;
  proposed_by: string | null;
  put_off: PutOff | null;
}

/** The names of the people and areas that an answer speaks of. */
export interface Names {
  /** By id. */
  staff: Record<string, string>;
  /** By code. */
  areas: Record<string, string>;
}

export interface QueuePage {
  questions: Question[];
  total: number;
  /** How many are put off or wait for the field. */
  put_off: number;
  next: string | null;
  names: Names;
}

/** One of the values of a contradicted field. */
export interface ConflictingValue {
  value: Written;
  staff: string | null;
  area: string | null;
  actor: string;
  at: string;
  change: string;
}

export interface Contradiction {
  path: string;
  values: ConflictingValue[];
}

/** A field as one change wrote it. */
export interface FieldWritten {
  before: Written[];
  value: Written;
  /** Nobody has written the field since. */
  stands: boolean;
}

/** One change that a question is between. */
export interface Side {
  change: string;
  staff: string | null;
  area: string | null;
  device: string;
  written_at: Millis;
  arrived_at: Millis;
  late: boolean;
  edit: string | null;
  fields: Record<string, FieldWritten>;
}

export type Choice =
  | { choose: 'value'; change: string }
  | { choose: 'other'; value: Written }
  | { choose: 'keep' }
  | { choose: 'restore' }
  | { choose: 'put-back' }
  | { choose: 'adopt' }
  | { choose: 'adapt'; set: Record<string, Written> }
  | { choose: 'refuse' }
  | { choose: 'carry-over' }
  | { choose: 'same'; survivor: string; persons: Record<string, string> }
  | { choose: 'different' };

export interface Proposed {
  staff: string;
  choice: Choice;
  reason: string;
}

/** A field as it is and as a change that was kept aside would make it. */
export interface Difference {
  /** Its distinct values; none where nobody has written it. */
  now: Written[];
  would: Written;
  /** Whether two people must agree on writing it. */
  needs_two: boolean;
}

/** A change that was kept aside, as far as it can be read. */
export interface AsideChange {
  reason: string;
  /** The first first. */
  handed_in: { device: string; at: Millis; reason: string }[];
  staff: string | null;
  area: string | null;
  edit: string | null;
  written_at: Millis | null;
  /** Whether its household is in the register. */
  registered: boolean;
  fields: Record<string, Difference>;
  /** Entries that it would add, as in a path. */
  adds: string[];
  /** What else is in it and cannot be read, or not be decided about. */
  left_out: number;
}

/** A question and what it rests on. */
export interface Case {
  question: QuestionId;
  area: string;
  severity: Severity;
  needs_two: boolean;
  heads: string[];
  contradiction: Contradiction | null;
  sides: Side[];
  /** For a question about a change that was kept aside. */
  aside: AsideChange | null;
  earlier: Record<string, Decision>;
  proposal: Proposed | null;
  claim: Claim | null;
  /** Absent where the household is not in the register. */
  record: Household | null;
  /** The other household, for a question about two. */
  twin: Twin | null;
  put_off: PutOff | null;
  /** What the field answered to what was asked about it. */
  answers: { asked: string; text: string; answer: string }[];
  /** What carrying an edit over would do, for a question about a record that goes on in another. */
  carries: TakenOver | null;
  names: Names;
}

/** What becomes of a household in an area. */
export const HOW = ['stays', 'enters', 'leaves'] as const;
export type How = (typeof HOW)[number];

/** What a decision would do. */
export interface Preview {
  waits_for_second: boolean;
  records: {
    household: string;
    document: DocKind;
    fields: Record<string, { before: Written[]; after: Written }>;
    /** Whose tablets would learn of it. */
    areas: { area: string; how: How }[];
  }[];
  takes_over: TakenOver | null;
  names: Names;
}

/** What one rule found. */
export interface Rule {
  field: RuleName;
  level: Level;
  /** Tenths of a bit: for one person where positive. */
  bits: number;
}

/** Two people who may be one. */
export interface PairOfPeople {
  here: string;
  there: string;
  /** Thousandths. */
  probability: number;
  bits: number;
  rules: Rule[];
}

/** The other household of a question about two. */
export interface Twin {
  household: string;
  here: string;
  there: string;
  overlap: 'nobody' | 'one-person' | 'part' | 'whole';
  /** Thousandths. */
  probability: number;
  people: PairOfPeople[];
  /** The household that goes on, if nobody says otherwise. */
  suggested: string;
  record: Household;
}

/** A field that contradicts itself and is to be settled first. */
export interface ToSettle {
  household: string;
  document: DocKind;
  field: string;
}

/** What one record would take over from another. */
export interface TakenOver {
  filled: number;
  /** Entries that would be copied, by the map that they are in. */
  copied: Record<string, number>;
  /** Paths of fields that people would be asked about. */
  asked: string[];
  undecided: ToSettle[];
  sharing_refused: boolean;
}

/** What a field shows: its value, or several that contradict each other. */
export type Shown<T> = T | { contradicted: (T | null)[] };
export type Fields = Record<string, Shown<Value> | undefined>;

export interface Decision {
  about?: Shown<string>;
  reason?: Shown<string>;
  seconded?: Shown<string>;
  outcome?: Shown<string>;
  undone?: Shown<string>;
}

export interface Person {
  name?: Shown<string>;
  latin_name?: Shown<string>;
  sex?: Shown<string>;
  birth?: Shown<string>;
  relation?: Shown<string>;
  id_kind?: Shown<string>;
  id_number?: Shown<string>;
  phone?: Shown<string>;
  school?: Shown<string>;
  languages?: string[];
  removed?: { reason?: Shown<string>; on?: Shown<string>; note?: Shown<string>; to?: Shown<string> };
  came_from?: Shown<string>;
}

export interface Visit {
  person?: Shown<string>;
  on?: Shown<string>;
  kind?: Shown<string>;
  note?: Shown<string>;
  weight_g?: Shown<number>;
  height_mm?: Shown<number>;
  temperature_dc?: Shown<number>;
  systolic?: Shown<number>;
  diastolic?: Shown<number>;
  vaccine?: Shown<string>;
  next_on?: Shown<string>;
  removed?: { reason?: Shown<string>; note?: Shown<string> };
  came_from?: Shown<string>;
}

export interface Move {
  from?: Shown<string>;
  to?: Shown<string>;
  on?: Shown<string>;
  reason?: Shown<string>;
  until?: Shown<string>;
  /** How a hand-over stands; absent when the household moved at once. */
  state?: Shown<string>;
  answer?: Shown<string>;
  /** Who began the hand-over; absent where the area moved from did. */
  begun_by?: Shown<string>;
  /** The card that the family showed. */
  card?: Shown<string>;
}

export interface Need {
  kind?: Shown<string>;
  text?: Shown<string>;
  urgency?: Shown<string>;
  state?: Shown<string>;
  person?: Shown<string>;
  /** Which kind of question a reviewer asks about; absent in what the family asks for. */
  asks?: Shown<string>;
  answer?: Shown<string>;
}

export interface HealthFacts {
  allergy?: Shown<string>;
  blood_group?: Shown<string>;
  due_date?: Shown<string>;
}

/** A household as people see it, identity numbers masked. */
export interface Household {
  id: string;
  residence: { area?: Shown<string>; address?: Shown<string>; since?: Shown<string> };
  contact: { phone?: Shown<string>; note?: Shown<string>; unanswered: number };
  consent: { care?: Shown<string>; sharing?: Shown<string> };
  persons: Record<string, Person>;
  moves: Record<string, Move>;
  needs: Record<string, Need>;
  /** Whether the health document was read. */
  health: boolean;
  visits: Record<string, Visit>;
  facts: Record<string, HealthFacts>;
  /** The record in which the family goes on. */
  goes_on?: string;
  decisions?: Record<string, Decision>;
  contradictions: Contradiction[];
  edits_of_removed: { person: string; removal: string; edit: string; paths: string[] }[];
}

/** One value written once. */
export interface HistoryEntry {
  path: string;
  value: Written;
  staff: string | null;
  area: string | null;
  actor: string;
  at: string;
  change: string;
  edit: string | null;
}

export interface HouseholdPage {
  record: Household;
  area: string;
  /** Where the same family is registered too. */
  linked: { household: string; area: string; link: 'goes-on' | 'took-over' | 'same' }[];
  names: Names;
  history: HistoryEntry[];
}

export interface Area {
  code: string;
  parent: string | null;
  level: string;
  name: string;
  /** Households that live in it, not below it. */
  households: number;
  /** Open questions in it that wait now, not below it. */
  open: number;
  /** Those in it that are put off or wait for the field, which `open` does not count. */
  put_off: number;
}

/** By what a household was found. */
export const FOUND_BY = ['name', 'sound', 'phone', 'number', 'address'] as const;
export type FoundBy = (typeof FOUND_BY)[number];

export interface Found {
  household: string;
  area: string;
  /** Several where they contradict each other. */
  addresses: string[];
  people: number;
  /** The person who was found; none where the household was. */
  person: string | null;
  name: string;
  birth: string | null;
  removed: boolean;
  by: FoundBy;
}

export interface SearchPage {
  found: Found[];
  /** Whether more fit. */
  more: boolean;
  /** Whether all areas were looked through. */
  everywhere: boolean;
  names: Names;
}

/** What somebody did. */
export const ACTIONS = [
  'account-given',
  'account-withdrawn',
  'signed-in-first',
  'signed-in',
  'signed-out',
  'households-searched',
  'household-read',
  'question-read',
  'question-claimed',
  'question-released',
  'question-put-off',
  'field-asked',
  'question-taken-up',
  'decision-proposed',
  'decided',
  'decision-undone',
  'hand-over-read',
  'hand-over-accepted',
  'hand-over-rejected',
  'hand-over-withdrawn',
  'trail-read',
] as const;
export type Action = (typeof ACTIONS)[number];

export interface AuditEntry {
  at: Millis;
  staff: string | null;
  name: string | null;
  action: Action;
  area: string;
  subject: string;
  household: string | null;
}

export interface AuditPage {
  entries: AuditEntry[];
  next: string | null;
}

/** Who is signed in. */
export interface Me {
  staff: string;
  name: string;
  role: Role;
  account: string;
  areas: { code: string; name: string }[];
  /** Whether they settle questions and read households. */
  settles: boolean;
  /** Whether they read the audit trail. */
  reads_trail: boolean;
  /** Whether they may read health documents. */
  health: boolean;
  /** When the session ends if it is not used. */
  ends_at: Millis;
}

export type Outcome =
  | { outcome: 'proposed' }
  | { outcome: 'decided'; decision: string }
  | { outcome: 'refused' }
  | { outcome: 'undone' };

/** Every value that a field shows, the cleared ones left out. */
export function valuesOf<T>(shown: Shown<T> | undefined): T[] {
  if (shown === undefined) return [];
  if (typeof shown === 'object' && shown !== null && 'contradicted' in shown) {
    return shown.contradicted.filter((value): value is T => value !== null) as T[];
  }
  return [shown as T];
}

/** One of them, for places where any will do. */
export function oneOf<T>(shown: Shown<T> | undefined): T | undefined {
  return valuesOf(shown)[0];
}

export function isContradicted<T>(shown: Shown<T> | undefined): boolean {
  return typeof shown === 'object' && shown !== null && 'contradicted' in shown;
}

export function sameQuestion(a: QuestionId, b: QuestionId): boolean {
  return a.household === b.household && a.kind === b.kind && a.document === b.document && a.subject === b.subject;
}
