/**
 * Whether one device is near, by the samples of its strength: a pure function of what was known and what was measured.
 * A rise counts at once; a fall is smoothed, has a threshold of its own and has to last several samples. So more presence
 * never makes a device leave earlier (but by `maxFall`, which is measured from the best). It proves nothing: who was
 * measured is for a probe to say. Bluetooth Core, HCI Read RSSI; Windows: `rssiMin`, `rssiMaxDelta`.
 */
import { type Milliseconds, type MonotonicMs, monotonicMs } from '../base/brand.ts';
import type { AnyRssi, Rssi, RssiScale } from '../hal/rssi.ts';

/** What is believed of a strength, dB or dBm: a device that says more or less than any radio can is cut to it. */
const STRONGEST = 20;
const WEAKEST = -128;

/** `in out`: of one scale exactly, so that a rule in dB never judges samples in dBm. */
export interface ProximityRule<in out S extends RssiScale> {
  readonly scale: S;
  /** At least this strong is near. */
  readonly near: number;
  /** At most `near`: what was near is weak only below this. */
  readonly far: number;
  /** dB, 0 or less: weaker than the best since it was judged near by more than this is weak; null: that does not matter. */
  readonly maxFall: number | null;
  /** Weight of the newest sample when the strength falls, above 0, at most 1. */
  readonly smoothing: number;
  /** Weak samples in a row, unreachable ones among them, after which it is far. */
  readonly weakSamples: number;
  /** Without a sample that reached it for this long, it is far. */
  readonly staleAfter: Milliseconds;
  /** A device that answers, and whose strength is not told on this scale. */
  readonly withoutStrength: 'near' | 'ignored';
}

/** One measurement. */
export interface ProximitySample<in out S extends RssiScale> {
  readonly at: MonotonicMs;
  /** Whether there was a link at all. */
  readonly reachable: boolean;
  /** Null: not told, or not on this scale ({@link onScale}). */
  readonly rssi: Rssi<S> | null;
}

/** Why a device is far that was near; `stale`: nothing was heard of it for too long. */
export type FarReason = 'far' | 'fell' | 'unreachable' | 'stale';

export interface Departure<R extends string = FarReason> {
  readonly at: MonotonicMs;
  readonly reason: R;
  /** Smoothed; null: the reason is no strength. */
  readonly strength: number | null;
  /** What it fell below, likewise. */
  readonly threshold: number | null;
}

/** What is known of one device; plain data. `R`: further reasons for its leaving, of whoever calls {@link left}. */
export interface Proximity<in out S extends RssiScale, R extends string = FarReason> {
  /** `unknown`: neither near nor weak for long enough since this began. */
  readonly judged: 'near' | 'far' | 'unknown';
  /** Smoothed; null: never measured, or not reached the last time. */
  readonly strength: Rssi<S> | null;
  /** Best smoothed strength since it was judged near; null: it is not near, or its strength is not told. */
  readonly best: Rssi<S> | null;
  /** Weak samples in a row. */
  readonly weak: number;
  readonly sampledAt: MonotonicMs | null;
  /** When a sample last reached it. */
  readonly reachedAt: MonotonicMs | null;
  /** Until when it is near without another sample; the past when it never was. */
  readonly freshUntil: MonotonicMs;
  /** How it left when it last did; null: it is near, or never was. */
  readonly departure: Departure<FarReason | R> | null;
}

/** Of a device that nothing is known of: at the start, after a suspend, when the radio was switched off. */
export const unknownProximity = <S extends RssiScale, R extends string = FarReason>(
  _rule: ProximityRule<S>,
): Proximity<S, R> => ({
  judged: 'unknown',
  strength: null,
  best: null,
  weak: 0,
  sampledAt: null,
  reachedAt: null,
  freshUntil: monotonicMs(Number.NEGATIVE_INFINITY),
  departure: null,
});

/** The strength, where it is told on that scale; null: it is not. The one way from a reading of any scale to a rule. */
export function onScale<S extends RssiScale>(rssi: AnyRssi | null, scale: S): Rssi<S> | null {
  return rssi?.scale === scale && Number.isFinite(rssi.value) ? { scale, value: rssi.value } : null;
}

const later = (at: MonotonicMs, span: Milliseconds): MonotonicMs => monotonicMs(at + span);
const latest = (a: MonotonicMs, b: MonotonicMs): MonotonicMs => monotonicMs(Math.max(a, b));

/** It has left, at a time and for a reason that the samples need not know of. */
export function left<S extends RssiScale, R extends string>(
  before: Proximity<S, R>,
  departure: Departure<FarReason | NoInfer<R>>,
): Proximity<S, R> {
  return { ...before, judged: 'far', weak: 0, best: null, departure };
}

/** What a reachable device has fallen below; null: nothing. */
function weakness<S extends RssiScale>(
  strength: number,
  best: Rssi<S> | null,
  rule: ProximityRule<S>,
): Omit<Departure, 'at'> | null {
  if (strength < rule.far) return { reason: 'far', strength, threshold: rule.far };
  const threshold = best === null || rule.maxFall === null ? null : best.value + rule.maxFall;
  return threshold !== null && strength < threshold ? { reason: 'fell', strength, threshold } : null;
}

function smoothed<S extends RssiScale>(before: Rssi<S> | null, rssi: Rssi<S>, rule: ProximityRule<S>): Rssi<S> {
  const raw = Math.min(STRONGEST, Math.max(WEAKEST, rssi.value));
  const fallen = rule.smoothing * raw + (1 - rule.smoothing) * (before?.value ?? raw);
  return { scale: rule.scale, value: Math.max(raw, fallen) };
}

function weaker<S extends RssiScale, R extends string>(
  now: Proximity<S, R>,
  rule: ProximityRule<S>,
  why: Departure,
): Proximity<S, R> {
  const weak = Math.min(now.weak + 1, rule.weakSamples);
  if (weak < rule.weakSamples) return { ...now, weak };
  // What was never near has nothing to leave.
  return now.judged === 'near' ? left(now, why) : { ...now, judged: 'far', weak };
}

/**
 * What is known after one more sample. A sample that is no later than the last one changes nothing: a cached reading,
 * told again, is no presence.
 */
export function sampled<S extends RssiScale, R extends string = FarReason>(
  before: Proximity<NoInfer<S>, R>,
  sample: ProximitySample<NoInfer<S>>,
  rule: ProximityRule<S>,
): Proximity<S, R> {
  const { at, reachable, rssi } = sample;
  if (!Number.isFinite(at) || at <= (before.sampledAt ?? Number.NEGATIVE_INFINITY)) return before;
  const seen: Proximity<S, R> = { ...before, sampledAt: at };
  if (!reachable) {
    // What comes after is not smoothed with what was before: an absence is the weakest strength there is.
    return weaker({ ...seen, strength: null }, rule, { at, reason: 'unreachable', strength: null, threshold: null });
  }
  const measured = onScale(rssi as AnyRssi | null, rule.scale);
  if (measured === null && rule.withoutStrength === 'ignored') return seen;
  const reached: Proximity<S, R> = {
    ...seen,
    reachedAt: at,
    freshUntil: latest(before.freshUntil, later(at, rule.staleAfter)),
  };
  if (measured === null) return { ...reached, judged: 'near', weak: 0, departure: null };
  const strength = smoothed(before.strength, measured, rule);
  const now: Proximity<S, R> = { ...reached, strength };
  if (before.judged !== 'near') {
    if (strength.value >= rule.near) return { ...now, judged: 'near', weak: 0, best: strength, departure: null };
    const far = weakness(strength.value, null, rule);
    return far === null ? { ...now, weak: 0 } : weaker(now, rule, { at, ...far });
  }
  const weak = weakness(strength.value, before.best, rule);
  if (weak !== null) return weaker(now, rule, { at, ...weak });
  const best = before.best !== null && before.best.value > strength.value ? before.best : strength;
  return { ...now, weak: 0, best };
}

/** What is true at a time, without another sample: a device that was near and is not heard of any more is far. */
export function proximityAt<S extends RssiScale, R extends string>(
  before: Proximity<S, R>,
  now: MonotonicMs,
): Proximity<S, R> {
  if (before.judged !== 'near' || before.freshUntil > now) return before;
  return left(before, { at: before.freshUntil, reason: 'stale', strength: null, threshold: null });
}

/** Near for longer than its samples say, where something else speaks for it: a hint, a radio that restarts. */
export function prolonged<S extends RssiScale, R extends string>(
  before: Proximity<S, R>,
  until: MonotonicMs,
): Proximity<S, R> {
  return before.judged === 'near' ? { ...before, freshUntil: latest(before.freshUntil, until) } : before;
}
