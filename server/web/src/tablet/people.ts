// The fields of a person that the tablet asks for, in the order in which people say them.
export const PERSON = [
  'name',
  'sex',
  'birth',
  'relation',
  'id_kind',
  'id_number',
  'phone',
  'school',
  'latin_name',
] as const;
