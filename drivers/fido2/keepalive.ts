/** What an authenticator says while it works (CTAP 2.1 §11.2.9.1.7), as words, and the timing of a channel. */
import { type Milliseconds, milliseconds, seconds } from '../base/brand.ts';

/** `processing`, `user presence needed` (touch it), or a status byte that the specification does not name. */
export type KeepaliveStatus = 'processing' | 'user-presence-needed' | `unknown-${number}`;

export interface ChannelTiming {
  /** For CTAPHID_INIT altogether. */
  readonly init: Milliseconds;
  /** For an operation without a person, BUSY retries included, where the caller names no budget. */
  readonly operation: Milliseconds;
  /**
   * Longest silence on the channel while an answer is awaited. Keep-alives come every 100 ms; some firmwares stay
   * silent through a whole public-key operation.
   */
  readonly idle: Milliseconds;
  /** After CTAPHID_CANCEL: how long the answer to what was cancelled is awaited before the channel counts as unusable. */
  readonly drain: Milliseconds;
  /** First pause after CHANNEL_BUSY. It doubles up to {@link busyMost}; each pause is drawn from its upper half. */
  readonly busyFirst: Milliseconds;
  readonly busyMost: Milliseconds;
}

export const DEFAULT_TIMING: ChannelTiming = {
  init: seconds(3),
  operation: seconds(10),
  idle: seconds(3),
  drain: seconds(2),
  busyFirst: milliseconds(50),
  busyMost: milliseconds(800),
};
