/**
 * A time limit over several steps, on the clock that was handed in: a signal for what can be told to stop, and a race
 * for what cannot, such as a device that never answers.
 */
import type { Milliseconds } from './brand.ts';
import type { Clock } from './clock.ts';
import { UnlockdError } from './errors.ts';

export interface Deadline extends Disposable {
  /** Aborts with ERR_HAL_TIMEOUT when the time is over, or with the reason of the caller's own signal. */
  readonly signal: AbortSignal;
  /** Settles as `work`, or rejects with the signal's reason as soon as it aborts; `work` then goes on unobserved. */
  race<T>(work: Promise<T>): Promise<T>;
}

/**
 * Starts a time limit; disposing it stops its timer.
 * @param what what takes the time, for the message
 */
export function startDeadline(
  clock: Clock,
  span: Milliseconds,
  options: { readonly what: string; readonly signal?: AbortSignal | undefined },
): Deadline {
  const over = new AbortController();
  const seconds = Math.round(span / 1000);
  const stop = clock.timer(span, () =>
    over.abort(new UnlockdError('ERR_HAL_TIMEOUT', `${options.what}: not done within ${seconds} s`)),
  );
  const signal = options.signal === undefined ? over.signal : AbortSignal.any([over.signal, options.signal]);
  return { signal, race: (work) => untilAborted(work, signal), [Symbol.dispose]: stop };
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}
