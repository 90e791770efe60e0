/**
 * One verification of a finger by fprintd: Claim, VerifyStart, what it says, VerifyStop, Release. A status counts only
 * when it is of the reader that was claimed and comes after the reply to our own VerifyStart, until the verification has
 * ended. net.reactivated.Fprint.Device(5).
 */

import { milliseconds } from '../../base/brand.ts';
import type { Clock } from '../../base/clock.ts';
import { startDeadline } from '../../base/deadline.ts';
import { deferred } from '../../base/deferred.ts';
import { isUnlockdError } from '../../base/errors.ts';
import type { RetryReason, VerifyOutcome } from '../../hal/biometric.ts';
import type { BusSignal } from '../dbus/connection.ts';
import { FPRINTD, type FprintdVisit } from './fprintd-visit.ts';
import { isFinger, reasonOf, type VerifyStatus, verifyStatus } from './fprintd-words.ts';

export const DEVICE = `${FPRINTD}.Device`;

/** For VerifyStop and Release together; a reader may take a while to stop. What is lost then, the connection's end does. */
const GIVE_BACK_WITHIN = milliseconds(3000);

type Ended = Exclude<VerifyStatus, { is: 'retry' }>;

/** What fprintd sends, of which only the time of the verification itself is heard. */
export class VerificationSignals {
  readonly #ended = deferred<Ended>();
  readonly #onRetry: ((reason: RetryReason) => void) | undefined;
  #path: string | null = null;
  #finger: string | null = null;

  constructor(onRetry?: (reason: RetryReason) => void) {
    this.#onRetry = onRetry;
    this.#ended.promise.catch(() => undefined);
  }

  /** From now on, of this reader. */
  begin(path: string): void {
    this.#path = path;
  }

  end(): void {
    this.#path = null;
  }

  /** Which finger it is about, where fprintd compares with one alone. */
  get finger(): string | null {
    return this.#finger;
  }

  /** The word that ended it; rejects with the reason of whichever of `signals` aborts before. */
  async ended(signals: readonly AbortSignal[]): Promise<Ended> {
    const any = AbortSignal.any([...signals]);
    const onAbort = () => this.#ended.reject(any.reason);
    if (any.aborted) onAbort();
    any.addEventListener('abort', onAbort, { once: true });
    try {
      return await this.#ended.promise;
    } finally {
      any.removeEventListener('abort', onAbort);
    }
  }

  receive({ path, interface: name, member, body }: BusSignal): void {
    if (this.#path === null || path !== this.#path || name !== DEVICE) return;
    if (member === 'VerifyFingerSelected') this.#finger = isFinger(body[0]) ? body[0] : null;
    if (member !== 'VerifyStatus') return;
    const status = verifyStatus(body);
    if (status.is === 'retry') {
      this.#onRetry?.(status.reason);
      return;
    }
    // The first word is the last: what fprintd says while it is being stopped is not the person's.
    this.end();
    this.#ended.resolve(status);
  }
}

export interface Verification {
  /** Object path of the reader. */
  readonly path: string;
  readonly user: string;
  readonly clock: Clock;
  readonly signals: VerificationSignals;
  /** Aborts when the time is over, or when nobody wants it any more. */
  readonly signal: AbortSignal;
}

/**
 * Claims the reader, has the finger verified, gives the reader back.
 * @throws the reason of `signal`; whatever fprintd does is an outcome
 */
export async function verifyFinger(visit: FprintdVisit, verification: Verification): Promise<VerifyOutcome> {
  const { path, user, signals, signal } = verification;
  const device = { path, interface: DEVICE } as const;
  let claimed = false;
  let running = false;
  try {
    await visit.call({ ...device, member: 'Claim', signature: 's', body: [user] }, { signal });
    claimed = true;
    running = true;
    const onReply = () => signals.begin(path);
    await visit.call({ ...device, member: 'VerifyStart', signature: 's', body: ['any'], onReply }, { signal });
    const status = await signals.ended([signal, visit.over]);
    if (status.is === 'match') return { is: 'match', template: signals.finger };
    if (status.is === 'no-match') return status;
    return { is: 'unavailable', reason: status.reason, detail: status.detail };
  } catch (error) {
    signal.throwIfAborted();
    if (!isUnlockdError(error)) throw error;
    return { is: 'unavailable', reason: reasonOf(error, claimed), detail: error.message };
  } finally {
    signals.end();
    if (claimed) await giveBack(visit, device, running, verification.clock);
  }
}

/** What is refused or lost here is done by the end of the connection, which follows in any case. */
async function giveBack(
  visit: FprintdVisit,
  device: { readonly path: string; readonly interface: string },
  running: boolean,
  clock: Clock,
): Promise<void> {
  using deadline = startDeadline(clock, GIVE_BACK_WITHIN, { what: 'giving the reader back', signal: visit.over });
  for (const member of running ? ['VerifyStop', 'Release'] : ['Release']) {
    await visit.call({ ...device, member }, deadline).catch(() => undefined);
  }
}
