/**
 * What the Terminal Services API says of sessions, read from its structures as bytes (wtsapi32.h, 64-bit layout):
 * WTS_SESSION_INFOW of WTSEnumerateSessionsW and WTSINFOEXW of WTSQuerySessionInformationW. Numbers are little-endian;
 * times are FILETIME, hundreds of nanoseconds.
 */
import { ByteReader } from '../../base/bytes.ts';
import { UnlockdError } from '../../base/errors.ts';

/** DWORD, padding, pointer, enumeration, padding. */
export const SESSION_INFO_BYTES = 24;
/** WTSINFOEXW up to CurrentTime; the counters behind it are not looked at. */
const INFO_BYTES = 208;
const STATE_AT = 16;
const DATA_AT = 8;

/** WTS_CONNECTSTATE_CLASS, of which only this one has a person in front. */
const WTS_ACTIVE = 0;
/** SessionFlags. */
const FLAG_LOCKED = 0;
const FLAG_UNLOCKED = 1;

export interface WtsSession {
  readonly sessionId: number;
  readonly active: boolean;
}

export interface WtsInfo extends WtsSession {
  /** `Console`, `RDP-Tcp#3`, `Services`. */
  readonly station: string;
  readonly user: string;
  readonly domain: string;
  /** Null: Windows does not say. */
  readonly locked: boolean | null;
  /** Milliseconds since the last input by the session's own account; null: Windows does not say. */
  readonly idleMs: number | null;
}

const invalid = (what: string): UnlockdError =>
  new UnlockdError('ERR_HAL_ANSWER_INVALID', `Windows: ${what} has not the form that its documentation says`);

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** @throws {ERR_HAL_ANSWER_INVALID} */
export function decodeSessions(bytes: Uint8Array, count: number): readonly WtsSession[] {
  const reader = new ByteReader(bytes, () => invalid('the list of sessions'));
  const out: WtsSession[] = [];
  for (let n = 0; n < count; n++) {
    const row = view(reader.bytes(SESSION_INFO_BYTES));
    out.push({ sessionId: row.getUint32(0, true), active: row.getInt32(STATE_AT, true) === WTS_ACTIVE });
  }
  return out;
}

/** A WCHAR array up to its NUL. */
function text(data: DataView, at: number, length: number): string {
  let out = '';
  for (let n = 0; n < length; n++) {
    const unit = data.getUint16(at + 2 * n, true);
    if (unit === 0) break;
    out += String.fromCharCode(unit);
  }
  return out;
}

/** @throws {ERR_HAL_ANSWER_INVALID} */
export function decodeInfo(bytes: Uint8Array): WtsInfo {
  if (bytes.length < INFO_BYTES || view(bytes).getUint32(0, true) !== 1) throw invalid('what it tells of a session');
  const data = new DataView(bytes.buffer, bytes.byteOffset + DATA_AT, INFO_BYTES - DATA_AT);
  const flags = data.getInt32(8, true);
  const [lastInput, current] = [data.getBigInt64(184, true), data.getBigInt64(192, true)];
  return {
    sessionId: data.getUint32(0, true),
    active: data.getInt32(4, true) === WTS_ACTIVE,
    locked: flags === FLAG_LOCKED ? true : flags === FLAG_UNLOCKED ? false : null,
    station: text(data, 12, 33),
    user: text(data, 78, 21),
    domain: text(data, 120, 18),
    // The console often has no time of its last input: then nobody knows, and it counts as in use.
    idleMs: lastInput <= 0n || current < lastInput ? null : Number((current - lastInput) / 10_000n),
  };
}
