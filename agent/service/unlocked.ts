/**
 * The containers that are unlocked now: their keys, in memory only, until `lock`, the time is over, the machine
 * suspends, or the daemon stops.
 */
import { type Milliseconds, milliseconds, type UnixMs, unixMs } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import type { UnlockContext } from '../api/purpose.ts';
import { derivePurposeKey } from '../container/secret-box.ts';

interface Unlocked {
  readonly uid: number;
  readonly context: UnlockContext;
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
  /** By uid and context. */
  readonly #unlocked = new Map<string, Unlocked>();
  readonly #onExpired: (uid: number) => void;

  constructor(clock: Clock, onExpired: (uid: number) => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  /** Takes the ownership of `key`. @param context that the key is of */
  add(
    uid: number,
    containerId: Uint8Array,
    key: Secret,
    forgetAfter: Milliseconds | null,
    context: UnlockContext = 'unlock',
  ): void {
    this.#drop(idOf(uid, context));
    const span = forgetAfter === null ? null : Math.min(forgetAfter, LONGEST_TIMER);
    const expire = () => this.#expire(uid, context);
    const stopTimer = span === null ? () => undefined : this.#clock.timer(milliseconds(span), expire);
    const until = span === null ? null : unixMs(this.#clock.wall() + span);
    this.#unlocked.set(idOf(uid, context), { uid, context, key, containerId, until, stopTimer });
  }

  /** Whether it is unlocked, and until when. */
  stateOf(uid: number, context: UnlockContext = 'unlock'): { readonly until: UnixMs | null } | null {
    return this.#current(uid, context) ?? null;
  }

  #expire(uid: number, context: UnlockContext): void {
    this.#drop(idOf(uid, context));
    this.#onExpired(uid);
  }

  #current(uid: number, context: UnlockContext): Unlocked | undefined {
    const unlocked = this.#unlocked.get(idOf(uid, context));
    const until = unlocked?.until ?? null;
    if (until === null || this.#clock.wall() < until) return unlocked;
    this.#expire(uid, context);
    return undefined;
  }

  /**
   * HKDF of the key of the context under `purpose`; the caller owns it. The key itself never leaves.
   * @throws {ERR_CONTAINER_LOCKED}
   */
  purposeKey(uid: number, purpose: string, context: UnlockContext = 'unlock'): Secret {
    const unlocked = this.#current(uid, context);
    if (unlocked === undefined) throw new UnlockdError('ERR_CONTAINER_LOCKED', 'the container is locked');
    return derivePurposeKey(unlocked.key, unlocked.containerId, purpose, context);
  }

  #drop(id: string): boolean {
    const unlocked = this.#unlocked.get(id);
    if (unlocked === undefined) return false;
    this.#unlocked.delete(id);
    unlocked.stopTimer();
    unlocked.key.dispose();
    return true;
  }

  /** Every context of a user. @returns whether any was unlocked */
  forget(uid: number): boolean {
    const own = [...this.#unlocked].filter(([, unlocked]) => unlocked.uid === uid);
    for (const [id] of own) this.#drop(id);
    return own.length > 0;
  }

  /** @returns the uids that were unlocked */
  forgetAll(): readonly number[] {
    const uids = [...new Set([...this.#unlocked.values()].map(({ uid }) => uid))];
    for (const uid of uids) this.forget(uid);
    return uids;
  }
}

const idOf = (uid: number, context: UnlockContext): string => `${uid} ${context}`;
