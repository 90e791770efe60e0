/** Security keys as they lie on a table, behind the HID seam: plugged in and pulled out by the test. */
import type { HidDeviceInfo, HidEvent, HidHal } from '../../../drivers/hal/hid.ts';

export const keyAt = (path: string, more: Partial<HidDeviceInfo> = {}): HidDeviceInfo => ({
  path,
  vendorId: 0x1209,
  productId: 0xbeee,
  manufacturer: 'maker',
  product: 'Key',
  serial: null,
  usagePage: 0xf1d0,
  usage: 1,
  ...more,
});

export class Tabletop implements Pick<HidHal, 'list' | 'watch'> {
  #there: HidDeviceInfo[] = [];
  readonly #watchers = new Set<(event: HidEvent) => void>();
  /** A host that tells of nothing: only the list does. */
  silent = false;
  /** Thrown by the list. */
  fault: Error | null = null;

  get watchers(): number {
    return this.#watchers.size;
  }

  plug(device: HidDeviceInfo): void {
    this.#there = [...this.#there, device];
    this.#tell({ type: 'arrived', device });
  }

  pull(path: string): void {
    const device = this.#there.find((each) => each.path === path);
    this.#there = this.#there.filter((each) => each.path !== path);
    if (device !== undefined) this.#tell({ type: 'left', device });
  }

  #tell(event: HidEvent): void {
    if (!this.silent) for (const watcher of this.#watchers) watcher(event);
  }

  async list(): Promise<readonly HidDeviceInfo[]> {
    if (this.fault !== null) throw this.fault;
    return this.#there;
  }

  async *watch({ signal }: { signal: AbortSignal }): AsyncIterable<HidEvent> {
    const queue: HidEvent[] = this.#there.map((device) => ({ type: 'arrived', device }));
    let wake: () => void = () => undefined;
    const watcher = (event: HidEvent) => {
      queue.push(event);
      wake();
    };
    const onAbort = () => wake();
    this.#watchers.add(watcher);
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        const event = queue.shift();
        if (event !== undefined) yield event;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      this.#watchers.delete(watcher);
      signal.removeEventListener('abort', onAbort);
    }
  }
}
