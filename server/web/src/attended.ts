// Whether somebody sits before the page. What an open page asks for by itself, when it hears that something moved, must not keep a
// session that nobody uses.

/** How long after the last key or touch somebody is taken to be there, milliseconds. */
export const THERE_MS = 60_000;

let touched = Date.now();

/** Notes that somebody is there. */
export function touch(): void {
  touched = Date.now();
}

/** Whether somebody was there a moment ago. */
export function attended(now: number = Date.now()): boolean {
  return now - touched < THERE_MS;
}

if (typeof window !== 'undefined') {
  for (const kind of ['pointerdown', 'keydown', 'wheel'] as const) {
    window.addEventListener(kind, touch, { capture: true, passive: true });
  }
}
