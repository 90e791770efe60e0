/** Short words for what dynamic lock is told in tests, at seconds of a clock that begins at 0. */
import { initialState, step } from '../../../agent/dynamic-lock/machine.ts';
import type { DynamicLockEffect, DynamicLockEvent, DynamicLockState } from '../../../agent/dynamic-lock/state.ts';
import { DEFAULT_DYNAMIC_LOCK, type DynamicLockPolicy } from '../../../agent/policy/dynamic-lock.ts';
import { type MonotonicMs, monotonicMs } from '../../../drivers/base/brand.ts';
import type { PresenceOutage, PresencePhone, PresenceSample } from '../../../drivers/hal/presence.ts';
import type { Session } from '../../../drivers/hal/session.ts';

/** Numbers that are easy to count by; the defaults are tuned, and judged elsewhere. */
export const ON: DynamicLockPolicy = {
  ...DEFAULT_DYNAMIC_LOCK,
  enabled: true,
  rule: { ...DEFAULT_DYNAMIC_LOCK.rule, rssiFar: -14, rssiMaxDelta: -10 },
  smoothing: 0.5,
  weakSamples: 3,
};
export const ANA = 1000;
export const BEN = 1001;
export const PHONE_CLASS = 0x5a020c;

export const at = (seconds: number): MonotonicMs => monotonicMs(seconds * 1000);

export const phone = (
  address: string,
  users: readonly number[] = [ANA],
  classOfDevice = PHONE_CLASS,
): PresencePhone => ({
  address,
  name: `phone ${address}`,
  classOfDevice,
  users,
});
export const A = phone('aa:aa:aa:aa:aa:aa');
export const B = phone('bb:bb:bb:bb:bb:bb');

/** @param strength dB on the relative scale; null: the probe failed */
export const sample = (
  seconds: number,
  strength: number | null,
  of: PresencePhone = A,
  more: Partial<PresenceSample> = {},
): DynamicLockEvent => ({
  type: 'presence',
  now: at(seconds),
  presence: {
    type: 'sample',
    at: at(seconds),
    phone: of,
    rssi: strength === null ? null : { scale: 'relative', value: strength },
    source: 'probe',
    reachable: strength !== null,
    ...more,
  },
});
export const hint = (seconds: number, of: PresencePhone = A): DynamicLockEvent =>
  sample(seconds, -3, of, { source: 'hint' });

export const unavailable = (seconds: number, reason: PresenceOutage): DynamicLockEvent => ({
  type: 'presence',
  now: at(seconds),
  presence: { type: 'unavailable', at: at(seconds), reason },
});
export const available = (seconds: number): DynamicLockEvent => ({
  type: 'presence',
  now: at(seconds),
  presence: { type: 'available', at: at(seconds) },
});

/** @param idleSince seconds; null: at the keyboard */
export const session = (idleSince: number | null, more: Partial<Session> = {}): Session => ({
  id: 'c1',
  uid: ANA,
  active: true,
  type: 'wayland',
  person: true,
  remote: false,
  locked: false,
  idle: { idleSinceMs: idleSince === null ? null : at(idleSince), source: 'mock' },
  ...more,
});
export const look = (seconds: number, ...sessions: readonly Session[]): DynamicLockEvent => ({
  type: 'sessions',
  now: at(seconds),
  sessions,
});

export interface Told {
  readonly state: DynamicLockState;
  readonly effects: readonly { readonly seconds: number; readonly effect: DynamicLockEffect }[];
}

/** Tells it everything, in order. */
export function tell(policy: DynamicLockPolicy | null, events: readonly DynamicLockEvent[]): Told {
  let { state } = step(initialState, { type: 'policy', now: at(0), policy });
  const effects: { seconds: number; effect: DynamicLockEffect }[] = [];
  for (const event of events) {
    const next = step(state, event);
    state = next.state;
    effects.push(...next.effects.map((effect) => ({ seconds: event.now / 1000, effect })));
  }
  return { state, effects };
}

/** When somebody was locked, and by what, e.g. `100: 1000 unreachable`. */
export const locksOf = (policy: DynamicLockPolicy | null, events: readonly DynamicLockEvent[]): readonly string[] =>
  tell(policy, events).effects.flatMap(({ seconds, effect }) =>
    effect.type === 'lock' ? [`${seconds}: ${effect.uid} ${effect.reason.reason}`] : [],
  );
