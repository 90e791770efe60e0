/**
 * Changes that the kernel tells (rtnetlink(7), by `ip monitor`), and those of the files that say what it does not: the
 * resolver's, dhclient's leases, networkd's links. All of it is a reason to look, none of it is an answer.
 */
import { type FSWatcher, watch } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { milliseconds } from '../../base/brand.ts';
import type { Clock } from '../../base/clock.ts';
import { findIp, IpMonitor } from './ip-program.ts';

export interface KernelEventsOptions {
  readonly clock: Clock;
  readonly ipPrograms: readonly string[];
  /** Files of which a change counts; they may come and go. */
  readonly files: readonly string[];
  /** Folders of which a change of any file counts. */
  readonly folders: readonly string[];
}

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 30_000;
/** A child has begun to listen long before. */
const LISTENING_AFTER = 500;

export class KernelEvents implements AsyncDisposable {
  readonly #options: KernelEventsOptions;
  readonly #wake: () => void;
  readonly #ending = new AbortController();
  readonly #watchers: FSWatcher[] = [];
  readonly #running: Promise<void>;

  /** @param wake must not throw */
  constructor(options: KernelEventsOptions, wake: () => void) {
    this.#options = options;
    this.#wake = wake;
    this.#running = Promise.all([this.#monitor(), this.#watchFiles()]).then(() => undefined);
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

  async #watchFiles(): Promise<void> {
    for (const folder of this.#options.folders) this.#watch(folder, null);
    for (const file of this.#options.files) {
      // A link is replaced where it stands, the file where it points to.
      const places = new Set([file, await realpath(file).catch(() => file)]);
      for (const place of places) this.#watch(dirname(place), basename(place));
    }
  }

  /** @param name null: any file */
  #watch(folder: string, name: string | null): void {
    if (this.#ending.signal.aborted) return;
    try {
      const watcher = watch(folder, { persistent: false }, (_type, changed) => {
        if (name === null || changed === null || changed === name) this.#wake();
      });
      // A folder that goes away: what is read on time tells.
      watcher.on('error', () => watcher.close());
      this.#watchers.push(watcher);
    } catch {
      // There is no such folder here.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#running;
    for (const watcher of this.#watchers) watcher.close();
  }
}
