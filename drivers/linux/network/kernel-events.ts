/**
 * Changes that the kernel tells (rtnetlink(7), by `ip monitor`): a reason to look, never an answer. The monitor is a child
 * that sleeps until something changes; when it dies it is begun anew, ever more rarely.
 */
import { milliseconds } from '../../base/brand.ts';
import type { Clock } from '../../base/clock.ts';
import { findIp, IpMonitor } from './ip-program.ts';

export interface KernelEventsOptions {
  readonly clock: Clock;
  readonly ipPrograms: readonly string[];
}

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 30_000;
/** A child has begun to listen long before. */
const LISTENING_AFTER = 500;

export class KernelEvents implements AsyncDisposable {
  readonly #options: KernelEventsOptions;
  readonly #wake: () => void;
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;

  /** @param wake must not throw */
  constructor(options: KernelEventsOptions, wake: () => void) {
    this.#options = options;
    this.#wake = wake;
    this.#running = this.#monitor();
  }

  /** A monitor that ends (out of memory, killed) is begun anew; what happened in between is looked at. */
  async #monitor(): Promise<void> {
    const { clock, ipPrograms } = this.#options;
    const { signal } = this.#ending;
    let pause = FIRST_PAUSE;
    for (;;) {
      const program = await findIp(ipPrograms);
      if (signal.aborted) return;
      if (program !== null) {
        const began = clock.now();
        const monitor = new IpMonitor(program, this.#wake);
        const onAbort = () => void monitor.stop();
        // What changed before it listened.
        const stop = clock.timer(milliseconds(LISTENING_AFTER), this.#wake);
        signal.addEventListener('abort', onAbort, { once: true });
        await monitor.ended;
        stop();
        signal.removeEventListener('abort', onAbort);
        if (clock.now() - began > LONGEST_PAUSE) pause = FIRST_PAUSE;
      }
      await clock.sleep(milliseconds(pause), { signal }).catch(() => undefined);
      if (signal.aborted) return;
      pause = Math.min(LONGEST_PAUSE, pause * 2);
      if (program !== null) this.#wake();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }
}
