// What the build and the service worker agree on.

/** Stands in the service worker's script where the build puts the list of files. */
export const SHELL = 'the files of the application';

/** The file that is the page. */
export const PAGE = 'tablet.html';

/** Bytes that the engine may have, compressed. */
export const ENGINE_BYTES_MAX = 2_500_000;

/** The files of one version of the application. */
export interface Shell {
  version: string;
  /** By its path below the application's own, what the browser checks each file by. */
  files: Record<string, string>;
}

/** What a worker says to its page besides the messages of the engine. */
export type Aside =
  /** How much of the engine has been fetched, from 0 to 1. */
  | { say: 'loading'; part: number }
  /** The engine ended, and this worker with it. */
  | { say: 'over' };

/** What a page says to the service worker. */
export type Wish = 'look' | 'take over';

/** What the service worker says to every page: whether a newer version than theirs is on the device, or that it has taken over. */
export type Told = 'newest' | 'newer' | 'taken over';
