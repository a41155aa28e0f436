// The forms of a household: which fields each asks for, what it begins with, and the command that saves it. Pure.
import { type Fields, type Household, isContradicted, oneOf, type Shown, type Value } from '../model';
import * as speak from '../words/speak';
import type { CHANGED } from './commands';
import { changes, type Draft } from './draft';
import type { Command, NewArrival, NewMove, NewNeed, NewPerson, NewVisit } from './messages';
import { PERSON } from './people';

/** The form that is open. */
export type Open =
  | { form: 'visit' | 'add' | 'need' | 'home' | 'move' | 'arrive' }
  | { form: 'correct' | 'remove' | 'restore'; person: string };

export type Edit = Extract<Command, { do: (typeof CHANGED)[number] }>;
export type Values = Record<string, string | number>;

export interface Asked {
  title: string;
  why?: string;
  /** The path that the fields stand below, with its slash. */
  below: string;
  keys: readonly string[];
  required: readonly string[];
  draft: Draft;
  /** What the record shows of the fields, where they are there. */
  shown?: Fields;
  /** Nothing where nothing was changed. */
  command: (values: Values, after: Draft) => Edit | undefined;
}

const VISIT = [
  'person',
  'on',
  'kind',
  'weight_g',
  'height_mm',
  'temperature_dc',
  'systolic',
  'diastolic',
  'vaccine',
  'next_on',
  'note',
];
const NEED = ['kind', 'text', 'urgency', 'person'];
const HOME = [
  'residence/address',
  'residence/since',
  'contact/phone',
  'contact/note',
  'consent/care',
  'consent/sharing',
];

/** What a form of fields begins with. Of values that contradict each other none is put in: whoever corrects them decides. */
function begun(shown: Fields): Draft {
  const text = (value: Shown<Value> | undefined): string => (isContradicted(value) ? '' : String(oneOf(value) ?? ''));
  return Object.fromEntries(Object.entries(shown).map(([key, value]) => [key, text(value)]));
}

/** A form that changes fields which are there. */
function correcting(
  shown: Fields,
  command: (set: ReturnType<typeof changes>) => Edit,
): Pick<Asked, 'keys' | 'draft' | 'shown' | 'command'> {
  const draft = begun(shown);
  return {
    keys: Object.keys(shown),
    draft,
    shown,
    command: (_, after) => {
      const set = changes(draft, after);
      return Object.keys(set).length > 0 ? command(set) : undefined;
    },
  };
}

function homeOf({ residence, contact, consent }: Household): Fields {
  const all: Fields = {
    'residence/address': residence.address,
    'residence/since': residence.since,
    'contact/phone': contact.phone,
    'contact/note': contact.note,
    'consent/care': consent.care,
    'consent/sharing': consent.sharing,
  };
  return Object.fromEntries(HOME.map((key) => [key, all[key]]));
}

export function formOf(open: Open, household: string, record: Household, ground: speak.Ground, today: string): Asked {
  const { words } = ground;
  switch (open.form) {
    case 'visit':
      return {
        title: words.tablet.recordVisit,
        below: 'visits/x/',
        keys: VISIT,
        required: ['on', 'kind'],
        draft: { on: today },
        command: (values) => ({ do: 'record-visit', household, visit: values as unknown as NewVisit }),
      };
    case 'add':
      return {
        title: words.tablet.addPerson,
        below: 'persons/x/',
        keys: PERSON,
        required: ['name'],
        draft: {},
        command: (values) => ({ do: 'add-person', household, person: values as unknown as NewPerson }),
      };
    case 'need':
      return {
        title: words.tablet.noteNeed,
        why: words.tablet.noteNeedWhy,
        below: 'needs/x/',
        keys: NEED,
        required: ['kind', 'text'],
        draft: {},
        command: (values) => ({ do: 'note-need', household, need: values as unknown as NewNeed }),
      };
    case 'home':
      return {
        title: words.tablet.correctHome,
        below: '',
        required: [],
        ...correcting(homeOf(record), (set) => ({ do: 'correct', household, set })),
      };
    case 'move':
      return {
        title: words.tablet.move,
        why: words.tablet.moveWhy,
        below: 'moves/x/',
        keys: ['to', 'on', 'reason', 'until'],
        required: ['to', 'on'],
        draft: { on: today },
        command: (values) => ({ do: 'move', household, to: values as unknown as NewMove }),
      };
    case 'arrive':
      return {
        title: words.tablet.arrive,
        why: words.tablet.arriveWhy,
        below: 'moves/x/',
        keys: ['from', 'on', 'reason', 'until', 'card'],
        required: ['from', 'on'],
        draft: { on: today },
        command: (values) => ({ do: 'arrive', household, from: values as unknown as NewArrival }),
      };
    case 'correct': {
      const { person } = open;
      const one = record.persons[person];
      return {
        title: `${words.tablet.correct} · ${speak.person(ground, person)}`,
        below: 'persons/x/',
        required: isContradicted(one?.name) ? [] : ['name'],
        ...correcting(Object.fromEntries(PERSON.map((key) => [key, one?.[key]])), (set) => ({
          do: 'correct-person',
          household,
          person,
          set,
        })),
      };
    }
    case 'remove': {
      const { person } = open;
      return {
        title: `${words.tablet.remove} · ${speak.person(ground, person)}`,
        why: words.tablet.removeWhy,
        below: 'persons/x/removed/',
        keys: ['reason', 'on', 'note'],
        required: ['reason'],
        draft: {},
        command: ({ reason, on, note }) => ({
          do: 'remove-person',
          household,
          person,
          reason: String(reason),
          on: on === undefined ? null : String(on),
          note: note === undefined ? null : String(note),
        }),
      };
    }
    case 'restore': {
      const { person } = open;
      return {
        title: `${words.tablet.restore} · ${speak.person(ground, person)}`,
        below: 'persons/x/removed/',
        keys: ['note'],
        required: ['note'],
        draft: {},
        command: ({ note }) => ({ do: 'restore-person', household, person, note: String(note) }),
      };
    }
  }
}
