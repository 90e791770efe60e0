/** What is known of all phones as one signal of the kind `bluetooth`, and why there may be nothing to know. */
import { type Milliseconds, type MonotonicMs, milliseconds, monotonicMs } from '../base/brand.ts';
import { OUTAGE_COUNTS_FOR } from '../base/settling.ts';
import type { BluetoothEvent, ProbeFailure } from '../hal/bluetooth.ts';
import type { PresenceOutage } from '../hal/presence.ts';
import type { SurroundingSignal, UnavailableReason } from '../signal.ts';
import { changesAt, countsFor, deviceOf, type PhoneTrack, type ProofTimes } from './phone-track.ts';

type HostOutage = Extract<BluetoothEvent, { type: 'unavailable' }>['reason'];

/** Why no phone can be looked at. */
export interface PhonesOutage {
  readonly reason: UnavailableReason;
  readonly detail: string;
  readonly presence: PresenceOutage;
}

const OUTAGES: Readonly<Record<HostOutage, PhonesOutage>> = {
  'no-adapter': { reason: 'no-device', detail: 'there is no Bluetooth adapter', presence: 'radio-off' },
  'radio-off': { reason: 'no-device', detail: 'Bluetooth is switched off', presence: 'radio-off' },
  'daemon-gone': { reason: 'failed', detail: 'the Bluetooth daemon is not running', presence: 'daemon-gone' },
  'no-permission': { reason: 'no-permission', detail: 'Bluetooth may not be used', presence: 'no-permission' },
  'no-driver': { reason: 'no-driver', detail: 'nothing here drives Bluetooth', presence: 'no-driver' },
  failed: { reason: 'failed', detail: 'Bluetooth failed', presence: 'failed' },
};

export const outageOf = (reason: HostOutage): PhonesOutage => OUTAGES[reason];

/** What a failed probe says of the host rather than of the phone; null: nothing. */
export function troubleOf(reason: ProbeFailure, detail: string | null): PhonesOutage | null {
  if (reason !== 'radio-off' && reason !== 'no-permission' && reason !== 'failed') return null;
  const known = OUTAGES[reason];
  return detail === null ? known : { ...known, detail };
}

export interface PhonesKnown {
  readonly source: string;
  readonly simulated: boolean;
  readonly outage: PhonesOutage | null;
  readonly tracks: readonly PhoneTrack[];
}

/** What counts at `now`. */
export function signalOf(
  { source, simulated, outage, tracks }: PhonesKnown,
  now: MonotonicMs,
  times: ProofTimes,
): SurroundingSignal {
  const base = { kind: 'bluetooth', source, simulated, observedAt: now } as const;
  if (outage !== null) {
    const { reason, detail } = outage;
    return { ...base, validFor: OUTAGE_COUNTS_FOR, state: 'unavailable', reason, detail };
  }
  const [first] = tracks;
  if (first !== undefined && tracks.every(({ unsupported }) => unsupported !== null)) {
    const detail = first.unsupported ?? '';
    return { ...base, validFor: OUTAGE_COUNTS_FOR, state: 'unavailable', reason: 'unsupported', detail };
  }
  let validFor: Milliseconds = times.validFor;
  // The signal counts as long as the oldest of its proofs.
  for (const track of tracks) validFor = milliseconds(Math.min(validFor, countsFor(track, now, times) ?? validFor));
  const devices = tracks.map((track) => deviceOf(track, now, times));
  return { ...base, validFor, state: 'observed', observation: { devices } };
}

/** When the signal changes though nothing happens; null: it does not. */
export function signalChangesAt(
  { outage, tracks }: PhonesKnown,
  now: MonotonicMs,
  times: ProofTimes,
): MonotonicMs | null {
  if (outage !== null) return null;
  let first: number | null = null;
  for (const track of tracks) {
    const at = changesAt(track, now, times);
    if (at !== null) first = Math.min(first ?? at, at);
  }
  return first === null ? null : monotonicMs(first);
}
