// Which fields the record has, as far as the pages show and ask for them: how one is entered, and which words it may hold.
// The rules are the register's (`sync-protocol/src/record/schema.rs`); a test compares this list with docs/DATA_MODEL.md.

interface Field {
  input: 'text' | 'long' | 'date' | 'area' | 'phone' | 'number' | 'choice' | 'person' | 'flag';
  of?: readonly string[];
  /** How many stored units make one as people say it. */
  scale?: number;
  unit?: string;
}

const CONSENT = ['given', 'refused', 'withdrawn'] as const;
const decision = {
  about: { input: 'text' },
  reason: { input: 'long' },
  seconded: { input: 'text' },
  outcome: { input: 'choice', of: ['adopted', 'adapted', 'refused', 'same', 'different'] },
  undone: { input: 'long' },
} as const satisfies Record<string, Field>;

export const FIELDS = {
  'residence/area': { input: 'area' },
  'residence/address': { input: 'text' },
  'residence/since': { input: 'date' },
  'contact/phone': { input: 'phone' },
  'contact/note': { input: 'long' },
  'contact/unanswered': { input: 'number' },
  'consent/care': { input: 'choice', of: CONSENT },
  'consent/sharing': { input: 'choice', of: CONSENT },
  'persons/{person}/name': { input: 'text' },
  'persons/{person}/latin_name': { input: 'text' },
  'persons/{person}/sex': { input: 'choice', of: ['female', 'male', 'unspecified'] },
  'persons/{person}/birth': { input: 'date' },
  'persons/{person}/relation': {
    input: 'choice',
    of: [
      'head',
      'spouse',
      'child',
      'child-in-law',
      'parent',
      'parent-in-law',
      'grandchild',
      'grandparent',
      'sibling',
      'other-relative',
      'unrelated',
    ],
  },
  'persons/{person}/id_kind': {
    input: 'choice',
    of: ['resident', 'birth-certificate', 'passport', 'residence-permit', 'other'],
  },
  'persons/{person}/id_number': { input: 'text' },
  'persons/{person}/phone': { input: 'phone' },
  'persons/{person}/school': { input: 'choice', of: ['place-wanted', 'transfer-wanted', 'enrolled', 'none'] },
  'persons/{person}/languages/{language}': { input: 'flag' },
  'persons/{person}/removed/reason': {
    input: 'choice',
    of: ['died', 'moved-away', 'duplicate', 'mistake', 'other'],
  },
  'persons/{person}/removed/on': { input: 'date' },
  'persons/{person}/removed/note': { input: 'long' },
  'persons/{person}/removed/to': { input: 'text' },
  'persons/{person}/came_from': { input: 'text' },
  'persons/{person}/copied': { input: 'text' },
  'moves/{move}/from': { input: 'area' },
  'moves/{move}/to': { input: 'area' },
  'moves/{move}/on': { input: 'date' },
  'moves/{move}/reason': {
    input: 'choice',
    of: ['work', 'school', 'family', 'housing', 'return-home', 'other'],
  },
  'moves/{move}/until': { input: 'date' },
  'moves/{move}/state': { input: 'choice', of: ['proposed', 'accepted', 'rejected', 'withdrawn'] },
  'moves/{move}/answer': { input: 'long' },
  'moves/{move}/begun_by': { input: 'choice', of: ['receiving'] },
  'moves/{move}/card': { input: 'text' },
  'moves/{move}/copied': { input: 'text' },
  'needs/{need}/kind': {
    input: 'choice',
    of: ['certificate', 'school', 'insurance', 'benefit', 'health', 'housing', 'other'],
  },
  'needs/{need}/text': { input: 'long' },
  'needs/{need}/urgency': { input: 'choice', of: ['routine', 'soon', 'urgent'] },
  'needs/{need}/state': { input: 'choice', of: ['open', 'in-progress', 'met', 'declined', 'withdrawn'] },
  'needs/{need}/person': { input: 'person' },
  'needs/{need}/asks': { input: 'text' },
  'needs/{need}/answer': { input: 'long' },
  'needs/{need}/copied': { input: 'text' },
  'decisions/{decision}/about': decision.about,
  'decisions/{decision}/reason': decision.reason,
  'decisions/{decision}/seconded': decision.seconded,
  'decisions/{decision}/outcome': decision.outcome,
  'decisions/{decision}/goes_on': { input: 'text' },
  'decisions/{decision}/same/{person}': { input: 'person' },
  'decisions/{decision}/undone': decision.undone,
  'visits/{visit}/person': { input: 'person' },
  'visits/{visit}/on': { input: 'date' },
  'visits/{visit}/kind': { input: 'choice', of: ['follow-up', 'antenatal', 'child', 'immunisation', 'other'] },
  'visits/{visit}/note': { input: 'long' },
  'visits/{visit}/weight_g': { input: 'number', scale: 1000, unit: 'kg' },
  'visits/{visit}/height_mm': { input: 'number', scale: 10, unit: 'cm' },
  'visits/{visit}/temperature_dc': { input: 'number', scale: 10, unit: '°C' },
  'visits/{visit}/systolic': { input: 'number', unit: 'mmHg' },
  'visits/{visit}/diastolic': { input: 'number', unit: 'mmHg' },
  'visits/{visit}/vaccine': { input: 'text' },
  'visits/{visit}/next_on': { input: 'date' },
  'visits/{visit}/removed/reason': { input: 'choice', of: ['duplicate', 'mistake', 'other'] },
  'visits/{visit}/removed/note': { input: 'long' },
  'visits/{visit}/came_from': { input: 'text' },
  'visits/{visit}/copied': { input: 'text' },
  'facts/{person}/allergy': { input: 'long' },
  'facts/{person}/blood_group': {
    input: 'choice',
    of: ['A', 'A+', 'A-', 'B', 'B+', 'B-', 'AB', 'AB+', 'AB-', 'O', 'O+', 'O-'],
  },
  'facts/{person}/due_date': { input: 'date' },
  'health_decisions/{decision}/about': decision.about,
  'health_decisions/{decision}/reason': decision.reason,
  'health_decisions/{decision}/seconded': decision.seconded,
  'health_decisions/{decision}/outcome': decision.outcome,
  'health_decisions/{decision}/goes_on': { input: 'text' },
  'health_decisions/{decision}/undone': decision.undone,
} as const satisfies Record<string, Field>;

export type FieldName = keyof typeof FIELDS;
/** Fields that hold one of a list of words; blood groups are the same words everywhere. */
export type WordField = {
  [N in FieldName]: (typeof FIELDS)[N] extends { of: readonly string[] } ? N : never;
}[Exclude<FieldName, 'facts/{person}/blood_group'>];
export type WordOf<N extends WordField> = (typeof FIELDS)[N]['of'][number];

const ENTRY: Record<string, string> = {
  persons: '{person}',
  moves: '{move}',
  needs: '{need}',
  decisions: '{decision}',
  visits: '{visit}',
  facts: '{person}',
  health_decisions: '{decision}',
};

/** A path taken apart. */
export interface Place {
  /** The field, where the pages know it. */
  name: FieldName | undefined;
  field: Field | undefined;
  collection: string;
  /** The entry's id, such as a person's. */
  entry: string | undefined;
  /** The last part, for fields that are not known. */
  key: string;
}

export function placeOf(path: string): Place {
  const [collection = '', second = '', ...rest] = path.split('/');
  const entry = collection in ENTRY ? second : undefined;
  const key = entry === undefined ? [second, ...rest].join('/') : rest.join('/');
  const pattern = key.startsWith('languages/') ? 'languages/{language}' : key;
  const full = entry === undefined ? `${collection}/${pattern}` : `${collection}/${ENTRY[collection]}/${pattern}`;
  const name = full in FIELDS ? (full as FieldName) : undefined;
  return { name, field: name && FIELDS[name], collection, entry, key };
}
