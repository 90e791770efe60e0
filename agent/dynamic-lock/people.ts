/**
 * People, their sessions and their phones: who is idle since when, and whose phones have all gone. A session that gets no
 * input (another one is in front, or it is locked) cannot be in use; a session whose host cannot tell is in use.
 */
import { type MonotonicMs, monotonicMs } from '../../drivers/base/brand.ts';
import type { Session } from '../../drivers/hal/session.ts';
import type { DynamicLockPolicy } from '../policy/dynamic-lock.ts';
import { isOfClass } from './phones.ts';
import type { DynamicLockState, Gone, PhoneTrack, SeenSession } from './state.ts';

const MAX_SESSIONS = 256;

/** Only where a person sits at this machine: neither greeters nor logins over the network. */
const counts = ({ person, remote }: Session): boolean => person && !remote;

/** The sessions as read just now; since when each was aside is kept. */
export function sessionsSeen(state: DynamicLockState, sessions: readonly Session[]): ReadonlyMap<string, SeenSession> {
  const seen = new Map<string, SeenSession>();
  for (const session of sessions.slice(0, MAX_SESSIONS)) {
    if (!counts(session)) continue;
    const before = state.sessions.get(session.id);
    const aside = !session.active || session.locked === true;
    const since = before?.session.uid === session.uid ? (before.asideSince ?? state.now) : state.now;
    seen.set(session.id, { session, asideSince: aside ? since : null });
  }
  return seen;
}

export const sessionsOf = (state: DynamicLockState, uid: number): readonly SeenSession[] =>
  [...state.sessions.values()].filter(({ session }) => session.uid === uid);

export const usersOf = (state: DynamicLockState): readonly number[] => [
  ...new Set([...state.sessions.values()].map(({ session }) => session.uid)),
];

/** Since when a person has been away from keyboard and mouse; null: is not, or that is not known. */
export function idleSince(state: DynamicLockState, uid: number): MonotonicMs | null {
  let since: number | null = null;
  for (const { session, asideSince } of sessionsOf(state, uid)) {
    const own = session.idle.idleSinceMs ?? asideSince;
    if (own === null || !Number.isFinite(own)) return null;
    since = Math.max(since ?? Number.NEGATIVE_INFINITY, own);
  }
  return since === null ? null : monotonicMs(Math.min(since, state.now));
}

/** The phones that count for a person: their own; where they have none and the policy says so, those of nobody. */
export function phonesOf(state: DynamicLockState, uid: number, policy: DynamicLockPolicy): readonly PhoneTrack[] {
  const all = [...state.phones.values()].filter(({ phone }) => isOfClass(phone, policy));
  const own = all.filter(({ phone }) => phone.users.includes(uid));
  if (own.length > 0 || policy.unboundPhones === 'ignored') return own;
  return all.filter(({ phone }) => phone.users.length === 0);
}

export type Absence =
  /** No phone of theirs was ever near: nothing follows from that. */
  | { readonly presence: 'never-seen' }
  | { readonly presence: 'near' }
  /** `last`: the phone that stayed longest. */
  | { readonly presence: 'away'; readonly last: PhoneTrack; readonly gone: Gone };

/** One phone near is enough to be present. */
export function absenceOf(state: DynamicLockState, uid: number, policy: DynamicLockPolicy): Absence {
  let last: { readonly track: PhoneTrack; readonly gone: Gone } | null = null;
  for (const track of phonesOf(state, uid, policy)) {
    const { judged, departure } = track.proximity;
    if (judged === 'near') return { presence: 'near' };
    if (departure !== null && (last === null || departure.at > last.gone.at)) last = { track, gone: departure };
  }
  return last === null ? { presence: 'never-seen' } : { presence: 'away', last: last.track, gone: last.gone };
}
