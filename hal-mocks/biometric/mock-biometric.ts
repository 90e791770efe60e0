/**
 * Readers of fingers and faces that exist only in memory, behind the same seam as fprintd: a test or a scenario enrols,
 * shows a finger or a face to the reader, asks for another try, pulls the reader, stops the service behind it.
 */
import { type Clock, systemClock } from '../../drivers/base/clock.ts';
import { startDeadline } from '../../drivers/base/deadline.ts';
import { type Deferred, deferred } from '../../drivers/base/deferred.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type {
  BiometricHal,
  BiometricReader,
  Modality,
  RetryReason,
  VerifyOptions,
  VerifyOutcome,
} from '../../drivers/hal/biometric.ts';

type Unavailable = Extract<VerifyOutcome, { is: 'unavailable' }>['reason'];
type Waiting = { readonly signal: AbortSignal };

/** A verification that waits for somebody. */
interface Running {
  readonly options: VerifyOptions;
  readonly outcome: Deferred<VerifyOutcome>;
}

const unavailable = (reason: Unavailable): VerifyOutcome => ({ is: 'unavailable', reason, detail: null });

export class MockBiometric implements BiometricHal {
  readonly name = 'mock';
  readonly simulated = true;
  readonly #clock: Clock;
  readonly #readers = new Map<Modality, BiometricReader>();
  readonly #enrolled = new Map<string, Set<string>>();
  readonly #running = new Map<Modality, Running>();
  #available = true;
  #closed = false;
  #woken = deferred<void>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** One reader of each modality at most. */
  plug(reader: BiometricReader): void {
    this.#readers.set(reader.modality, reader);
  }

  pull(modality: Modality): void {
    this.#readers.delete(modality);
    this.#end(modality, unavailable('disconnected'));
  }

  /** @param template in the host's words, such as `right-index-finger` */
  enrol(user: string, modality: Modality, template: string): void {
    this.#templates(user, modality).add(template);
  }

  /** Whether a verification has the reader. */
  claimed(modality: Modality): boolean {
    return this.#running.has(modality);
  }

  /** Resolves as soon as a verification has the reader. */
  async waited(modality: Modality, { signal }: Waiting): Promise<void> {
    while (!this.claimed(modality)) {
      signal.throwIfAborted();
      await this.#woken.promise;
    }
  }

  /** Shows a finger or a face to the reader. @returns whether anybody waited for one */
  show(modality: Modality, template: string): boolean {
    const running = this.#running.get(modality);
    if (running === undefined) return false;
    const match = this.#templates(running.options.user, modality).has(template);
    return this.#end(modality, match ? { is: 'match', template } : { is: 'no-match' });
  }

  /** The reader wants another try. @returns whether anybody waited for one */
  askRetry(modality: Modality, reason: RetryReason): boolean {
    const running = this.#running.get(modality);
    running?.options.onRetry?.(reason);
    return running !== undefined;
  }

  /** The service behind the readers goes away, or comes back and knows what it knew. */
  setAvailable(available: boolean): void {
    this.#available = available;
    if (!available) for (const modality of [...this.#running.keys()]) this.#end(modality, unavailable('disconnected'));
  }

  async readers({ signal }: Waiting): Promise<readonly BiometricReader[]> {
    signal.throwIfAborted();
    this.#requireAvailable();
    return [...this.#readers.values()];
  }

  async enrolled(user: string, modality: Modality, { signal }: Waiting): Promise<readonly string[]> {
    signal.throwIfAborted();
    this.#requireAvailable();
    return [...this.#templates(user, modality)];
  }

  async verify(options: VerifyOptions): Promise<VerifyOutcome> {
    const { modality, user, within, signal } = options;
    signal.throwIfAborted();
    if (this.#closed) return unavailable('failed');
    if (!this.#available || !this.#readers.has(modality)) return unavailable('no-reader');
    if (this.#templates(user, modality).size === 0) return unavailable('not-enrolled');
    if (this.#running.has(modality)) return unavailable('busy');
    const running: Running = { options, outcome: deferred() };
    this.#running.set(modality, running);
    this.#woken.resolve();
    this.#woken = deferred();
    using deadline = startDeadline(this.#clock, within, { what: 'the mock of a reader', signal });
    try {
      return await deadline.race(running.outcome.promise);
    } catch {
      signal.throwIfAborted();
      return unavailable('timed-out');
    } finally {
      this.#running.delete(modality);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const modality of [...this.#running.keys()]) this.#end(modality, unavailable('failed'));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #end(modality: Modality, outcome: VerifyOutcome): boolean {
    const running = this.#running.get(modality);
    running?.outcome.resolve(outcome);
    return running !== undefined;
  }

  #templates(user: string, modality: Modality): Set<string> {
    const key = `${modality}:${user}`;
    const templates = this.#enrolled.get(key) ?? new Set();
    this.#enrolled.set(key, templates);
    return templates;
  }

  #requireAvailable(): void {
    if (this.#closed) throw new UnlockdError('ERR_HAL_CLOSED', 'the readers were closed');
    if (!this.#available) throw new UnlockdError('ERR_HAL_NOT_FOUND', 'the mock of the service is not there');
  }
}
