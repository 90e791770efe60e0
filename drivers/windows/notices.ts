/**
 * Notices of Windows that something may have changed, as a stream of the network seam. A notice is a wake-up without
 * content; however many come, one entry waits. Where they cannot be had, it is tried again now and then.
 */
import type { Milliseconds } from '../base/brand.ts';
import type { Clock } from '../base/clock.ts';
import { Doorbell } from '../base/doorbell.ts';
import { isUnlockdError } from '../base/errors.ts';
import type { NetworkEvent } from '../hal/network.ts';

type Outage = Extract<NetworkEvent, { type: 'unavailable' }>['reason'];

export interface Notices {
  /** Resolves when no notice comes any more. */
  stop(): Promise<void>;
}

export interface NoticeOptions {
  readonly clock: Clock;
  /** Pause between two tries to be told. */
  readonly retry: Milliseconds;
  readonly signal: AbortSignal;
}

function outageOf(error: unknown): Outage {
  if (isUnlockdError(error, 'ERR_HAL_PERMISSION')) return 'no-permission';
  return isUnlockdError(error, 'ERR_HAL_NOT_FOUND', 'ERR_HAL_MODULE_MISSING') ? 'no-driver' : 'failed';
}

/** What notices come to; neither throws. */
export interface NoticeSink {
  readonly changed: () => void;
  /** No notice will come any more, as what sent them has gone. */
  readonly gone: () => void;
}

class Pending implements NoticeSink, Disposable {
  readonly #bell: Doorbell;
  #changed = false;
  isGone = false;

  constructor(signal: AbortSignal) {
    this.#bell = new Doorbell(signal);
  }

  readonly changed = (): void => {
    this.#changed = true;
    this.#bell.ring();
  };

  readonly gone = (): void => {
    this.isGone = true;
    this.#bell.ring();
  };

  take(): boolean {
    const taken = this.#changed;
    this.#changed = false;
    return taken;
  }

  next(): Promise<void> {
    return this.#bell.heard();
  }

  [Symbol.dispose](): void {
    this.#bell[Symbol.dispose]();
  }
}

/**
 * See `WifiHal.watch` and `IpHal.watch`.
 * @param begin has notices sent; @throws {ERR_HAL_…} they cannot be had now
 */
export async function* watchNotices(
  begin: (sink: NoticeSink) => Notices,
  { clock, retry, signal }: NoticeOptions,
): AsyncGenerator<NetworkEvent, void, undefined> {
  let told: Outage | null = null;
  while (!signal.aborted) {
    using pending = new Pending(signal);
    let notices: Notices;
    try {
      notices = begin(pending);
    } catch (error) {
      const reason = outageOf(error);
      if (reason !== told) yield { type: 'unavailable', reason };
      told = reason;
      await clock.sleep(retry, { signal }).catch(() => undefined);
      continue;
    }
    try {
      yield { type: 'available' };
      while (!signal.aborted && !pending.isGone) {
        if (pending.take()) yield { type: 'changed' };
        else await pending.next();
      }
    } finally {
      // What does not end any more is not told to anybody: nothing of it is listened to.
      await notices.stop().catch(() => undefined);
    }
    if (signal.aborted) return;
    told = 'daemon-gone';
    yield { type: 'unavailable', reason: told };
  }
}
