/**
 * The one file that knows the package node-hid. It is loaded when a device is first asked for, so a host without it, or
 * without the system library it links to, still runs everything else. Only `HIDAsync` is used: the synchronous class
 * keeps the process from exiting while it reads.
 */
import type { Device, HIDAsync } from 'node-hid';
import { UnlockdError } from '../../base/errors.ts';

export type NodeHidDevice = Device;
export type NodeHidHandle = HIDAsync;

export interface NodeHid {
  devicesAsync(): Promise<NodeHidDevice[]>;
  open(path: string): Promise<NodeHidHandle>;
}

/** The native part is loaded by the first call, not by the import; both failures mean the same to a person. */
export function moduleMissing(error: unknown): UnlockdError | null {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const missing =
    code === 'ERR_DLOPEN_FAILED' ||
    code === 'ERR_MODULE_NOT_FOUND' ||
    code === 'MODULE_NOT_FOUND' ||
    message.includes('cannot open shared object file') ||
    message.includes('pkg-prebuilds');
  if (!missing) return null;
  const library = /lib(usb|udev)[^\s:]*/.exec(message)?.[0];
  const cure =
    library === undefined
      ? 'the npm package node-hid'
      : `${library} (Debian package ${library.startsWith('libudev') ? 'libudev1' : 'libusb-1.0-0'})`;
  return new UnlockdError('ERR_HAL_MODULE_MISSING', `security keys need ${cure}`, {
    detail: {
      package: library === undefined ? 'node-hid' : library.startsWith('libudev') ? 'libudev1' : 'libusb-1.0-0',
    },
    cause: error,
  });
}

let loaded: Promise<NodeHid> | null = null;

/** @throws {ERR_HAL_MODULE_MISSING} */
export function loadNodeHid(): Promise<NodeHid> {
  loaded ??= (async () => {
    try {
      const module = await import('node-hid');
      return {
        devicesAsync: () => module.devicesAsync(),
        open: (path) => module.HIDAsync.open(path),
      } satisfies NodeHid;
    } catch (error) {
      loaded = null;
      throw moduleMissing(error) ?? error;
    }
  })();
  return loaded;
}
