/**
 * The presence seam: what a Bluetooth driver tells of the phones of this machine, as a stream, for who has to notice
 * that one leaves. Nothing here can satisfy a factor: an unlock asks for a proof of its own.
 */
import type { MonotonicMs } from '../base/brand.ts';
import type { AnyRssi } from './rssi.ts';

/** Which phone: pinned when it was enrolled, as in `BluetoothDevice`. */
export interface PresencePhone {
  /** Bonded identity address, `aa:bb:cc:dd:ee:ff`. */
  readonly address: string;
  readonly name: string | null;
  /** 24-bit Class of Device. */
  readonly classOfDevice: number | null;
  /** The bond that it was enrolled with, as in `BondedDevice`; null or left out: it was not told then. */
  readonly bond?: string | null;
  /** Numeric ids of the users that it was enrolled for; empty: only paired with the machine. */
  readonly users: readonly number[];
}

/** One look at one phone. */
export interface PresenceSample {
  readonly type: 'sample';
  readonly at: MonotonicMs;
  readonly phone: PresencePhone;
  /** `relative`: dB below the golden receive range, 0 and less; `dBm`: absolute. Null: the link does not tell. */
  readonly rssi: AnyRssi | null;
  /** `probe`: a link was made, or could not be made. `hint`: something like it was heard, which anybody can send. */
  readonly source: 'probe' | 'hint';
  readonly reachable: boolean;
}

/** Why no phone can be looked at. */
export type PresenceOutage = 'radio-off' | 'daemon-gone' | 'no-permission' | 'no-driver' | 'failed';

export type PresenceEvent =
  | PresenceSample
  | { readonly type: 'unavailable'; readonly at: MonotonicMs; readonly reason: PresenceOutage }
  | { readonly type: 'available'; readonly at: MonotonicMs };

export interface PresenceHal {
  /** How it names itself in status. */
  readonly name: string;
  /** Comes from `hal-mocks`. */
  readonly simulated: boolean;
  /** Probes every phone each `everyMs` milliseconds until `signal` aborts. Never throws for hardware reasons. */
  watch(options: { readonly everyMs: number; readonly signal: AbortSignal }): AsyncIterable<PresenceEvent>;
  /** Probes one phone out of its turn; the result comes over `watch`. */
  probe(address: string): void;
}
