/**
 * Judging one phone by its samples. A rise in strength counts at once and a fall only when it lasts: smoothed downwards,
 * below a threshold of its own, several times in a row. So more presence can never make a phone leave earlier.
 */
import { type MonotonicMs, monotonicMs } from '../../drivers/base/brand.ts';
import type { PresencePhone, PresenceSample } from '../../drivers/hal/presence.ts';
import type { DynamicLockPolicy } from '../policy/dynamic-lock.ts';
import type { Gone, GoneReason, PhoneTrack } from './state.ts';

/** dB, relative scale: what cannot be reached is as weak as this. */
const FLOOR = -128;
const CEILING = 20;
const MAJOR_CLASS = 0x1f00;

export const unseen = (phone: PresencePhone): PhoneTrack => ({
  phone,
  judged: 'unseen',
  smoothed: null,
  best: null,
  weak: 0,
  lastProbe: null,
  reachedAt: null,
  freshUntil: monotonicMs(0),
  gone: null,
});

export const later = (at: MonotonicMs, seconds: number): MonotonicMs => monotonicMs(at + seconds * 1000);
const latest = (a: MonotonicMs, b: MonotonicMs): MonotonicMs => monotonicMs(Math.max(a, b));
const earliest = (a: MonotonicMs, b: MonotonicMs): MonotonicMs => monotonicMs(Math.min(a, b));

/** Whether a phone is of the class that the rule means. An unknown class is none. */
export const isOfClass = ({ classOfDevice }: PresencePhone, { rule }: DynamicLockPolicy): boolean =>
  classOfDevice !== null && (classOfDevice & MAJOR_CLASS) === rule.classOfDevice;

/** The phone has left: at a time, for a reason. */
export function leave(track: PhoneTrack, gone: Gone): PhoneTrack {
  return { ...track, judged: 'gone', weak: 0, best: null, gone };
}

/** Null: its strength is not told on the scale of the rule. dBm never stands in for it. */
function relativeStrength({ rssi, reachable }: PresenceSample): number | null {
  if (!reachable) return FLOOR;
  if (rssi?.scale !== 'relative' || !Number.isFinite(rssi.value)) return null;
  return Math.min(CEILING, Math.max(FLOOR, rssi.value));
}

/** What it has fallen below; null: nothing. */
function weakness(
  smoothed: number,
  best: number | null,
  reachable: boolean,
  { rule }: DynamicLockPolicy,
): { readonly reason: GoneReason; readonly strength: number | null; readonly threshold: number | null } | null {
  if (!reachable) return { reason: 'unreachable', strength: null, threshold: null };
  if (smoothed < rule.rssiFar) return { reason: 'far', strength: smoothed, threshold: rule.rssiFar };
  const fallen = best === null ? null : best + rule.rssiMaxDelta;
  if (fallen !== null && smoothed < fallen) return { reason: 'fell', strength: smoothed, threshold: fallen };
  return null;
}

/** @param at when the sample was taken, checked by the caller: neither in the future nor out of order */
export function probed(
  track: PhoneTrack,
  sample: PresenceSample,
  at: MonotonicMs,
  policy: DynamicLockPolicy,
): PhoneTrack {
  const { reachable, phone } = sample;
  const raw = relativeStrength(sample);
  const fresh: Partial<PhoneTrack> = reachable
    ? { reachedAt: at, freshUntil: latest(track.freshUntil, later(at, policy.staleAfterSeconds)) }
    : {};
  const seen: PhoneTrack = { ...track, phone, lastProbe: at };
  if (raw === null) {
    if (policy.withoutStrength === 'ignored') return seen;
    return { ...seen, ...fresh, judged: 'near', weak: 0, gone: null };
  }
  const before = track.smoothed ?? raw;
  const smoothed = Math.max(raw, policy.smoothing * raw + (1 - policy.smoothing) * before);
  const now: PhoneTrack = { ...seen, ...fresh, smoothed };
  if (track.judged !== 'near') {
    if (!reachable || smoothed < policy.rule.rssiMin) return now;
    return { ...now, judged: 'near', weak: 0, best: smoothed, gone: null };
  }
  const weak = weakness(smoothed, track.best, reachable, policy);
  if (weak === null) return { ...now, weak: 0, best: Math.max(track.best ?? smoothed, smoothed) };
  if (track.weak + 1 < policy.weakSamples) return { ...now, weak: track.weak + 1 };
  return leave(now, { at, ...weak });
}

/** The same phone, near until a time that is at most so many seconds beyond what its last successful probe gave. */
function prolonged(track: PhoneTrack, to: MonotonicMs, beyondSeconds: number, policy: DynamicLockPolicy): PhoneTrack {
  if (track.judged !== 'near' || track.reachedAt === null) return track;
  const bound = later(track.reachedAt, policy.staleAfterSeconds + beyondSeconds);
  return { ...track, freshUntil: latest(track.freshUntil, earliest(to, bound)) };
}

/** A hint prolongs what a probe has said, by so much and no more; it never brings a phone back. */
export const hinted = (track: PhoneTrack, at: MonotonicMs, policy: DynamicLockPolicy): PhoneTrack =>
  prolonged(track, later(at, policy.staleAfterSeconds), policy.hintSeconds, policy);

/**
 * Phones cannot be looked at. Counted from the last successful probe, so a daemon that restarts again and again is
 * waited for no longer than one that restarts once.
 */
export const waitedFor = (track: PhoneTrack, seconds: number, policy: DynamicLockPolicy): PhoneTrack =>
  prolonged(track, monotonicMs(Number.POSITIVE_INFINITY), seconds, policy);
