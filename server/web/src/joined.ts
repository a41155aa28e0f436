// How two records of one family are to be joined: which goes on, and who of the other is who in it. Pure; what comes of it, the
// register says.
import type { Case, Choice, Household, Twin } from './model';

export interface Joined {
  /** The household that goes on. */
  survivor: string;
  /** Who stands beside whom, of the household of the question and of the other. */
  pairs: { here: string; there: string }[];
}

/** As the register would have it: the record that it suggests, and the people whom it found. */
export function suggested(twin: Twin): Joined {
  return { survivor: twin.suggested, pairs: twin.people.map(({ here, there }) => ({ here, there })) };
}

/** As somebody has proposed. */
export function proposed(kase: Case, choice: Choice): Joined | undefined {
  if (choice.choose !== 'same') return undefined;
  const here = choice.survivor === kase.question.household;
  const pairs = Object.entries(choice.persons).map(([other, goesOn]) =>
    here ? { here: goesOn, there: other } : { here: other, there: goesOn },
  );
  return { survivor: choice.survivor, pairs };
}

/** Whether the record of the question is the one that goes on. */
const isHere = (twin: Twin, joined: Joined): boolean => joined.survivor !== twin.household;

/** The two records: the one that goes on and the other. */
export function sides(kase: Case, twin: Twin, joined: Joined): { into: Household | null; from: Household | null } {
  return isHere(twin, joined) ? { into: kase.record, from: twin.record } : { into: twin.record, from: kase.record };
}

/** Everybody of the record that does not go on, each with who they are in the one that does; nobody for who is only there. */
export function whoIsWho(kase: Case, twin: Twin, joined: Joined): { other: string; goesOn: string | undefined }[] {
  const here = isHere(twin, joined);
  const { from } = sides(kase, twin, joined);
  return Object.keys(from?.persons ?? {}).map((other) => {
    const pair = joined.pairs.find((pair) => (here ? pair.there : pair.here) === other);
    return { other, goesOn: pair && (here ? pair.here : pair.there) };
  });
}

/** The same with somebody of the other record being somebody else in the one that goes on, or nobody. Nobody is two people. */
export function paired(twin: Twin, joined: Joined, other: string, goesOn: string | undefined): Joined {
  const here = isHere(twin, joined);
  const kept = joined.pairs.filter(
    (pair) => (here ? pair.there : pair.here) !== other && (here ? pair.here : pair.there) !== goesOn,
  );
  const pair = here ? { here: goesOn ?? '', there: other } : { here: other, there: goesOn ?? '' };
  return { ...joined, pairs: goesOn === undefined ? kept : [...kept, pair] };
}

/** What the register is asked. */
export function choiceToJoin(twin: Twin, joined: Joined): Choice {
  const here = isHere(twin, joined);
  const persons = joined.pairs.map((pair): [string, string] =>
    here ? [pair.there, pair.here] : [pair.here, pair.there],
  );
  return { choose: 'same', survivor: joined.survivor, persons: Object.fromEntries(persons) };
}
