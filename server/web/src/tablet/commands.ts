// Which answer belongs to which command.
import type { Answer, Command } from './messages';

/** Commands that make an edit. */
export const CHANGED = [
  'register',
  'add-person',
  'correct-person',
  'remove-person',
  'restore-person',
  'correct',
  'note-need',
  'record-visit',
  'move',
  'arrive',
] as const;

type Kind = Exclude<Answer['answer'], 'failed'>;

interface Kinds extends Record<Command['do'], Kind> {
  look: 'state';
  open: 'state';
  close: 'state';
  enrol: 'state';
  sync: 'synced';
  listen: 'state';
  list: 'households';
  search: 'found';
  show: 'household';
  card: 'card';
  similar: 'similar';
  areas: 'areas';
  register: 'edited';
  'add-person': 'edited';
  'correct-person': 'edited';
  'remove-person': 'edited';
  'restore-person': 'edited';
  correct: 'edited';
  'note-need': 'edited';
  'record-visit': 'edited';
  move: 'edited';
  arrive: 'edited';
}

export type Of<C extends Command> = Extract<Answer, { answer: Kinds[C['do']] }>;
