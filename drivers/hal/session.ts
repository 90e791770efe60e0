/**
 * The session seam: who is logged in at this machine, whether anybody is at the keyboard, and how to lock. There is no
 * method that unlocks, and no event that says that somebody was authenticated. logind: org.freedesktop.login1(5);
 * Windows: WTSEnumerateSessionsExW, GetLastInputInfo, LockWorkStation.
 */
import type { MonotonicMs } from '../base/brand.ts';

/** Whether a session gets no input, and since when at least. */
export interface IdleState {
  /** On the clock that the host was given; null: in use, or the host cannot tell. The real silence may be longer. */
  readonly idleSinceMs: MonotonicMs | null;
  /** Who said so: `logind`, `last-input`; null: nobody, so the session has to be taken for one in use. */
  readonly source: 'logind' | 'last-input' | 'mock' | null;
}

export interface Session {
  /** As the host names it; for {@link SessionHal.lock}. */
  readonly id: string;
  readonly uid: number;
  /** In front of its seat: only an active session gets input. */
  readonly active: boolean;
  /** `x11`, `wayland`, `tty`, `windows`, ...: in the host's words, at most 32 characters. */
  readonly type: string;
  /** A person's session; false: a greeter, a lock screen, a background session. */
  readonly person: boolean;
  /** Over a network: nobody sits at this machine because of it. */
  readonly remote: boolean;
  /** What the desktop says of its own lock; null: it does not say. A hint: never taken for an unlock. */
  readonly locked: boolean | null;
  readonly idle: IdleState;
}

export type SessionEvent =
  /** The host can be asked from now on; everything that was known before is void. */
  | { readonly type: 'available' }
  /** The host cannot be asked: nothing is known of any session. */
  | { readonly type: 'unavailable' }
  /** A session that is new, or whose activity, idleness or lock hint may have changed; as read just now. */
  | { readonly type: 'changed'; readonly session: Session }
  | { readonly type: 'removed'; readonly id: string }
  /** Somebody with the right to do so asked for this session to be locked. */
  | { readonly type: 'lock-requested'; readonly id: string }
  /** `about`: the machine is about to sleep; else it has woken up. */
  | { readonly type: 'sleep'; readonly about: boolean };

/**
 * Contract for implementers:
 * - Every answer of `list` is read from the host at that moment, never from what signals have told.
 * - Whatever did not come from the host itself is ignored.
 * - A host that goes away is `unavailable`, then `available` again by itself; nothing known before survives it.
 * - Every call ends: with an answer, or with an error within the time that the implementer was given.
 */
export interface SessionHal extends AsyncDisposable {
  /** How it names itself in status: `logind`, `Windows`, `mock`. */
  readonly name: string;
  /** @throws {ERR_HAL_NOT_FOUND | ERR_HAL_DISCONNECTED | ERR_HAL_TIMEOUT | ERR_HAL_PERMISSION | ERR_HAL_IO} */
  list(options: { signal: AbortSignal }): Promise<readonly Session[]>;
  /**
   * Asks for the lock of one session. Its screen locker decides when it is done; `Session.locked` may tell.
   * @throws {ERR_HAL_NOT_FOUND} also when there is no such session; else as `list`
   */
  lock(id: string, options: { signal: AbortSignal }): Promise<void>;
  /** What happens from now on, until `signal` aborts (then it returns). Begins with `available` or `unavailable`. */
  watch(options: { signal: AbortSignal }): AsyncIterable<SessionEvent>;
}
