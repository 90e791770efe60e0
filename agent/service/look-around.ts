/**
 * Has what lies around the machine looked at for somebody who waits: a phone is paged only meanwhile. Whoever begins it
 * ends it, so that a ceremony that is over leaves nobody's phone awake.
 */
import type { Milliseconds } from '../../drivers/base/brand.ts';
import { deferred } from '../../drivers/base/deferred.ts';
import type { SurroundingKind } from '../../drivers/signal.ts';
import type { ServiceParts } from './parts.ts';

type Parts = Pick<ServiceParts, 'sensors' | 'clock'>;

export class LookAround implements Disposable {
  readonly #parts: Parts;
  readonly #user: number;
  readonly #over = new AbortController();
  readonly #begun = new Set<SurroundingKind>();

  /** @param user whose phones */
  constructor(parts: Parts, user: number) {
    this.#parts = parts;
    this.#user = user;
  }

  /** From now on, until this is disposed. @returns whether that makes a difference: some are looked at all the time */
  begin(kinds: readonly SurroundingKind[]): boolean {
    const fresh = kinds.filter((kind) => !this.#begun.has(kind));
    for (const kind of fresh) this.#begun.add(kind);
    return this.#parts.sensors.demand(fresh, { user: this.#user, signal: this.#over.signal });
  }

  /**
   * Resolves when it holds, or when the time is over; asked again with every change. Whoever waits asks once more.
   * @throws what `holds` throws, and the reason of `signal`
   */
  async until(
    holds: () => boolean,
    { within, signal }: { readonly within: Milliseconds; readonly signal: AbortSignal },
  ): Promise<void> {
    signal.throwIfAborted();
    const { sensors, clock } = this.#parts;
    let changed = deferred<void>();
    let late = false;
    const wake = () => changed.resolve();
    const unlisten = sensors.ledger.onChange(wake);
    const stop = clock.timer(within, () => {
      late = true;
      wake();
    });
    signal.addEventListener('abort', wake, { once: true });
    try {
      while (!late && !holds()) {
        await changed.promise;
        changed = deferred();
        signal.throwIfAborted();
      }
    } finally {
      stop();
      unlisten();
      signal.removeEventListener('abort', wake);
    }
  }

  [Symbol.dispose](): void {
    this.#over.abort();
  }
}
