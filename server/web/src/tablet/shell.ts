// What the build and the service worker agree on.

/** Stands in the service worker's script where the build puts the list of files. */
export const SHELL = 'the files of the application';

/** Bytes that the engine may have, compressed. */
export const ENGINE_BYTES_MAX = 2_500_000;

/** The files of one version of the application. */
export interface Shell {
  version: string;
  /** Paths below the application's own. */
  files: string[];
}
