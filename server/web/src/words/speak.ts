// Paths, values and questions in plain words. Pure: messages, language and what is known of the household are arguments.
import { type FieldName, placeOf, type WordField } from '../fields';
import type { HistoryEntry, Household, Names, QuestionId, Written } from '../model';
import { oneOf } from '../model';
import type { Messages } from './en';
import { partialDate } from './moments';

/** What a sentence may draw on. */
export interface Ground {
  words: Messages;
  language: string;
  names?: Names;
  record?: Household | null;
  /** Where what was decided about a field is said beside it. */
  history?: HistoryEntry[];
}

function isWordField(words: Messages, name: FieldName): name is WordField {
  return name in words.words;
}

/** An area's name, or its code where it has none. */
export function area(ground: Ground, code: string | null | undefined): string {
  if (!code) return ground.words.ask.nobody;
  return ground.names?.areas[code] ?? ground.words.areaOf(code);
}

/** The name of a member of staff; the beginning of their id where they are not known, as with an author who claims to be somebody. */
export function staff(ground: Ground, id: string | null | undefined): string {
  if (!id) return ground.words.ask.nobody;
  return ground.names?.staff[id] ?? id.slice(0, 8);
}

/** A person's name. */
export function person(ground: Ground, id: string): string {
  return oneOf(ground.record?.persons[id]?.name) ?? ground.words.unknownPerson;
}

/** A field's name, without whose it is. */
export function field(words: Messages, path: string): string {
  const place = placeOf(path);
  if (place.key.startsWith('languages/')) {
    return words.inCollection(words.fields['persons/{person}/languages/{language}'], place.key.slice(10));
  }
  return place.name ? words.fields[place.name] : words.unknownField(place.key || place.collection);
}

/** A field's name with whose it is, as far as that is known. */
export function path(ground: Ground, path: string): string {
  const { words, record } = ground;
  const place = placeOf(path);
  const name = field(words, path);
  if (place.entry === undefined) return name;
  if (place.collection === 'persons' || place.collection === 'facts') {
    const known = oneOf(record?.persons[place.entry]?.name);
    return known ? words.ofWhom(name, known) : words.inCollection(name, words.collections[place.collection] ?? '');
  }
  if (place.collection === 'visits') {
    const visit = record?.visits[place.entry];
    const [of, on] = [oneOf(visit?.person), oneOf(visit?.on)];
    const whom = of ? oneOf(record?.persons[of]?.name) : undefined;
    const said = [whom, on && partialDate(ground.language, on)].filter((part) => part !== undefined);
    if (said.length > 0) return words.inCollection(name, words.and(said));
  }
  return name;
}

/** A value of a field. */
export function value(ground: Ground, path: string, value: Written | undefined): string {
  const { words, language } = ground;
  if (value === undefined) return words.notWritten;
  if (value === null) return words.cleared;
  if (typeof value === 'boolean') return value ? words.yes : words.no;
  const place = placeOf(path);
  if (typeof value === 'number') {
    const scaled = value / (place.field?.scale ?? 1);
    const number = new Intl.NumberFormat(language, { maximumFractionDigits: 3 }).format(scaled);
    return place.field?.unit ? `${number} ${place.field.unit}` : number;
  }
  switch (place.field?.input) {
    case 'date':
      return partialDate(language, value);
    case 'area': {
      const name = ground.names?.areas[value];
      return name && name !== value ? `${name} (${value})` : value;
    }
    case 'person':
      return person(ground, value);
    case 'choice': {
      if (!place.name || !isWordField(words, place.name)) return value;
      const of: Record<string, string> = words.words[place.name];
      return of[value] ?? value;
    }
    default:
      return value;
  }
}

/** What a question is about. */
export function question(ground: Ground, id: Pick<QuestionId, 'kind' | 'subject'> & { aside?: string | null }): string {
  const { words } = ground;
  switch (id.kind) {
    case 'contradiction':
      return path(ground, id.subject);
    case 'contested-residence':
      return words.fields['residence/area'];
    case 'unknown-area':
      return words.areaOf(id.subject);
    case 'late-edit':
      return words.lateOf;
    case 'edit-of-joined':
      return words.joinedOf;
    case 'edit-of-removed': {
      const whose = /^persons\/(\S+)/.exec(id.subject)?.[1];
      const name = whose && oneOf(ground.record?.persons[whose]?.name);
      return name ?? words.removedOne;
    }
    case 'quarantined':
      return id.aside ? aside(words, id.aside) : words.asideOne;
    case 'possible-duplicate':
      return ground.record ? words.twin.of(household(ground)) : words.twin.about;
  }
}

/** Whether a decision says that it accepted a hand-over. */
export const isHandOver = (about: string): boolean => about.startsWith('hand-over ');

/** Why a change was kept aside. */
export function aside(words: Messages, reason: string): string {
  const known: Record<string, string> = words.aside;
  return known[reason] ?? reason;
}

/** What a decision says that it is about: its kind, then its subject. */
export function about(ground: Ground, text: string): string {
  if (isHandOver(text)) return ground.words.takenOver;
  const at = text.indexOf(' ');
  const kind = text.slice(0, at === -1 ? text.length : at);
  const kinds: Record<string, string> = ground.words.kinds;
  if (!(kind in kinds)) return text;
  const said = question(ground, { kind: kind as QuestionId['kind'], subject: text.slice(at + 1) });
  return `${kinds[kind]} · ${said}`;
}

/** The household in a few words: whose it is. */
export function household(ground: Ground): string {
  const persons = Object.values(ground.record?.persons ?? {}).filter((person) => !person.removed);
  const head = persons.find((person) => oneOf(person.relation) === 'head') ?? persons[0];
  const name = oneOf(head?.name);
  return name ? ground.words.ask.headOf(name) : ground.words.ask.unnamedHousehold;
}

/** The kind of edit that a change says it is. */
export function edit(words: Messages, kind: string | null): string | undefined {
  return kind === null ? undefined : (words.edits[kind] ?? kind);
}
