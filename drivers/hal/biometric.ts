/**
 * The biometric seam: readers that say whether a person's finger or face is the enrolled one. The match is made in the
 * reader or in the host's daemon; all that comes back is its word, so a match is a gate and never bound to a key.
 */
import type { Milliseconds } from '../base/brand.ts';

export type Modality = 'fingerprint' | 'face';

export interface BiometricReader {
  /** As the host names it; for messages. */
  readonly name: string;
  readonly modality: Modality;
  /** `press`, `swipe`: how a finger is shown; null: the host does not say. */
  readonly manner: 'press' | 'swipe' | null;
}

/** Why the reader wants another try; closed, so that every one has words. */
export type RetryReason = 'unclear' | 'too-short' | 'not-centered' | 'remove-and-retry' | 'too-fast';

export type VerifyOutcome =
  /** `template`: which enrolled one, in the host's words (`right-index-finger`); null: not told. */
  | { readonly is: 'match'; readonly template: string | null }
  | { readonly is: 'no-match' }
  | {
      readonly is: 'unavailable';
      readonly reason:
        | 'no-reader'
        | 'not-enrolled'
        | 'no-permission'
        | 'busy'
        | 'disconnected'
        | 'timed-out'
        | 'failed';
      readonly detail: string | null;
    };

export interface VerifyOptions {
  readonly modality: Modality;
  /** Login name of the person, as the host knows it. */
  readonly user: string;
  readonly within: Milliseconds;
  /** Called for every retry that the reader asks for; must not throw. */
  readonly onRetry?: (reason: RetryReason) => void;
  readonly signal: AbortSignal;
}

/**
 * Contract for implementers:
 * - A reader is claimed for one verification and given back on every path: match, no match, error, abort.
 * - Only what the host's daemon itself said between the begin and the end of this verification counts.
 * - `verify` throws nothing but the reason of `signal`.
 */
export interface BiometricHal extends AsyncDisposable {
  /** `fprintd`, `Windows Biometric Framework`, `mock`. */
  readonly name: string;
  readonly simulated: boolean;
  /** @throws {ERR_HAL_NOT_FOUND | ERR_HAL_DISCONNECTED | ERR_HAL_TIMEOUT | ERR_HAL_PERMISSION | ERR_HAL_IO | ERR_HAL_ANSWER_INVALID} */
  readers(options: { readonly signal: AbortSignal }): Promise<readonly BiometricReader[]>;
  /** What is enrolled for this user, in the host's words. @throws as {@link readers} */
  enrolled(user: string, modality: Modality, options: { readonly signal: AbortSignal }): Promise<readonly string[]>;
  verify(options: VerifyOptions): Promise<VerifyOutcome>;
}
