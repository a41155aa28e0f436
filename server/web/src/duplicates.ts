// Two households that may be one family, laid side by side: who stands beside whom, and what each rule says. Pure.
import {
  type Case,
  type Household,
  oneOf,
  type PairOfPeople,
  type Person,
  type Rule,
  type RuleName,
  type Twin,
  valuesOf,
} from './model';

/** One line of the two lists of people. */
export interface Line {
  here: string | undefined;
  there: string | undefined;
  pair: PairOfPeople | undefined;
}

const standing = (record: Household | null): string[] =>
  Object.entries(record?.persons ?? {})
    .filter(([, person]) => !person.removed)
    .map(([id]) => id);

/** Everybody who stands in either, those who may be one beside each other and first, the clearest on top. */
export function linesOf(kase: Case, twin: Twin): Line[] {
  const pairs = [...twin.people].sort((a, b) => b.bits - a.bits);
  const paired = new Set(pairs.flatMap((pair) => [pair.here, pair.there]));
  const alone = (record: Household | null) => standing(record).filter((id) => !paired.has(id));
  return [
    ...pairs.map((pair): Line => ({ here: pair.here, there: pair.there, pair })),
    ...alone(kase.record).map((here): Line => ({ here, there: undefined, pair: undefined })),
    ...alone(twin.record).map((there): Line => ({ here: undefined, there, pair: undefined })),
  ];
}

/** What a rule looked at in one household. */
export function looked(record: Household | null, id: string, rule: RuleName): string[] {
  if (!record) return [];
  const person: Person = record.persons[id] ?? {};
  switch (rule) {
    case 'name':
      return [...valuesOf(person.name), ...valuesOf(person.latin_name)];
    case 'sex':
      return valuesOf(person.sex);
    case 'birth':
      return valuesOf(person.birth);
    case 'id':
      return valuesOf(person.id_number);
    case 'phone':
      return [...new Set([...valuesOf(person.phone), ...valuesOf(record.contact.phone)])];
    case 'address':
      return valuesOf(record.residence.address);
    case 'members':
      return standing(record)
        .filter((other) => other !== id)
        .flatMap((other) => oneOf(record.persons[other]?.name) ?? []);
    case 'origin':
      return [];
  }
}

/** How a rule's bar is drawn: which way from the middle, and what share of the half. */
export interface Bar {
  speaks: 'for' | 'against' | 'neither';
  share: number;
}

/** The bars of a pair's rules, the longest of which fills its half. */
export function barsOf(rules: Rule[]): Bar[] {
  const longest = Math.max(1, ...rules.map((rule) => Math.abs(rule.bits)));
  return rules.map(({ bits }) => ({
    speaks: bits > 0 ? 'for' : bits < 0 ? 'against' : 'neither',
    share: Math.abs(bits) / longest,
  }));
}

export const LIKELIHOODS = ['certain', 'very', 'likely', 'rather', 'doubtful'] as const;
export type Likelihood = (typeof LIKELIHOODS)[number];

/** A probability, in thousandths, as people say it. */
export function likelihood(thousandths: number): Likelihood {
  if (thousandths >= 995) return 'certain';
  if (thousandths >= 950) return 'very';
  if (thousandths >= 800) return 'likely';
  return thousandths >= 500 ? 'rather' : 'doubtful';
}
