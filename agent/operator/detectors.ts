/**
 * What a driver can see of a physical step: security keys come and go on the HID seam, and anything else by a stream of
 * what is known of it. A look at the list decides, events only say when to look: what happened between a list and a watch
 * is not missed.
 */
import { seconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import type { HidDeviceInfo, HidHal } from '../../drivers/hal/hid.ts';
import type { Detector } from './task.ts';

/** How often the list is looked at without any event. */
const LOOK_EVERY = seconds(1);

export interface KeySight {
  readonly hid: Pick<HidHal, 'list' | 'watch'>;
  readonly clock: Clock;
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

/** Calls `look` at first, after each event and once a second, one call at a time, until it says true. */
async function lookUntil(
  { hid, clock }: KeySight,
  look: (devices: readonly HidDeviceInfo[]) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  const both = AbortSignal.any([signal, over.signal]);
  const isSo = async (): Promise<boolean> => look(await hid.list({ signal: both }));
  const byEvents = async (): Promise<void> => {
    for await (const _event of hid.watch({ signal: both })) if (await isSo()) return;
    // A watch that ends by itself sees nothing any more; the clock still does.
    await aborted(both);
  };
  const byClock = async (): Promise<void> => {
    while (!(await isSo())) await clock.sleep(LOOK_EVERY, { signal: both });
  };
  const lookers = [byEvents(), byClock()];
  try {
    signal.throwIfAborted();
    await Promise.race(lookers);
  } finally {
    over.abort();
    await Promise.allSettled(lookers);
  }
}

/**
 * A key that was not there before is plugged in.
 * @param name what the walkthrough calls it
 * @param takes whether it is the one that is meant; `other` is told once of each that is not
 */
export function keyArrives(
  sight: KeySight,
  name: string,
  options: {
    readonly takes: (device: HidDeviceInfo) => boolean;
    readonly other?: (device: HidDeviceInfo) => void;
    readonly found: (device: HidDeviceInfo) => void;
  },
): Detector {
  return {
    what: `${name} is plugged in`,
    until: async ({ signal }) => {
      const told = new Set<string>();
      let found: HidDeviceInfo | undefined;
      const look = (devices: readonly HidDeviceInfo[]): boolean => {
        found = devices.find(options.takes);
        if (found !== undefined) return true;
        for (const device of devices) {
          if (!told.has(device.path)) options.other?.(device);
          told.add(device.path);
        }
        return false;
      };
      await lookUntil(sight, look, signal);
      if (found !== undefined) options.found(found);
    },
  };
}

/** What is at this path is pulled out. */
export const keyLeaves = (sight: KeySight, name: string, path: string): Detector => ({
  what: `${name} is pulled out`,
  until: ({ signal }) => lookUntil(sight, (devices) => devices.every((device) => device.path !== path), signal),
});

export const noKeys = (sight: KeySight): Detector => ({
  what: 'no key is plugged in',
  until: ({ signal }) => lookUntil(sight, (devices) => devices.length === 0, signal),
});

/**
 * The first of what comes for which it is so.
 * @param changes what is known first, then every change
 */
export const eventually = <T>(
  what: string,
  changes: (options: { signal: AbortSignal }) => AsyncIterable<T>,
  isSo: (change: T) => boolean,
): Detector => ({
  what,
  until: async ({ signal }) => {
    for await (const change of changes({ signal })) if (isSo(change)) return;
    signal.throwIfAborted();
    throw new Error('nothing is told of it any more');
  },
});
