/**
 * The end of a scope: what is closed there may fail in its turn, and `await using` then throws a SuppressedError, which
 * has no code. What failed first is what people have to be told.
 */
import { isUnlockdError } from './errors.ts';

/**
 * Closes something because its scope ends. What the device says against it is not heard: the result of the scope stands,
 * and so does its error. A fault of the program comes through.
 */
export async function closeAtScopeEnd(close: () => Promise<void>): Promise<void> {
  try {
    await close();
  } catch (error) {
    if (!isUnlockdError(error)) throw error;
  }
}

/** The error that a scope ended with, from under everything that its closing has thrown on top of it. Total. */
export function errorOfScope(error: unknown): unknown {
  let found = error;
  for (let depth = 0; depth < 16; depth++) {
    if (!(found instanceof Error) || found.name !== 'SuppressedError' || !('suppressed' in found)) return found;
    found = found.suppressed;
  }
  return found;
}
