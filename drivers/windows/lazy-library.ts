/**
 * A library of Windows at its first use: nothing is loaded before somebody asks, and nothing after it was closed. What a
 * test hands in plays Windows.
 */
import { type Milliseconds, seconds } from '../base/brand.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import { UnlockdError } from '../base/errors.ts';

export interface HostOptions<Library> {
  readonly clock?: Clock;
  /** Pause between two tries to be told of changes; 30 s. */
  readonly retry?: Milliseconds;
  /** Left out: the one of this machine. */
  readonly load?: () => Library;
}

const RETRY = seconds(30);

export class LazyLibrary<Library> {
  readonly clock: Clock;
  readonly #retry: Milliseconds;
  readonly #load: () => Library;
  readonly #what: string;
  #library: Library | null = null;
  #closed = false;

  /**
   * @param what it is for, in words: `the Wi-Fi`
   * @param load the one of this machine
   */
  constructor(what: string, load: () => Library, options: HostOptions<Library>) {
    this.#what = what;
    this.clock = options.clock ?? systemClock;
    this.#retry = options.retry ?? RETRY;
    this.#load = options.load ?? load;
  }

  /** @throws {ERR_HAL_CLOSED | ERR_HAL_MODULE_MISSING} */
  use(): Library {
    if (this.#closed) throw new UnlockdError('ERR_HAL_CLOSED', `${this.#what} was closed`);
    this.#library ??= this.#load();
    return this.#library;
  }

  /** As `watchNotices` wants it. */
  get timing(): { readonly clock: Clock; readonly retry: Milliseconds } {
    return { clock: this.clock, retry: this.#retry };
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
  }
}
