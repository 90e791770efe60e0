/**
 * The advertisement seam: what is heard on the air of Bluetooth LE, in batches of raw reports. Whoever sends one can write
 * into it what they like: a report is a hint that it may be worth asking somebody, and proves nothing.
 */
import type { MonotonicMs } from '../base/brand.ts';

export type AdvertisementEvent =
  | { readonly type: 'available'; readonly at: MonotonicMs }
  /** Nothing is heard until `available`. */
  | {
      readonly type: 'unavailable';
      readonly at: MonotonicMs;
      readonly reason: 'no-package' | 'radio-off' | 'no-permission' | 'failed';
      /** For people. */
      readonly detail: string | null;
    }
  /**
   * `reports`: 8 bytes each. Bytes 0-5: the address, most significant first; byte 6: its type, 0 public, 1 random; byte 7:
   * strength as a signed byte, dBm, 127: not known. The buffer is the receiver's.
   */
  | { readonly type: 'reports'; readonly at: MonotonicMs; readonly reports: Uint8Array };

export interface AdvertisementHal {
  /** How it names itself in status: `noble`, `mock`. */
  readonly name: string;
  readonly simulated: boolean;
  /**
   * What is heard from now on, until `signal` aborts (then it returns). Begins with `available` or `unavailable`, and never
   * throws for hardware reasons. A receiver that is slow loses reports, the oldest first. One watch at a time.
   */
  watch(options: { readonly signal: AbortSignal }): AsyncIterable<AdvertisementEvent>;
}
