/**
 * The functions of iphlpapi and kernel32 that tell of addresses, and of their changes (iphlpapi.h, netioapi.h,
 * sysinfoapi.h). Everything that is handed out is a copy.
 */
import {
  bind,
  copyOf,
  type Failed,
  inBackground,
  type Pointer,
  type Prototypes,
  registered,
} from '../native-library.ts';
import type { Notices } from '../notices.ts';
import { ROW_BYTES } from './interface-row.ts';

export interface IpLibrary {
  /** GetAdaptersAddresses: its buffer, and the address that it had when Windows wrote pointers into it. */
  adapters(): { readonly bytes: Uint8Array; readonly base: bigint } | Failed;
  /** GetIfEntry2: one MIB_IF_ROW2. */
  interfaceRow(luid: bigint): Uint8Array | Failed;
  /** GetComputerNameEx with ComputerNameDnsDomain. */
  primaryDnsSuffix(): string | Failed;
  /** NotifyIpInterfaceChange, NotifyUnicastIpAddressChange, NotifyRouteChange2. */
  notify(changed: () => void): Notices | Failed;
}

type Name = 'lastError' | 'adapters' | 'ifEntry' | 'computerName' | 'onInterface' | 'onAddress' | 'onRoute' | 'cancel';

/** `MIB_NOTIFICATION_TYPE` is an enumeration, `BOOLEAN` a byte, `ADDRESS_FAMILY` a USHORT. */
export const CALLBACK = 'void __stdcall MibChange(void *context, void *row, int type)';
const NOTIFY = (name: string): string =>
  `uint32_t __stdcall ${name}(uint16_t family, MibChange *callback, void *context, uint8_t initial, _Out_ void **handle)`;

export const PROTOTYPES: Prototypes<Name> = {
  lastError: ['kernel32.dll', 'uint32_t __stdcall GetLastError()'],
  adapters: [
    'iphlpapi.dll',
    'uint32_t __stdcall GetAdaptersAddresses(uint32_t family, uint32_t flags, void *reserved, void *addresses, _Inout_ uint32_t *size)',
  ],
  ifEntry: ['iphlpapi.dll', 'uint32_t __stdcall GetIfEntry2(_Inout_ uint8_t *row)'],
  computerName: [
    'kernel32.dll',
    'int __stdcall GetComputerNameExW(int type, _Out_ uint16_t *buffer, _Inout_ uint32_t *size)',
  ],
  onInterface: ['iphlpapi.dll', NOTIFY('NotifyIpInterfaceChange')],
  onAddress: ['iphlpapi.dll', NOTIFY('NotifyUnicastIpAddressChange')],
  onRoute: ['iphlpapi.dll', NOTIFY('NotifyRouteChange2')],
  cancel: ['iphlpapi.dll', 'uint32_t __stdcall CancelMibChangeNotify2(void *handle)'],
};

const AF_UNSPEC = 0;
/** Without anycast (2) and multicast (4) addresses, with gateways (0x80). */
const GAA_FLAGS = 0x86;
const ERROR_INVALID_HANDLE = 6;
const ERROR_BUFFER_OVERFLOW = 111;
const ERROR_NO_DATA = 232;
const COMPUTER_NAME_DNS_DOMAIN = 2;
const NAME_UNITS = 256;
/** As the documentation advises for the first try. */
const FIRST_BYTES = 16_384;
const MAX_BYTES = 1_048_576;
const TRIES = 4;

/** @throws {ERR_HAL_MODULE_MISSING} */
export function loadIpLibrary(): IpLibrary {
  const { koffi, call } = bind(PROTOTYPES, { callbacks: [CALLBACK] });

  const adapters = (bytes: number): ReturnType<IpLibrary['adapters']> & { wanted?: number } => {
    // Memory of the other side: what Windows writes into it points into it.
    const buffer = koffi.alloc('uint8_t', bytes);
    try {
      const size = [bytes];
      const code = Number(call.adapters(AF_UNSPEC, GAA_FLAGS, null, buffer, size));
      if (code === ERROR_NO_DATA) return { bytes: new Uint8Array(), base: 0n };
      if (code === 0) return { bytes: copyOf(koffi, buffer, bytes, MAX_BYTES), base: buffer };
      return { failed: code, wanted: Number(size[0]) };
    } finally {
      koffi.free(buffer);
    }
  };

  const cancelAll = async (handles: readonly unknown[], free: () => void): Promise<void> => {
    // It waits for a callback that is under way, which needs this thread: so not on this thread.
    for (const handle of handles) await inBackground(call.cancel, handle);
    free();
  };

  return {
    adapters: () => {
      let bytes = FIRST_BYTES;
      for (let tries = 0; ; tries++) {
        const found = adapters(bytes);
        if (!('failed' in found) || found.failed !== ERROR_BUFFER_OVERFLOW || tries === TRIES) return found;
        bytes = Math.min(MAX_BYTES, Math.max(2 * bytes, found.wanted ?? 0));
      }
    },
    interfaceRow: (luid) => {
      const row = new Uint8Array(ROW_BYTES);
      new DataView(row.buffer).setBigUint64(0, luid, true);
      const code = Number(call.ifEntry(row));
      return code === 0 ? row : { failed: code };
    },
    primaryDnsSuffix: () => {
      const units = new Uint16Array(NAME_UNITS);
      const size = [NAME_UNITS];
      if (Number(call.computerName(COMPUTER_NAME_DNS_DOMAIN, units, size)) === 0) {
        return { failed: Number(call.lastError()) };
      }
      return String.fromCharCode(...units.subarray(0, Math.min(NAME_UNITS, Number(size[0]))));
    },
    notify: (changed) => {
      const callback = registered(koffi, CALLBACK, changed);
      const handles: Pointer[] = [];
      for (const begin of [call.onInterface, call.onAddress, call.onRoute]) {
        const handle: unknown[] = [null];
        const code = Number(begin(AF_UNSPEC, callback.pointer, null, 0, handle));
        // What cannot be ended is not begun.
        if (code !== 0 || typeof handle[0] !== 'bigint') {
          cancelAll(handles, callback.free).catch(() => undefined);
          return { failed: code === 0 ? ERROR_INVALID_HANDLE : code };
        }
        handles.push(handle[0]);
      }
      return { stop: () => cancelAll(handles, callback.free) };
    },
  };
}
