/**
 * From a signal to a graceful stop: SIGTERM and SIGINT begin it, a second one or the deadline ends it. The stop itself
 * (forget keys, cancel ceremonies, close the socket) is handed in; this file only sees that the process does end.
 */
import type { Milliseconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';

export type StopSignal = 'SIGTERM' | 'SIGINT';

/** Where signals come from: `process`, or an emitter in a test. */
export interface SignalSource {
  on(signal: StopSignal, listener: () => void): unknown;
  removeListener(signal: StopSignal, listener: () => void): unknown;
}

export interface StopOptions {
  readonly source: SignalSource;
  readonly clock: Clock;
  /** From the first signal to giving up; less than the service manager's own TimeoutStopSec. */
  readonly deadline: Milliseconds;
  /** The graceful stop. `signal` aborts when there is no time left for it. */
  readonly stop: (options: { signal: AbortSignal }) => Promise<void>;
}

const SIGNALS: readonly StopSignal[] = ['SIGTERM', 'SIGINT'];

/**
 * Waits for the first signal, then stops.
 * @returns once `stop` has finished
 * @throws {ERR_DAEMON_STOP_TIMEOUT} on the deadline or a second signal; and whatever `stop` throws
 */
export async function stopOnSignal(options: StopOptions): Promise<StopSignal> {
  const { source, clock } = options;
  let onSignal: (signal: StopSignal) => void = () => undefined;
  const listeners = SIGNALS.map((signal) => [signal, () => onSignal(signal)] as const);
  for (const [signal, listener] of listeners) source.on(signal, listener);
  try {
    const first = await new Promise<StopSignal>((resolve) => {
      onSignal = resolve;
    });
    const hurry = new AbortController();
    const gaveUp = new Promise<never>((_resolve, reject) => {
      const giveUp = (why: string) => {
        const error = new UnlockdError('ERR_DAEMON_STOP_TIMEOUT', `the stop was not finished: ${why}`);
        hurry.abort(error);
        reject(error);
      };
      onSignal = (signal) => giveUp(`${signal} came again`);
      const cancel = clock.timer(options.deadline, () => giveUp('its time is over'));
      hurry.signal.addEventListener('abort', cancel, { once: true });
    });
    gaveUp.catch(() => undefined);
    try {
      await Promise.race([options.stop({ signal: hurry.signal }), gaveUp]);
    } finally {
      hurry.abort();
    }
    return first;
  } finally {
    for (const [signal, listener] of listeners) source.removeListener(signal, listener);
  }
}
