// When a tablet that nobody touches locks itself. What is typed into a form and not saved is kept nowhere yet, so it is not taken away; nor is
// a session broken off, which on a slow link takes its time. Pure.

/** For how long nobody touches it: five minutes. */
export const IDLE_MS = 5 * 60_000;

export interface Use {
  now: number;
  /** The last touch or key, on whichever page. */
  touched: number;
  /** Whether something is typed into a form, on whichever page. */
  writing: boolean;
  syncing: boolean;
}

export function locks({ now, touched, writing, syncing }: Use): boolean {
  return now - touched >= IDLE_MS && !writing && !syncing;
}
