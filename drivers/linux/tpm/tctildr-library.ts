/**
 * libtss2-tctildr, bound with koffi: the loader of tpm2-tss that turns a TCTI string into a connection (TCG TSS 2.0
 * TCTI API, §3). Both the npm package and the system library are optional and loaded when first asked for.
 */
import { UnlockdError } from '../../base/errors.ts';

/** A native call on koffi's thread pool; resolves with its return value. */
export type NativeCall = (...args: unknown[]) => Promise<unknown>;

/** The calls that one connection needs, and where its context is. */
export interface TctiContext {
  /** TSS2_TCTI_TRANSMIT_FCN(context, size, command). */
  readonly transmit: NativeCall;
  /** TSS2_TCTI_RECEIVE_FCN(context, size in and out, response, timeout in ms or -1). */
  readonly receive: NativeCall;
  /** Tss2_TctiLdr_Finalize: nothing may be running in the context. */
  readonly finalize: () => Promise<void>;
}

export interface TctiLibrary {
  /** Tss2_TctiLdr_Initialize. Resolves with the TSS2_RC, and with a context when that is 0. */
  initialize(nameConf: string): Promise<{ rc: number; context: TctiContext | null }>;
}

type Koffi = typeof import('koffi');

const LIBRARY = 'libtss2-tctildr.so.0';
const MISSING = `install libtss2-tctildr0 (Debian) and the TCTI module that the setting names`;

/** TSS2_TCTI_CONTEXT_COMMON_V1 begins with a 64-bit magic and a 32-bit version; the function pointers follow. */
const TRANSMIT_OFFSET = 16;
const RECEIVE_OFFSET = 24;

async function loadKoffi(): Promise<Koffi> {
  try {
    return await import('koffi');
  } catch (error) {
    throw new UnlockdError('ERR_HAL_MODULE_MISSING', 'a tcti: setting needs the optional npm package koffi', {
      cause: error,
    });
  }
}

type AsyncFunction = { async: (...args: unknown[]) => void };

const called =
  (native: AsyncFunction): NativeCall =>
  (...args) =>
    new Promise((resolve, reject) => {
      native.async(...args, (error: unknown, result: unknown) => {
        if (error) reject(error);
        else resolve(result);
      });
    });

function bind(koffi: Koffi): TctiLibrary {
  // Without this the library writes its own diary to the program's stderr.
  process.env.TSS2_LOG ??= 'all+NONE';
  const library = koffi.load(LIBRARY);
  const initialize = called(
    library.func('Tss2_TctiLdr_Initialize', 'uint32_t', ['const char *', koffi.out('void **')]),
  );
  const finalize = called(library.func('Tss2_TctiLdr_Finalize', 'void', [koffi.inout('void **')]));
  const transmit = koffi.proto('uint32_t', ['void *', 'size_t', 'const uint8_t *']);
  const receive = koffi.proto('uint32_t', ['void *', koffi.inout('size_t *'), 'uint8_t *', 'int32_t']);
  return {
    initialize: async (nameConf) => {
      const out: unknown[] = [null];
      const rc = Number(await initialize(nameConf, out));
      const [context] = out;
      if (rc !== 0 || context === null || context === undefined) return { rc, context: null };
      const bound = (offset: number, type: ReturnType<Koffi['proto']>): NativeCall => {
        const pointer: unknown = koffi.decode(context, offset, 'void *');
        const native: unknown = koffi.decode(pointer, type);
        const call = called(native as AsyncFunction);
        return (...args) => call(context, ...args);
      };
      return {
        rc,
        context: {
          transmit: bound(TRANSMIT_OFFSET, transmit),
          receive: bound(RECEIVE_OFFSET, receive),
          finalize: async () => {
            await finalize([context]);
          },
        },
      };
    },
  };
}

let library: Promise<TctiLibrary> | undefined;

/**
 * The library, loaded once in a process.
 * @throws {ERR_HAL_MODULE_MISSING} koffi or libtss2-tctildr is not installed
 */
export function tctiLibrary(): Promise<TctiLibrary> {
  library ??= (async () => {
    const koffi = await loadKoffi();
    try {
      return bind(koffi);
    } catch (error) {
      throw new UnlockdError('ERR_HAL_MODULE_MISSING', `${LIBRARY} cannot be loaded: ${MISSING}`, { cause: error });
    }
  })();
  return library;
}
