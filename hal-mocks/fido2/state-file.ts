/**
 * The state of a virtual authenticator in a file: written whole, fsynced, then renamed into place, so that a killed
 * process leaves the old state or the new one. The file holds test secrets in the clear and is readable by its owner.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { type AuthenticatorState, decodeState, encodeState, type StateStore } from './state.ts';

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

function syncFolder(path: string): void {
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

export class StateFile implements StateStore {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Null when there is no file yet. @throws {ERR_HAL_MOCK_STATE | ERR_HAL_IO} */
  load(): AuthenticatorState | null {
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(this.#path);
    } catch (cause) {
      if (isMissing(cause)) return null;
      throw new UnlockdError('ERR_HAL_IO', `cannot read ${this.#path}`, { cause });
    }
    return decodeState(bytes);
  }

  /** @throws {ERR_HAL_IO} and then the file is as it was */
  save(state: AuthenticatorState): void {
    const next = `${this.#path}.new`;
    try {
      const file = openSync(next, 'w', 0o600);
      try {
        writeSync(file, encodeState(state));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(next, this.#path);
      syncFolder(this.#path);
    } catch (cause) {
      throw new UnlockdError('ERR_HAL_IO', `cannot write ${this.#path}`, { cause });
    }
  }
}
