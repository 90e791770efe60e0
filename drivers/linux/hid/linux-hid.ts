/**
 * Security keys of a real Linux host: the HID seam over node-hid and hidraw. Report sizes come from the report
 * descriptor where the kernel shows it (62 and larger ones than 64 exist), else from the option.
 */
import { type Milliseconds, seconds } from '../../base/brand.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import { isUnlockdError, UnlockdError } from '../../base/errors.ts';
import type { HidHal } from '../../hal/hid.ts';
import { fidoDevices } from './device-list.ts';
import { openError } from './hid-errors.ts';
import { watchHid } from './hid-watch.ts';
import { readReportDescriptor } from './hidraw-sysfs.ts';
import { LinuxHidConnection } from './linux-hid-connection.ts';
import { readNodeAccess, unopenableWords } from './node-access.ts';
import { loadNodeHid, type NodeHid } from './node-hid.ts';
import { PendingReleases } from './pending-releases.ts';

export interface LinuxHidOptions {
  readonly clock?: Clock;
  /** Bytes of a report where the descriptor cannot be read. */
  readonly reportSize?: number;
  /** How often the list is read again while somebody watches; null: only on events of `/dev`. */
  readonly pollInterval?: Milliseconds | null;
  /** Loads the package; replaced in tests of its failures. */
  readonly load?: () => Promise<NodeHid>;
}

const DEV = '/dev';
const DEFAULT_REPORT_SIZE = 64;

/**
 * node-hid starts to read one tick after a listener was added, and throws there, where nobody can catch it, when the
 * handle was closed in between. Nobody gets the connection before that tick is over.
 */
const readingBegun = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

/** Of the whole process: whoever opens a device, through whichever part of it, waits for the same native reader. */
const releases = new PendingReleases();

/** With what is missing in the message: whoever reads it cannot see the node's rights, or would not know what they mean. */
async function explained(error: UnlockdError, path: string): Promise<UnlockdError> {
  if (!isUnlockdError(error, 'ERR_HAL_PERMISSION')) return error;
  const caller = {
    platform: process.platform,
    uid: process.geteuid?.() ?? 0,
    groups: [process.getegid?.() ?? 0, ...(process.getgroups?.() ?? [])],
  };
  const message = unopenableWords(path, await readNodeAccess(path), caller);
  return new UnlockdError(error.code, message, { detail: error.detail, cause: error.cause });
}

/** The HID part of a Linux machine. Nothing is loaded or opened before it is first used. */
export function openLinuxHid(options: LinuxHidOptions = {}): HidHal {
  const { clock = systemClock, reportSize = DEFAULT_REPORT_SIZE, load = loadNodeHid } = options;
  const interval = options.pollInterval === undefined ? seconds(2) : options.pollInterval;
  const list = async () => {
    try {
      return await fidoDevices(await (await load()).devicesAsync());
    } catch (error) {
      throw openError(error, 'hidraw');
    }
  };
  return {
    async list({ signal }) {
      signal.throwIfAborted();
      const devices = await list();
      signal.throwIfAborted();
      return devices;
    },
    async open(path, { signal }) {
      signal.throwIfAborted();
      const descriptor = await readReportDescriptor(path);
      const sizes = { input: descriptor?.input || reportSize, output: descriptor?.output || reportSize };
      await releases.of(path);
      signal.throwIfAborted();
      try {
        const handle = await (await load()).open(path);
        const connection = new LinuxHidConnection(handle, path, sizes, releases);
        await readingBegun();
        if (!signal.aborted) return connection;
        await connection.close();
      } catch (error) {
        throw await explained(openError(error, path), path);
      }
      throw signal.reason;
    },
    released: () => releases.all(),
    watch: ({ signal }) => watchHid({ clock, list, devFolder: DEV, interval, signal }),
  };
}
