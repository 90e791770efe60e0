/**
 * What dynamic lock knows, what it is told, and what it wants done. All of it is plain data; nothing among the effects
 * can open, unlock or grant anything.
 */
import type { MonotonicMs } from '../../drivers/base/brand.ts';
import type { Departure, FarReason, Proximity } from '../../drivers/bluetooth/proximity.ts';
import type { PresenceEvent, PresenceOutage, PresencePhone } from '../../drivers/hal/presence.ts';
import type { Session } from '../../drivers/hal/session.ts';
import type { DynamicLockPolicy } from '../policy/dynamic-lock.ts';

/** Why a phone counts as gone: what its samples say, or that there were none. */
export type Gone = Departure<FarReason | PresenceOutage>;

export interface PhoneTrack {
  readonly phone: PresencePhone;
  /** Never near since dynamic lock, or the machine after a suspend, began: it neither locks nor keeps open. */
  readonly proximity: Proximity<'relative', PresenceOutage>;
}

export interface SeenSession {
  readonly session: Session;
  /** Since when it has been seen without input of its own: not in front, or locked. Null: it is in front and open. */
  readonly asideSince: MonotonicMs | null;
}

export interface DynamicLockState {
  /** Null: off. */
  readonly policy: DynamicLockPolicy | null;
  readonly now: MonotonicMs;
  readonly phones: ReadonlyMap<string, PhoneTrack>;
  readonly outage: { readonly reason: PresenceOutage; readonly since: MonotonicMs } | null;
  readonly sessions: ReadonlyMap<string, SeenSession>;
  /** When they were read. */
  readonly readAt: MonotonicMs;
  /** Users whom this absence of their phones has locked already. */
  readonly locked: ReadonlySet<number>;
  /** Users whose lock the host refused: not again before this. */
  readonly refused: ReadonlyMap<number, MonotonicMs>;
  /** What was sampled before this does not count. */
  readonly countsAfter: MonotonicMs;
  /** When a probe out of turn was last asked for, by address. */
  readonly asked: ReadonlyMap<string, MonotonicMs>;
}

/** Every event carries the time at which it is dealt with, on the runner's monotonic clock. */
export type DynamicLockEvent = { readonly now: MonotonicMs } & (
  | { readonly type: 'policy'; readonly policy: DynamicLockPolicy | null }
  | { readonly type: 'presence'; readonly presence: PresenceEvent }
  /** All sessions of the machine, read just now: the only event that can lock. */
  | { readonly type: 'sessions'; readonly sessions: readonly Session[] }
  /** The sessions cannot be read. */
  | { readonly type: 'sessions-unknown' }
  | { readonly type: 'suspended' }
  /** The session host refused to lock; it is tried again when a probe would have had its turn. */
  | { readonly type: 'lock-failed'; readonly uid: number }
  | { readonly type: 'tick' }
);

export interface LockReason extends Gone {
  readonly phone: PresencePhone;
  /** How long nobody was at keyboard and mouse, seconds. */
  readonly idleSeconds: number;
  /** How long the last phone has been gone, seconds. */
  readonly goneSeconds: number;
}

export type DynamicLockEffect =
  | { readonly type: 'lock'; readonly uid: number; readonly sessions: readonly string[]; readonly reason: LockReason }
  /** Something like a phone was heard: a probe may tell. */
  | { readonly type: 'probe'; readonly address: string };

export interface Step {
  readonly state: DynamicLockState;
  readonly effects: readonly DynamicLockEffect[];
}
