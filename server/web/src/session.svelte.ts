// Who is signed in, and what is said aloud to those who listen to the page. The session itself is a cookie that no script
// can read: this knows only what the register told.
import * as api from './api';
import { Refused } from './api';
import type { Me } from './model';

export type Session =
  | { at: 'unknown' }
  | { at: 'unreachable'; why: Refused }
  | { at: 'out'; ended: boolean }
  | { at: 'in'; me: Me };

let session = $state.raw<Session>({ at: 'unknown' });
let said = $state('');
let told = $state.raw<Told>();

/** What came of the last thing that somebody did, with where it can be looked at, and taken back. */
export interface Told {
  text: string;
  to: string | undefined;
}

export const current = {
  get session(): Session {
    return session;
  },
  get said(): string {
    return said;
  },
  get told(): Told | undefined {
    return told;
  },
};

/** Says something in the live region; the same again is said again. */
export function say(text: string): void {
  said = said === text ? `${text}\u00a0` : text;
}

/** Says something and shows it, until something else is told or it is put away. */
export function tell(text: string, to?: string): void {
  say(text);
  told = { text, to };
}

export function putAway(): void {
  told = undefined;
}

export function signedIn(me: Me): void {
  session = { at: 'in', me };
}

export async function begin(): Promise<void> {
  session = { at: 'unknown' };
  try {
    session = { at: 'in', me: await api.me() };
  } catch (error) {
    const why = error instanceof Refused ? error : new Refused('failed');
    session = why.code === 'unauthenticated' ? { at: 'out', ended: false } : { at: 'unreachable', why };
  }
}

const farewells = new Set<() => Promise<void>>();

/** Has something done before somebody is signed out, while it is still allowed; until the returned function is called. */
export function beforeEnd(farewell: () => Promise<void>): () => void {
  farewells.add(farewell);
  return () => farewells.delete(farewell);
}

export async function end(): Promise<void> {
  await Promise.all([...farewells].map((farewell) => farewell()));
  try {
    await api.signOut();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    // Whoever cannot be reached has not signed us out: say so.
    if (error.code !== 'unauthenticated') {
      session = { at: 'unreachable', why: error };
      return;
    }
  }
  session = { at: 'out', ended: false };
}

/** What a failed call was, as a refusal; the end of the session ends it here too. */
export function refusedBy(error: unknown): Refused {
  const why = error instanceof Refused ? error : new Refused('failed');
  if (why.code === 'unauthenticated' && session.at === 'in') session = { at: 'out', ended: true };
  return why;
}

export const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError';
