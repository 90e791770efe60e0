/**
 * What is known of one enrolled phone, as plain data: when it last proved itself, from when that is told, and how strong
 * its link was. A loss counts at once, a gain when it has settled, and a proof for seconds only. The class is the one
 * that was pinned when the phone was enrolled: what is heard on the air is forgeable.
 */
import { type Milliseconds, type MonotonicMs, milliseconds, monotonicMs, seconds } from '../base/brand.ts';
import type { PresencePhone } from '../hal/presence.ts';
import type { AnyRssi, RssiScale } from '../hal/rssi.ts';
import type { BluetoothDevice } from '../observation.ts';
import { onScale, type Proximity, type ProximityRule, proximityAt, sampled, unknownProximity } from './proximity.ts';

/** How strengths are judged, on each scale by its own rule. */
export type PhoneRules = { readonly [S in RssiScale]: ProximityRule<S> };

/**
 * For who does not say: in dB as the Windows rules have it, in dBm what those 10 dB below the golden range are to a
 * receiver whose range ends at about -60.
 */
export const DEFAULT_PHONE_RULES: PhoneRules = {
  relative: {
    scale: 'relative',
    near: -10,
    far: -14,
    maxFall: -10,
    smoothing: 0.6,
    weakSamples: 3,
    staleAfter: seconds(60),
    withoutStrength: 'ignored',
  },
  dBm: {
    scale: 'dBm',
    near: -70,
    far: -75,
    maxFall: -10,
    smoothing: 0.6,
    weakSamples: 3,
    staleAfter: seconds(60),
    withoutStrength: 'ignored',
  },
};

/** On the one scale that its link is measured on. */
type Strength = { readonly [S in RssiScale]: { readonly scale: S; readonly proximity: Proximity<S> } }[RssiScale];

export interface PhoneTrack {
  readonly phone: PresencePhone;
  /** When it last proved itself; null: it did not, or that is void. */
  readonly provedAt: MonotonicMs | null;
  /** From when on its proofs are told. */
  readonly toldFrom: MonotonicMs;
  readonly strength: Strength | null;
  /** When the last look at it ended; null: none yet. */
  readonly lookedAt: MonotonicMs | null;
  /** When it is to be looked at out of its turn; null: it is not. */
  readonly askedFor: MonotonicMs | null;
  /** Why this host cannot look at it at all, in words; null: it can, as far as is known. */
  readonly unsupported: string | null;
}

/** How long proofs count, and when they are told. */
export interface ProofTimes {
  readonly validFor: Milliseconds;
  readonly settle: Milliseconds;
}

export const newTrack = (phone: PresencePhone): PhoneTrack => ({
  phone,
  provedAt: null,
  toldFrom: monotonicMs(Number.POSITIVE_INFINITY),
  strength: null,
  lookedAt: null,
  askedFor: null,
  unsupported: null,
});

/** Whether its proof counts at `now`, told or not yet. */
export const isProof = ({ provedAt }: PhoneTrack, now: MonotonicMs, validFor: Milliseconds): boolean =>
  provedAt !== null && now - provedAt < validFor;

function judged<S extends RssiScale>(
  before: Proximity<S> | null,
  at: MonotonicMs,
  rssi: AnyRssi | null,
  rule: ProximityRule<S>,
): Proximity<S> {
  // What was long ago is not smoothed with what is now.
  const stale = before?.sampledAt == null || at - before.sampledAt > rule.staleAfter;
  const known = stale || before === null ? unknownProximity<S>(rule) : before;
  return sampled<S>(known, { at, reachable: true, rssi: onScale(rssi, rule.scale) }, rule);
}

function strengthAfter(
  before: Strength | null,
  at: MonotonicMs,
  rssi: AnyRssi | null,
  rules: PhoneRules,
): Strength | null {
  const scale = rssi?.scale ?? before?.scale;
  if (scale === 'relative') {
    const known = before?.scale === 'relative' ? before.proximity : null;
    return { scale, proximity: judged(known, at, rssi, rules.relative) };
  }
  if (scale === 'dBm') {
    const known = before?.scale === 'dBm' ? before.proximity : null;
    return { scale, proximity: judged(known, at, rssi, rules.dBm) };
  }
  return null;
}

/** It has proved itself. */
export function proved(
  track: PhoneTrack,
  at: MonotonicMs,
  rssi: AnyRssi | null,
  rules: PhoneRules,
  { validFor, settle }: ProofTimes,
): PhoneTrack {
  const again = isProof(track, at, validFor);
  return {
    ...track,
    provedAt: at,
    toldFrom: again ? track.toldFrom : monotonicMs(at + settle),
    strength: strengthAfter(track.strength, at, rssi, rules),
    lookedAt: at,
    askedFor: null,
    unsupported: null,
  };
}

/** Its proof is void: it did not answer, or its link went down. What was known of its strength goes with it. */
export const lost = (track: PhoneTrack): PhoneTrack => ({
  ...track,
  provedAt: null,
  toldFrom: monotonicMs(Number.POSITIVE_INFINITY),
  strength: null,
});

const rounded = (value: number): number => Math.round(value * 10) / 10;

const isTold = (track: PhoneTrack, now: MonotonicMs, validFor: Milliseconds): boolean =>
  isProof(track, now, validFor) && now >= track.toldFrom;

function bestAt(strength: Strength, now: MonotonicMs): number | null {
  const best =
    strength.scale === 'relative'
      ? proximityAt(strength.proximity, now).best
      : proximityAt(strength.proximity, now).best;
  return best === null ? null : rounded(best.value);
}

/** The phone as it is told. Without a proof that counts nothing is said of its strength either. */
export function deviceOf(track: PhoneTrack, now: MonotonicMs, { validFor }: ProofTimes): BluetoothDevice {
  const { address, name, classOfDevice, users } = track.phone;
  const device = { address, name, classOfDevice, users, proved: false, rssi: null, rssiBest: null };
  if (!isTold(track, now, validFor)) return device;
  const { strength } = track;
  const measured = strength?.proximity.strength ?? null;
  if (strength === null || measured === null) return { ...device, proved: true };
  const rssi = { scale: measured.scale, value: rounded(measured.value) };
  return { ...device, proved: true, rssi, rssiBest: bestAt(strength, now) };
}

/** When what is told of it changes without anything happening; null: it does not. */
export function changesAt(track: PhoneTrack, now: MonotonicMs, { validFor }: ProofTimes): MonotonicMs | null {
  const { provedAt, toldFrom } = track;
  if (provedAt === null || !isProof(track, now, validFor)) return null;
  return toldFrom > now ? toldFrom : monotonicMs(provedAt + validFor);
}

/** For how long what is told of it counts from `now` on; null: there is no proof that ends. */
export function countsFor(track: PhoneTrack, now: MonotonicMs, { validFor }: ProofTimes): Milliseconds | null {
  if (track.provedAt === null || !isTold(track, now, validFor)) return null;
  return milliseconds(track.provedAt + validFor - now);
}
