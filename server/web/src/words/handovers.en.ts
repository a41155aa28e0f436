// What the pages about hand-overs say, in English.
import type { Deed, Group, HandOverState } from '../handover';
import { many } from './many';

const groups: Record<Group, string> = {
  escalated: 'Past their time',
  incoming: 'Asked of your areas',
  outgoing: 'Asked by your areas',
};
const states: Record<HandOverState, string> = {
  proposed: 'waits for an answer',
  accepted: 'taken over',
  rejected: 'not taken over',
  withdrawn: 'withdrawn',
  overtaken: 'overtaken: the family has moved otherwise',
  unclear: 'unclear: what people wrote contradicts itself',
};
const deeds: Record<Deed, string> = { accept: 'Take over', reject: 'Do not take over', withdraw: 'They stay' };
/** The same, of a family that is at the door of the area moved to. */
const doorDeeds: Record<Deed, string> = {
  accept: 'It is this family: hand it over',
  reject: 'Do not hand over',
  withdraw: 'Take the request back',
};
const doorWhy: Record<Deed, string> = {
  accept:
    'Its record goes to the other area at once, and takes over what was written there. To undo it, ask for the family back.',
  reject: 'The family keeps the record that it was given there. That area reads your reason.',
  withdraw: 'The family keeps the record that it has here. The other area reads your reason.',
};

export const hand = {
  title: 'Hand-overs',
  one: 'Hand-over',
  lead: 'Families that move or have moved, between the area that lets them go and the area that takes them over.',
  total: (n: number) => many(n, 'hand-over waits', 'hand-overs wait'),
  closed: 'Only closed ones',
  closedSince: 'Closed',
  closedTotal: (n: number) => `${many(n, 'hand-over was', 'hand-overs were')} closed in the last half year`,
  waits: (n: number) => `${many(n, 'hand-over waits', 'hand-overs wait')} for you`,
  groups,
  states,
  deeds,
  doorDeeds,
  doorWhy,
  group: 'Group',
  route: (from: string, to: string) => `${from} → ${to}`,
  way: 'From and to',
  day: 'Day of the move',
  until: (day: string) => `until ${day}`,
  forGood: 'for good',
  howLong: 'For how long',
  why: 'Why',
  since: 'Waiting since',
  deadline: 'Answer by',
  overdue: 'past its time',
  state: 'How it stands',
  answerWas: 'What was answered',
  empty: 'No family is about to move in or out of your areas.',
  emptyFiltered: 'No hand-over waits that these filters let through.',
  stubOnly: 'Until you take the family over you see no more of its record than this.',
  atDoor: 'at the door',
  stubAtDoor: 'The family says that it comes from your area. You see no more of the record that it was given there.',
  foundThere: 'The register found a family in that area that it may be. You see it once it is handed over.',
  foundNothing: 'The register has found no family in that area that it may be.',
  whichFamily: 'Which family of yours it may be',
  noFamily: 'The register has found none that it may be in the area that was asked.',
  familyNeeded: 'Say which family it is.',
  travels: 'What travels with the family',
  needs: 'Open requests',
  visits: 'Next visits due',
  noHealth: 'not read by your account',
  places: 'Children under seven without a school place',
  contradictions: 'Questions still open',
  sharing: 'Consent to sharing',
  notAsked: 'not asked',
  refusedSharing:
    'The family refused, or may have refused, that its records follow it. Ask it before you take it over.',
  familyAgrees: 'I asked the family, and it agrees',
  answer: 'Your answer',
  why_accept: 'The family becomes yours; both areas are told at once. To undo it, hand the family back.',
  why_reject: 'The family stays where it is. Its area reads your reason.',
  why_withdraw: 'The family stays in your area. The other area reads your reason.',
  optional: 'To take over needs no reason.',
  commit: 'Answer',
  done: (what: string, of: string) => `${what}: ${of}.`,
  flows: (days: number) => `Families in the last ${days} days`,
  came: 'Came',
  went: 'Went',
  atOnce: (n: number) => `${n} at once`,
  openIn: 'Waiting to come',
  openOut: 'Waiting to go',
  noFlows: 'Nobody came or went.',
};
