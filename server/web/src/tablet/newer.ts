// When a newer version of the application may take the place of the one in use: not while something waits to be handed in, and not
// while something is typed into a form. Where the one in use has failed, what waits is no reason: it may be that only a newer one can
// hand it in. Pure.
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

/** What another version may be able to do. */
const FAILED: (Obstacle | undefined)[] = ['version', 'damaged', 'failed'];

export function awaited({ door, status, writing, engine, opening, session }: Standing): Awaited {
  const failed = [engine, opening, session].some((obstacle) => FAILED.includes(obstacle));
  if (!failed && door !== 'new') {
    if (!status) return 'opening';
    if (status.pending > 0) return 'handing-in';
  }
  return writing ? 'form' : 'nobody';
}
