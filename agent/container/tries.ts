/**
 * The limit on wrong PINs that the daemon keeps for each user, before the TPM's own. It is comfort, not protection: who
 * can change files can lift it. A try is written down before the TPM is asked, so that a crash does not give it back;
 * reaching the limit means waiting and destroys nothing.
 */
import { join } from 'node:path';
import type { Milliseconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import type { DurableFiles } from './durable-files.ts';
import { decodeState, encodeState, type StateKind } from './envelope.ts';
import { integer, record } from './shape.ts';

interface Tries {
  readonly failures: number;
  /** Civil time of the newest one. */
  readonly at: number;
}

const TRIES: StateKind<Tries> = {
  kind: 'tries',
  version: 1,
  shape: record({ failures: integer(0, 1000), at: integer(0, 8.64e15) }),
};

export interface TriesLimit {
  readonly tries: number;
  /** After this long without a wrong PIN, one is forgotten. */
  readonly forgetAfter: Milliseconds;
}

export class PinTries {
  readonly #path: string;
  readonly #files: DurableFiles;
  readonly #clock: Clock;
  readonly #limit: TriesLimit;
  /** Stands in for the file while the disk takes nothing: a full disk must not keep its owner out. */
  #unwritten: Tries | null = null;

  constructor(stateFolder: string, uid: number, files: DurableFiles, clock: Clock, limit: TriesLimit) {
    this.#path = join(stateFolder, 'containers', `${uid}.tries`);
    this.#files = files;
    this.#clock = clock;
    this.#limit = limit;
  }

  /** A damaged file counts as "at the limit, just now": it can cost a wait, never a key. */
  async #read(): Promise<Tries> {
    if (this.#unwritten !== null) return this.#unwritten;
    const content = await this.#files.read(this.#path, 4096);
    if (content === null) return { failures: 0, at: 0 };
    try {
      const tries = decodeState(TRIES, content);
      const now = this.#clock.wall();
      if (tries.at <= now) return tries;
      // The clock went back. Without a new time the wait would last until it has caught up, which may be years.
      const restarted = { ...tries, at: now };
      await this.#write(restarted);
      return restarted;
    } catch (error) {
      if (!isUnlockdError(error, 'ERR_STATE_CORRUPT', 'ERR_STATE_NEWER')) throw error;
      const full = { failures: this.#limit.tries, at: this.#clock.wall() };
      await this.#write(full);
      return full;
    }
  }

  async #write(tries: Tries): Promise<void> {
    try {
      await this.#files.replace(this.#path, encodeState(TRIES, tries));
      this.#unwritten = null;
    } catch (error) {
      if (!isUnlockdError(error, 'ERR_STATE_WRITE_FAILED', 'ERR_STATE_NOT_DURABLE')) throw error;
      this.#unwritten = tries;
    }
  }

  /** What counts now. A clock that went back makes the wait start again, never end. */
  #counting(tries: Tries): { failures: number; waitMs: number } {
    const passed = Math.max(0, this.#clock.wall() - tries.at);
    const forgotten = Math.floor(passed / this.#limit.forgetAfter);
    const failures = Math.max(0, tries.failures - forgotten);
    const waitMs = failures < this.#limit.tries ? 0 : this.#limit.forgetAfter - (passed % this.#limit.forgetAfter);
    return { failures, waitMs };
  }

  async left(): Promise<number> {
    return Math.max(0, this.#limit.tries - this.#counting(await this.#read()).failures);
  }

  /**
   * Writes one try down. Call {@link succeeded} or {@link takeBack} when it turns out not to have been wrong.
   * @returns the tries that are left if this one is wrong
   * @throws {ERR_PIN_SOFT_LIMIT} with `detail.waitSeconds`
   */
  async begin(): Promise<number> {
    const { failures, waitMs } = this.#counting(await this.#read());
    if (waitMs > 0) {
      const waitSeconds = Math.ceil(waitMs / 1000);
      throw new UnlockdError('ERR_PIN_SOFT_LIMIT', `too many wrong PINs: one more try in ${waitSeconds} s`, {
        detail: { waitSeconds },
      });
    }
    await this.#write({ failures: failures + 1, at: this.#clock.wall() });
    return this.#limit.tries - failures - 1;
  }

  /** The PIN was right: nothing counts any more. */
  async succeeded(): Promise<void> {
    await this.#write({ failures: 0, at: this.#clock.wall() });
  }

  /** The TPM did not judge the PIN (it was locked out, or went away): the try is given back. */
  async takeBack(): Promise<void> {
    const { failures } = this.#counting(await this.#read());
    await this.#write({ failures: Math.max(0, failures - 1), at: this.#clock.wall() });
  }
}
