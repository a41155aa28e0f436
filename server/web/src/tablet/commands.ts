// Which answer belongs to which command.
import type { Answer, Command } from './messages';

/** Commands that make an edit. */
export const CHANGED = ['register', 'add-person', 'correct-person', 'record-visit', 'move'] as const;

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
  areas: 'areas';
  register: 'edited';
  'add-person': 'edited';
  'correct-person': 'edited';
  'record-visit': 'edited';
  move: 'edited';
}

export type Of<C extends Command> = Extract<Answer, { answer: Kinds[C['do']] }>;
