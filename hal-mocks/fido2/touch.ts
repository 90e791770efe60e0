/**
 * Who touches. A test or a scenario touches through the operator seam (drivers/hal/operator.ts) or by hand; touching
 * by itself is an option of the program that starts the authenticator, and never the default.
 */
import type { Milliseconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import type { OperatorHal } from '../../drivers/hal/operator.ts';
import type { InProcessHid } from './in-process-hid.ts';
import type { VirtualAuthenticator } from './virtual-authenticator.ts';

/** Touches `delay` after each time the authenticator begins to wait. Returns what stops it. */
export function touchAutomatically(authenticator: VirtualAuthenticator, clock: Clock, delay: Milliseconds): () => void {
  let stopTimer: () => void = () => undefined;
  const stopListening = authenticator.presence.onWait(() => {
    stopTimer();
    stopTimer = clock.timer(delay, () => authenticator.touch());
  });
  return () => {
    stopListening();
    stopTimer();
  };
}

/** The finger that is shown where nothing else is said: also the first one to be enrolled. */
export const FIRST_FINGER = 'finger-1';

/** Puts an enrolled finger (or {@link FIRST_FINGER}) on the reader `delay` after each time it is wanted. Returns what stops it. */
export function showFingerAutomatically(
  authenticator: VirtualAuthenticator,
  clock: Clock,
  delay: Milliseconds,
): () => void {
  let stopTimer: () => void = () => undefined;
  const stopListening = authenticator.reader.onWait(() => {
    stopTimer();
    stopTimer = clock.timer(delay, () => {
      authenticator.reader.show(authenticator.state.templates[0]?.finger ?? FIRST_FINGER);
    });
  });
  return () => {
    stopListening();
    stopTimer();
  };
}

/** Waits until the authenticator wants a touch, then touches. @throws the signal's reason */
export function touchWhenWanted(
  authenticator: VirtualAuthenticator,
  { signal }: { signal: AbortSignal },
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    if (authenticator.touch()) {
      resolve();
      return;
    }
    const end = () => {
      stopListening();
      signal.removeEventListener('abort', onAbort);
    };
    const onAbort = () => {
      end();
      reject(signal.reason);
    };
    const stopListening = authenticator.presence.onWait(() => {
      end();
      authenticator.touch();
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** The virtual operator of one authenticator in a mock machine. */
export class VirtualKeyOperator implements OperatorHal {
  readonly #authenticator: VirtualAuthenticator;
  readonly #hid: InProcessHid;

  constructor(authenticator: VirtualAuthenticator, hid: InProcessHid) {
    this.#authenticator = authenticator;
    this.#hid = hid;
  }

  async touch(options: { signal: AbortSignal }): Promise<void> {
    await touchWhenWanted(this.#authenticator, options);
  }

  /** @throws {ERR_HAL_NOT_FOUND} */
  async insert(device: string, { signal }: { signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    this.#hid.insert(device);
  }

  /** @throws {ERR_HAL_NOT_FOUND} */
  async remove(device: string, { signal }: { signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    this.#hid.remove(device);
  }
}
