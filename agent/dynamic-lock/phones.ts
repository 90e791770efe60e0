/**
 * What a policy makes of one phone's samples: the settings as a rule for the judgement of proximity, and how long a hint
 * or an outage speaks for a phone that no probe reaches.
 */
import { type MonotonicMs, monotonicMs, seconds } from '../../drivers/base/brand.ts';
import {
  onScale,
  type ProximityRule,
  prolonged,
  sampled,
  unknownProximity,
} from '../../drivers/bluetooth/proximity.ts';
import type { PresencePhone, PresenceSample } from '../../drivers/hal/presence.ts';
import type { DynamicLockPolicy } from '../policy/dynamic-lock.ts';
import type { PhoneTrack } from './state.ts';

const MAJOR_CLASS = 0x1f00;

/** Strengths are told in dB: dBm never stands in for it. */
const ruleOf = ({ rule, ...policy }: DynamicLockPolicy): ProximityRule<'relative'> => ({
  scale: 'relative',
  near: rule.rssiMin,
  far: rule.rssiFar,
  maxFall: rule.rssiMaxDelta,
  smoothing: policy.smoothing,
  weakSamples: policy.weakSamples,
  staleAfter: seconds(policy.staleAfterSeconds),
  withoutStrength: policy.withoutStrength,
});

export const unseen = (phone: PresencePhone, policy: DynamicLockPolicy): PhoneTrack => ({
  phone,
  proximity: unknownProximity(ruleOf(policy)),
});

export const later = (at: MonotonicMs, seconds: number): MonotonicMs => monotonicMs(at + seconds * 1000);

/** Whether a phone is of the class that the rule means. An unknown class is none. */
export const isOfClass = ({ classOfDevice }: PresencePhone, { rule }: DynamicLockPolicy): boolean =>
  classOfDevice !== null && (classOfDevice & MAJOR_CLASS) === rule.classOfDevice;

/** @param at when the sample was taken, checked by the caller: not in the future */
export const probed = (
  track: PhoneTrack,
  { phone, reachable, rssi }: PresenceSample,
  at: MonotonicMs,
  policy: DynamicLockPolicy,
): PhoneTrack => ({
  phone,
  proximity: sampled(track.proximity, { at, reachable, rssi: onScale(rssi, 'relative') }, ruleOf(policy)),
});

/** The same phone, near until a time that is at most so many seconds beyond what its last successful probe gave. */
function heldNear(track: PhoneTrack, to: MonotonicMs, beyondSeconds: number, policy: DynamicLockPolicy): PhoneTrack {
  const { proximity } = track;
  if (proximity.reachedAt === null) return track;
  const bound = later(proximity.reachedAt, policy.staleAfterSeconds + beyondSeconds);
  return { ...track, proximity: prolonged(proximity, monotonicMs(Math.min(to, bound))) };
}

/** A hint prolongs what a probe has said, by so much and no more; it never brings a phone back. */
export const hinted = (track: PhoneTrack, at: MonotonicMs, policy: DynamicLockPolicy): PhoneTrack =>
  heldNear(track, later(at, policy.staleAfterSeconds), policy.hintSeconds, policy);

/**
 * Phones cannot be looked at. Counted from the last successful probe, so a daemon that restarts again and again is
 * waited for no longer than one that restarts once.
 */
export const waitedFor = (track: PhoneTrack, seconds: number, policy: DynamicLockPolicy): PhoneTrack =>
  heldNear(track, monotonicMs(Number.POSITIVE_INFINITY), seconds, policy);
