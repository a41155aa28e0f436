// Something read from the register: being read, there, or refused. A later reading ends an earlier one; while a new one runs,
// what was there before stays.
import type { Refused } from './api';
import { isAbort, refusedBy } from './session.svelte';

export class Loaded<T> {
  value = $state.raw<T>();
  refused = $state.raw<Refused>();
  busy = $state(false);
  #running: AbortController | undefined;

  /** Reads; gives whether it came to an end that counts. */
  async read(from: (signal: AbortSignal) => Promise<T>): Promise<boolean> {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    this.busy = true;
    try {
      const value = await from(running.signal);
      if (running.signal.aborted) return false;
      this.value = value;
      this.refused = undefined;
    } catch (error) {
      if (isAbort(error) || running.signal.aborted) return false;
      this.refused = refusedBy(error);
    }
    this.busy = false;
    return true;
  }

  stop(): void {
    this.#running?.abort();
  }
}

let now = $state(Date.now());
setInterval(() => {
  now = Date.now();
}, 30_000);

/** The present, for ages: it moves twice a minute. */
export const present = {
  get now(): number {
    return now;
  },
};
