interface ImportMetaEnv {
  /** Bytes of the engine's module, not compressed. */
  readonly ENGINE_BYTES: number;
}
