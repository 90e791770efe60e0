/**
 * The functions of user32, kernel32 and wtsapi32 that sessions need, through koffi. Loaded at the first call. Everything
 * that is handed out is a copy: what Windows allocated is given back before a function returns.
 */
import { bind, copyOf, type Failed } from '../native-library.ts';
import { SESSION_INFO_BYTES } from './wts-info.ts';

export interface SessionLibrary {
  /** Session of this very process, by ProcessIdToSessionId. */
  ownSession(): number | null;
  /** LockWorkStation: of the session that this process is in, and only where that is interactive. */
  lockWorkStation(): Failed | null;
  /** WTSDisconnectSession: whoever comes back to that session has to sign in. */
  disconnect(sessionId: number): Failed | null;
  /** dwTime of GetLastInputInfo, a tick count; null: it cannot tell. Of the own session only. */
  lastInputTick(): number | null;
  /** GetTickCount: milliseconds since the start, modulo 2^32. */
  tickCount(): number;
  /** WTSEnumerateSessionsW: the array of WTS_SESSION_INFOW. */
  enumerate(): { readonly bytes: Uint8Array; readonly count: number } | Failed;
  /** WTSQuerySessionInformationW with WTSSessionInfoEx: one WTSINFOEXW. */
  query(sessionId: number): Uint8Array | Failed;
}

const WTS_SESSION_INFO_EX = 25;
/** More bytes than any answer has: bounds what a wrong length can make us read. */
const MAX_ANSWER_BYTES = 65_536;
/** sizeof(LASTINPUTINFO): its own size, then the tick count. */
const LAST_INPUT_BYTES = 8;

/** As wtsapi32.h, winuser.h and winbase.h declare them; `BOOL` is an `int`. */
export const PROTOTYPES = {
  lastError: ['kernel32.dll', 'uint32_t __stdcall GetLastError()'],
  processId: ['kernel32.dll', 'uint32_t __stdcall GetCurrentProcessId()'],
  toSession: ['kernel32.dll', 'int __stdcall ProcessIdToSessionId(uint32_t pid, _Out_ uint32_t *session)'],
  ticks: ['kernel32.dll', 'uint32_t __stdcall GetTickCount()'],
  lock: ['user32.dll', 'int __stdcall LockWorkStation()'],
  lastInput: ['user32.dll', 'int __stdcall GetLastInputInfo(_Inout_ uint8_t *info)'],
  free: ['wtsapi32.dll', 'void __stdcall WTSFreeMemory(void *memory)'],
  disconnect: ['wtsapi32.dll', 'int __stdcall WTSDisconnectSession(void *server, uint32_t session, int wait)'],
  enumerate: [
    'wtsapi32.dll',
    'int __stdcall WTSEnumerateSessionsW(void *server, uint32_t reserved, uint32_t version, _Out_ void **info, _Out_ uint32_t *count)',
  ],
  query: [
    'wtsapi32.dll',
    'int __stdcall WTSQuerySessionInformationW(void *server, uint32_t session, int what, _Out_ void **buffer, _Out_ uint32_t *bytes)',
  ],
} as const;

/** @throws {ERR_HAL_MODULE_MISSING} */
export function loadSessionLibrary(): SessionLibrary {
  const { koffi, call } = bind(PROTOTYPES);
  const yes = (answer: unknown): boolean => Number(answer) !== 0;
  const failed = (): Failed => ({ failed: Number(call.lastError()) });
  const copied = (pointer: unknown, length: number): Uint8Array => {
    try {
      return copyOf(koffi, pointer, length, MAX_ANSWER_BYTES);
    } finally {
      call.free(pointer);
    }
  };
  return {
    ownSession: () => {
      const out: unknown[] = [null];
      return yes(call.toSession(call.processId(), out)) ? Number(out[0]) : null;
    },
    lockWorkStation: () => (yes(call.lock()) ? null : failed()),
    disconnect: (sessionId) => (yes(call.disconnect(null, sessionId, 0)) ? null : failed()),
    lastInputTick: () => {
      const info = new Uint8Array(LAST_INPUT_BYTES);
      const fields = new DataView(info.buffer);
      fields.setUint32(0, LAST_INPUT_BYTES, true);
      return yes(call.lastInput(info)) ? fields.getUint32(4, true) : null;
    },
    tickCount: () => Number(call.ticks()),
    enumerate: () => {
      const info: unknown[] = [null];
      const count: unknown[] = [0];
      if (!yes(call.enumerate(null, 0, 1, info, count))) return failed();
      const rows = Math.min(Number(count[0]), Math.floor(MAX_ANSWER_BYTES / SESSION_INFO_BYTES));
      return { bytes: copied(info[0], rows * SESSION_INFO_BYTES), count: rows };
    },
    query: (sessionId) => {
      const buffer: unknown[] = [null];
      const length: unknown[] = [0];
      if (!yes(call.query(null, sessionId, WTS_SESSION_INFO_EX, buffer, length))) return failed();
      return copied(buffer[0], Number(length[0]));
    },
  };
}
