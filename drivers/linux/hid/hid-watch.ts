/**
 * Hot-plug. node-hid has no events for it, so the list is read again whenever something happens to a hidraw node in
 * `/dev` (inotify), and at a slow interval beside it; both only while somebody watches.
 */
import { watch as watchFolder } from 'node:fs';
import { type Milliseconds, milliseconds } from '../../base/brand.ts';
import type { Clock } from '../../base/clock.ts';
import type { HidDeviceInfo, HidEvent } from '../../hal/hid.ts';
import { fingerprint } from './device-list.ts';

export interface WatchOptions {
  readonly clock: Clock;
  readonly list: () => Promise<readonly HidDeviceInfo[]>;
  /** Folder of the nodes. */
  readonly devFolder: string;
  /** Reads the list at least this often; null: only when something happens in the folder. */
  readonly interval: Milliseconds | null;
  readonly signal: AbortSignal;
}

/** udev sets owner and mode a moment after the kernel made the node, and each is an event of its own. */
const SETTLE = milliseconds(30);

/** Wakes the loop: by an event, the interval, or the abort. Remembers which nodes were made or removed. */
class Wakeup {
  readonly #clock: Clock;
  readonly #stops: (() => void)[] = [];
  #wake: (() => void) | null = null;
  #pending = false;
  #renamed = new Set<string>();

  constructor({ clock, devFolder, signal }: WatchOptions) {
    this.#clock = clock;
    const onAbort = () => this.#fire();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#stops.push(() => signal.removeEventListener('abort', onAbort));
    try {
      const watcher = watchFolder(devFolder, (event, name) => {
        if (name === null || !name.startsWith('hidraw')) return;
        if (event === 'rename') this.#renamed.add(name);
        this.#fire();
      });
      watcher.on('error', () => watcher.close());
      this.#stops.push(() => watcher.close());
    } catch {
      // No inotify, or no more watches: the interval alone has to do.
    }
  }

  #fire(): void {
    this.#pending = true;
    this.#wake?.();
  }

  async wait(interval: Milliseconds | null, signal: AbortSignal): Promise<ReadonlySet<string>> {
    if (!this.#pending) {
      await new Promise<void>((resolve) => {
        const stop = interval === null ? () => undefined : this.#clock.timer(interval, resolve);
        this.#wake = () => {
          stop();
          resolve();
        };
      });
      this.#wake = null;
    }
    if (this.#pending && !signal.aborted) await new Promise<void>((resolve) => this.#clock.timer(SETTLE, resolve));
    this.#pending = false;
    const renamed = this.#renamed;
    this.#renamed = new Set();
    return renamed;
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }
}

/** First every device that is there, then what comes and goes, until the signal aborts. */
export async function* watchHid(options: WatchOptions): AsyncGenerator<HidEvent, void, undefined> {
  const { list, interval, signal } = options;
  const wakeup = new Wakeup(options);
  let known = new Map<string, HidDeviceInfo>();
  let renamed: ReadonlySet<string> = new Set();
  try {
    while (!signal.aborted) {
      const devices = await list();
      const next = new Map(devices.map((device) => [fingerprint(device), device]));
      // A node that was removed and made again is another insertion, even of the same key at the same path.
      const replaced = (device: HidDeviceInfo) => renamed.has(device.path.slice(options.devFolder.length + 1));
      for (const [id, device] of known) {
        if (!next.has(id) || replaced(device)) yield { type: 'left', device };
      }
      for (const [id, device] of next) {
        if (!known.has(id) || replaced(device)) yield { type: 'arrived', device };
      }
      known = next;
      renamed = await wakeup.wait(interval, signal);
    }
  } finally {
    wakeup.close();
  }
}
