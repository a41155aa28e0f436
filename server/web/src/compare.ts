// What a question's versions have in common and where they differ, and what a choice would leave. Pure.
import { type AsideChange, type Case, type Choice, type FieldWritten, oneOf, type Side, type Written } from './model';

/** One of the versions that stand against each other. */
export interface Version {
  letter: string;
  change: string;
  staff: string | null;
  area: string | null;
  side: Side | undefined;
  /** By the author's clock. */
  writtenAt: number | string | undefined;
}

/** A field over all versions. An absent value was not written. */
export interface Row {
  path: string;
  before: Written[];
  /** One for each version, in order. */
  values: (Written | undefined)[];
  /** Somebody has written it since one of the versions. */
  since: boolean;
}

export interface Comparison {
  versions: Version[];
  /** What the question is about. */
  asked: Row[];
  /** What the same changes wrote beside. */
  also: Row[];
}

const RESIDENCE = 'residence/area';

const letter = (at: number): string => String.fromCharCode(65 + at);

/** A change that was kept aside, beside what stands now. */
function asideAs(change: string, aside: AsideChange): Version {
  const first = aside.handed_in[0];
  const fields = Object.entries(aside.fields);
  const { staff, area, edit } = aside;
  const side: Side = {
    change,
    staff,
    area,
    edit,
    device: first?.device ?? '',
    written_at: aside.written_at ?? 0,
    arrived_at: first?.at ?? 0,
    late: false,
    fields: Object.fromEntries(
      fields.map(([path, { now, would }]): [string, FieldWritten] => [
        path,
        { before: now, value: would, stands: true },
      ]),
    ),
  };
  return { letter: letter(0), change, staff, area, side, writtenAt: aside.written_at ?? undefined };
}

function versionsOf(kase: Case): Version[] {
  if (kase.aside) return [asideAs(kase.question.subject, kase.aside)];
  const values = kase.contradiction?.values;
  if (values) {
    return values.map((value, at) => {
      const side = kase.sides.find((side) => side.change === value.change);
      const { change, staff, area } = value;
      return { letter: letter(at), change, staff, area, side, writtenAt: side?.written_at ?? value.at };
    });
  }
  return kase.sides.map((side, at) => {
    const { change, staff, area, written_at } = side;
    return { letter: letter(at), change, staff, area, side, writtenAt: written_at };
  });
}

/** The day of the visit that a version was written about, where it is about one. */
export function visitOf(kase: Case, version: Version): string | undefined {
  const fields = version.side?.fields ?? {};
  const path = Object.keys(fields).find((path) => /^visits\/[^/]+\//.test(path));
  if (path === undefined) return undefined;
  const visit = path.split('/')[1] ?? '';
  const written = fields[`visits/${visit}/on`]?.value;
  return typeof written === 'string' ? written : oneOf(kase.record?.visits[visit]?.on);
}

function distinct(values: Written[]): Written[] {
  return [...new Set(values)];
}

/** Whether a path is what the question is about, rather than what was written on the way. */
function isAsked(kase: Case, path: string): boolean {
  const { kind, subject } = kase.question;
  switch (kind) {
    case 'contradiction':
    case 'contested-residence':
      return path === subject;
    case 'unknown-area':
      return path === RESIDENCE;
    case 'edit-of-removed':
      return path.startsWith(`${subject.split(' ')[0]}/`);
    default:
      return true;
  }
}

export function compare(kase: Case): Comparison {
  const versions = versionsOf(kase);
  const paths = new Set(versions.flatMap((version) => Object.keys(version.side?.fields ?? {})));
  if (kase.contradiction) paths.add(kase.contradiction.path);
  if (kase.question.kind === 'unknown-area') paths.add(RESIDENCE);
  const rows = [...paths].sort().map((path): Row => {
    const written: (FieldWritten | undefined)[] = versions.map((version) => version.side?.fields[path]);
    const standing = path === kase.contradiction?.path ? kase.contradiction.values : undefined;
    return {
      path,
      before: distinct(written.flatMap((field) => field?.before ?? [])),
      values: versions.map((_, at) => (standing ? standing[at]?.value : written[at]?.value)),
      since: standing === undefined && written.some((field) => field !== undefined && !field.stands),
    };
  });
  // A change's own bookkeeping says nothing about the family.
  const shown = rows.filter((row) => !/^(health_)?decisions\//.test(row.path));
  return {
    versions,
    asked: shown.filter((row) => isAsked(kase, row.path)),
    also: shown.filter((row) => !isAsked(kase, row.path)),
  };
}

/** What a row will hold; `stays` where the choice does not touch it. */
export type Result = { value: Written } | 'undecided' | 'stays';

export function resultOf(kase: Case, row: Row, choice: Choice | undefined): Result {
  if (!isAsked(kase, row.path)) return 'stays';
  if (!choice) return 'undecided';
  switch (choice.choose) {
    case 'value': {
      const chosen = kase.contradiction?.values.find((value) => value.change === choice.change);
      return chosen ? { value: chosen.value } : 'undecided';
    }
    case 'other':
      return { value: choice.value };
    case 'keep':
      return 'stays';
    case 'restore':
      return /\/removed\/(reason|on)$/.test(row.path) ? { value: null } : 'stays';
    case 'adopt':
      return { value: row.values[0] ?? null };
    case 'adapt':
      return row.path in choice.set ? { value: choice.set[row.path] ?? null } : 'stays';
    case 'refuse':
    case 'carry-over':
    case 'same':
    case 'different':
      return 'stays';
    case 'put-back':
      return row.since ? 'stays' : { value: row.before[0] ?? null };
  }
}

/** A text in three parts: the middle is where the texts differ. */
export type Parts = [same: string, differs: string, same: string];

/** Where texts differ, by the letters or words that all of them begin and end with. */
export function differences(texts: string[], granularity: 'grapheme' | 'word' = 'grapheme'): Parts[] {
  const segmenter = new Intl.Segmenter(undefined, { granularity });
  const split = texts.map((text) => [...segmenter.segment(text)].map((part) => part.segment));
  const shortest = Math.min(...split.map((text) => text.length));
  const first = split[0];
  if (!first || split.length < 2) return texts.map((text) => [text, '', '']);
  let begin = 0;
  while (begin < shortest && split.every((text) => text[begin] === first[begin])) begin += 1;
  let end = 0;
  while (end < shortest - begin && split.every((text) => text.at(-1 - end) === first.at(-1 - end))) end += 1;
  return split.map((text) => [
    text.slice(0, begin).join(''),
    text.slice(begin, text.length - end).join(''),
    text.slice(text.length - end).join(''),
  ]);
}
