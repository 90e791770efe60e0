/**
 * Which phone is looked at next, and when: only while somebody asks, and no more often than they ask, as every look wakes
 * the phone's radio. One look serves everybody who asks.
 */
import { type Milliseconds, type MonotonicMs, monotonicMs } from '../base/brand.ts';
import type { PresencePhone } from '../hal/presence.ts';
import type { PhoneTrack } from './phone-track.ts';

/** Somebody who asks. */
export interface Asking {
  /** Whose phones; null: everybody's. */
  readonly user: number | null;
  /** Between two looks at one phone. */
  readonly every: Milliseconds;
}

/** A phone of nobody may be taken for anybody's by the rules of the policy. */
const concerns = ({ user }: Asking, { users }: PresencePhone): boolean =>
  user === null || users.length === 0 || users.includes(user);

/** How often a phone is to be looked at; null: nobody asks. */
export function everyFor(phone: PresencePhone, asking: Iterable<Asking>): Milliseconds | null {
  let every: Milliseconds | null = null;
  for (const one of asking) if (concerns(one, phone) && (every === null || one.every < every)) every = one.every;
  return every;
}

export interface NextLook {
  readonly track: PhoneTrack;
  readonly at: MonotonicMs;
}

const NEVER = Number.NEGATIVE_INFINITY;

function dueOf(track: PhoneTrack, asking: Iterable<Asking>): MonotonicMs | null {
  const every = everyFor(track.phone, asking);
  if (every === null) return null;
  const turn = track.lookedAt === null ? NEVER : track.lookedAt + every;
  return monotonicMs(Math.min(turn, track.askedFor ?? Number.POSITIVE_INFINITY));
}

/** Null: nobody asks for any of them. Of those that are due: who was here last, then who waits longest. */
export function nextLook(tracks: Iterable<PhoneTrack>, asking: Iterable<Asking>, now: MonotonicMs): NextLook | null {
  let best: NextLook | null = null;
  for (const track of tracks) {
    const at = dueOf(track, asking);
    if (at === null) continue;
    if (best === null || isBefore({ track, at }, best, now)) best = { track, at };
  }
  return best;
}

function isBefore(a: NextLook, b: NextLook, now: MonotonicMs): boolean {
  if (a.at > now || b.at > now) return a.at < b.at;
  const [ours, theirs] = [a.track.provedAt ?? NEVER, b.track.provedAt ?? NEVER];
  if (ours !== theirs) return ours > theirs;
  return (a.track.lookedAt ?? NEVER) < (b.track.lookedAt ?? NEVER);
}
