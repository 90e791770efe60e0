/**
 * The containers that are unlocked now: their keys, in memory only, until `lock`, the time is over, the machine
 * suspends, or the daemon stops.
 */
import { type Milliseconds, milliseconds, type UnixMs, unixMs } from '../../drivers/base/brand.ts';
import { utf8 } from '../../drivers/base/bytes.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import { deriveKey } from '../container/secret-box.ts';

interface Unlocked {
  readonly key: Secret;
  readonly containerId: Uint8Array;
  /** By the wall clock as well as by the timer, which stands still while the machine is suspended. */
  readonly until: UnixMs | null;
  readonly stopTimer: () => void;
}

/** Timers of Node hold at most 2^31 - 1 ms. */
const LONGEST_TIMER = 2 ** 31 - 1;

export class UnlockedContainers {
  readonly #clock: Clock;
  readonly #byUid = new Map<number, Unlocked>();
  readonly #onExpired: (uid: number) => void;

  constructor(clock: Clock, onExpired: (uid: number) => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  /** Takes the ownership of `key`. */
  add(uid: number, containerId: Uint8Array, key: Secret, forgetAfter: Milliseconds | null): void {
    this.forget(uid);
    const span = forgetAfter === null ? null : Math.min(forgetAfter, LONGEST_TIMER);
    const stopTimer = span === null ? () => undefined : this.#clock.timer(milliseconds(span), () => this.#expire(uid));
    const until = span === null ? null : unixMs(this.#clock.wall() + span);
    this.#byUid.set(uid, { key, containerId, until, stopTimer });
  }

  /** Whether it is unlocked, and until when. */
  stateOf(uid: number): { readonly until: UnixMs | null } | null {
    return this.#current(uid) ?? null;
  }

  #expire(uid: number): void {
    this.forget(uid);
    this.#onExpired(uid);
  }

  #current(uid: number): Unlocked | undefined {
    const unlocked = this.#byUid.get(uid);
    const until = unlocked?.until ?? null;
    if (until === null || this.#clock.wall() < until) return unlocked;
    this.#expire(uid);
    return undefined;
  }

  /**
   * HKDF of the container key under `purpose`; the caller owns it. The container key itself never leaves.
   * @throws {ERR_CONTAINER_LOCKED}
   */
  purposeKey(uid: number, purpose: string): Secret {
    const unlocked = this.#current(uid);
    if (unlocked === undefined) throw new UnlockdError('ERR_CONTAINER_LOCKED', 'the container is locked');
    return deriveKey(unlocked.key, 'purpose v1', unlocked.containerId, utf8(purpose));
  }

  /** @returns whether it was unlocked */
  forget(uid: number): boolean {
    const unlocked = this.#byUid.get(uid);
    if (unlocked === undefined) return false;
    this.#byUid.delete(uid);
    unlocked.stopTimer();
    unlocked.key.dispose();
    return true;
  }

  /** @returns the uids that were unlocked */
  forgetAll(): readonly number[] {
    const uids = [...this.#byUid.keys()];
    for (const uid of uids) this.forget(uid);
    return uids;
  }
}
