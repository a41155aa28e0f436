// When a newer version of the application may take the place of the one in use: not while something waits to be handed in, and not
// while something is typed into a form. Where the one in use is of no use any more, what waits is no reason: only a newer one can hand
// it in. Pure.
import type { Door, Obstacle, Status } from './messages';

export interface Standing {
  door: Door | 'unknown';
  /** Absent while the tablet is shut. */
  status: Pick<Status, 'pending'> | null;
  /** Whether something is typed into a form, on whichever page. */
  writing: boolean;
  /** What stands against there being an engine. */
  engine?: Obstacle | undefined;
  /** What stood against opening the tablet. */
  opening?: Obstacle | undefined;
  /** What the last session gave up at. */
  session?: Obstacle | undefined;
}

/** What it waits for. */
export type Awaited = 'opening' | 'handing-in' | 'form' | 'nobody';

export function awaited({ door, status, writing, engine, opening, session }: Standing): Awaited {
  const useless = engine || (opening && opening !== 'wrong-passphrase') || session === 'version';
  if (!useless && door !== 'new') {
    if (!status) return 'opening';
    if (status.pending > 0) return 'handing-in';
  }
  return writing ? 'form' : 'nobody';
}
