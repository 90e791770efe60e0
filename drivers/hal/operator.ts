/**
 * The operator seam: whoever does the physical things. On mocks and emulators a program does them, on hardware a
 * person who is prompted. Each method resolves once the thing is done, and rejects when it was refused.
 */
export interface OperatorHal {
  /** Touch the security key that is waiting for it. */
  touch(options: { signal: AbortSignal }): Promise<void>;
  /** Plug the named device in. */
  insert(device: string, options: { signal: AbortSignal }): Promise<void>;
  /** Pull the named device out. */
  remove(device: string, options: { signal: AbortSignal }): Promise<void>;
}
