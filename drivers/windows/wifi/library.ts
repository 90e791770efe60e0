/**
 * The functions of wlanapi and crypt32 that tell of the Wi-Fi association and of roots (wlanapi.h, wincrypt.h). Everything
 * that is handed out is a copy: what Windows allocated is given back before a function returns.
 */
import { MemoryImage } from '../memory-image.ts';
import {
  bind,
  type CFunction,
  copyOf,
  type Failed,
  inBackground,
  type Koffi,
  type Prototypes,
  registered,
} from '../native-library.ts';
import type { Notices } from '../notices.ts';
import { INFO, LIST, MAX_INTERFACES } from './wlan-structures.ts';

/** A handle of the WLAN service. */
export interface WlanClient {
  /** WlanEnumInterfaces: one WLAN_INTERFACE_INFO_LIST. */
  interfaces(): Uint8Array | Failed;
  /** WlanQueryInterface with wlan_intf_opcode_current_connection: one WLAN_CONNECTION_ATTRIBUTES. */
  connection(guid: Uint8Array): Uint8Array | Failed;
  /** WlanGetProfile, without keys. */
  profile(guid: Uint8Array, name: string): string | Failed;
  /** WlanRegisterNotification, of the connections (ACM). */
  notify(changed: () => void): Notices | Failed;
  /** WlanCloseHandle. Idempotent. */
  close(): void;
}

export interface WlanLibrary {
  /** WlanOpenHandle, of the second version of the API. */
  open(): WlanClient | Failed;
  /** The certificate of that SHA-1 among the roots that this machine trusts, as DER; null: none. */
  rootCertificate(sha1: Uint8Array): Uint8Array | null;
}

type Name =
  | 'open'
  | 'close'
  | 'enumerate'
  | 'query'
  | 'profile'
  | 'notify'
  | 'free'
  | 'openStore'
  | 'findCertificate'
  | 'freeCertificate'
  | 'closeStore';

export const CALLBACK = 'void __stdcall WlanNotice(void *data, void *context)';

export const PROTOTYPES: Prototypes<Name> = {
  open: [
    'wlanapi.dll',
    'uint32_t __stdcall WlanOpenHandle(uint32_t version, void *reserved, _Out_ uint32_t *negotiated, _Out_ void **handle)',
  ],
  close: ['wlanapi.dll', 'uint32_t __stdcall WlanCloseHandle(void *handle, void *reserved)'],
  enumerate: ['wlanapi.dll', 'uint32_t __stdcall WlanEnumInterfaces(void *handle, void *reserved, _Out_ void **list)'],
  query: [
    'wlanapi.dll',
    'uint32_t __stdcall WlanQueryInterface(void *handle, const uint8_t *guid, int code, void *reserved, _Out_ uint32_t *size, _Out_ void **data, void *type)',
  ],
  profile: [
    'wlanapi.dll',
    'uint32_t __stdcall WlanGetProfile(void *handle, const uint8_t *guid, const char16_t *name, void *reserved, _Out_ void **xml, void *flags, void *access)',
  ],
  notify: [
    'wlanapi.dll',
    'uint32_t __stdcall WlanRegisterNotification(void *handle, uint32_t source, int unique, WlanNotice *callback, void *context, void *reserved, void *previous)',
  ],
  free: ['wlanapi.dll', 'void __stdcall WlanFreeMemory(void *memory)'],
  openStore: [
    'crypt32.dll',
    'void * __stdcall CertOpenStore(uintptr_t provider, uint32_t encoding, uintptr_t legacy, uint32_t flags, const char16_t *name)',
  ],
  findCertificate: [
    'crypt32.dll',
    'void * __stdcall CertFindCertificateInStore(void *store, uint32_t encoding, uint32_t flags, uint32_t type, const CRYPT_HASH_BLOB *hash, void *previous)',
  ],
  freeCertificate: ['crypt32.dll', 'int __stdcall CertFreeCertificateContext(void *context)'],
  closeStore: ['crypt32.dll', 'int __stdcall CertCloseStore(void *store, uint32_t flags)'],
};

export const STRUCTS = { CRYPT_HASH_BLOB: { cbData: 'uint32_t', pbData: 'const uint8_t *' } } as const;

const API_VERSION = 2;
const CURRENT_CONNECTION = 7;
const SOURCE_NONE = 0;
const SOURCE_ACM = 8;
/** More than any answer has: bounds what a wrong length can make us read. */
const MAX_ANSWER_BYTES = 65_536;

const STORE_PROV_SYSTEM_W = 10;
/** CERT_SYSTEM_STORE_LOCAL_MACHINE, CERT_STORE_READONLY_FLAG, CERT_STORE_OPEN_EXISTING_FLAG. */
const STORE_FLAGS = 0x00020000 | 0x00008000 | 0x00004000;
const X509_ASN_ENCODING = 1;
const FIND_SHA1_HASH = 0x00010000;
/** CERT_CONTEXT: pbCertEncoded and cbCertEncoded. */
const CONTEXT = { pbCertEncoded: 8, cbCertEncoded: 16, bytes: 20 } as const;
const MAX_CERTIFICATE_BYTES = 65_536;

type Call = Readonly<Record<Name, CFunction>>;

class Client implements WlanClient {
  readonly #koffi: Koffi;
  readonly #call: Call;
  #handle: unknown;

  constructor(koffi: Koffi, call: Call, handle: unknown) {
    this.#koffi = koffi;
    this.#call = call;
    this.#handle = handle;
  }

  /** What Windows has allocated, copied and given back. */
  #taken(pointer: unknown, length: number): Uint8Array {
    try {
      return copyOf(this.#koffi, pointer, length, MAX_ANSWER_BYTES);
    } finally {
      this.#call.free(pointer);
    }
  }

  interfaces(): Uint8Array | Failed {
    const list: unknown[] = [null];
    const code = Number(this.#call.enumerate(this.#handle, null, list));
    if (code !== 0) return { failed: code };
    const [pointer] = list;
    // How long it is stands in it.
    const head = new DataView(copyOf(this.#koffi, pointer, LIST.InterfaceInfo, LIST.InterfaceInfo).buffer);
    const count = Math.min(head.getUint32(LIST.dwNumberOfItems, true), MAX_INTERFACES);
    return this.#taken(pointer, LIST.InterfaceInfo + count * INFO.bytes);
  }

  connection(guid: Uint8Array): Uint8Array | Failed {
    const size: unknown[] = [0];
    const data: unknown[] = [null];
    const code = Number(this.#call.query(this.#handle, guid, CURRENT_CONNECTION, null, size, data, null));
    return code === 0 ? this.#taken(data[0], Number(size[0])) : { failed: code };
  }

  profile(guid: Uint8Array, name: string): string | Failed {
    const xml: unknown[] = [null];
    const code = Number(this.#call.profile(this.#handle, guid, name, null, xml, null, null));
    if (code !== 0) return { failed: code };
    try {
      return this.#koffi.decode.string16(xml[0]);
    } finally {
      this.#call.free(xml[0]);
    }
  }

  notify(changed: () => void): Notices | Failed {
    const callback = registered(this.#koffi, CALLBACK, changed);
    const code = Number(this.#call.notify(this.#handle, SOURCE_ACM, 1, callback.pointer, null, null, null));
    if (code !== 0) {
      callback.free();
      return { failed: code };
    }
    const stop = async () => {
      // It waits for a callback that is under way, which needs this thread: so not on this thread.
      await inBackground(this.#call.notify, this.#handle, SOURCE_NONE, 1, null, null, null, null);
      callback.free();
    };
    return { stop };
  }

  close(): void {
    if (this.#handle !== null) this.#call.close(this.#handle, null);
    this.#handle = null;
  }
}

/** @throws {ERR_HAL_ANSWER_INVALID} */
function rootCertificate(koffi: Koffi, call: Call, sha1: Uint8Array): Uint8Array | null {
  const store = call.openStore(STORE_PROV_SYSTEM_W, 0, 0, STORE_FLAGS, 'ROOT');
  if (store === null) return null;
  try {
    const hash = { cbData: sha1.length, pbData: sha1 };
    const context = call.findCertificate(store, X509_ASN_ENCODING, 0, FIND_SHA1_HASH, hash, null);
    if (context === null) return null;
    try {
      const image = new MemoryImage(copyOf(koffi, context, CONTEXT.bytes, CONTEXT.bytes), 'a certificate');
      const length = image.u32(CONTEXT.cbCertEncoded);
      return copyOf(koffi, image.u64(CONTEXT.pbCertEncoded), length, MAX_CERTIFICATE_BYTES);
    } finally {
      call.freeCertificate(context);
    }
  } finally {
    call.closeStore(store, 0);
  }
}

/** @throws {ERR_HAL_MODULE_MISSING} */
export function loadWlanLibrary(): WlanLibrary {
  const { koffi, call } = bind(PROTOTYPES, { callbacks: [CALLBACK], structs: STRUCTS });
  return {
    open: () => {
      const negotiated: unknown[] = [0];
      const handle: unknown[] = [null];
      const code = Number(call.open(API_VERSION, null, negotiated, handle));
      return code === 0 ? new Client(koffi, call, handle[0]) : { failed: code };
    },
    rootCertificate: (sha1) => rootCertificate(koffi, call, sha1),
  };
}
