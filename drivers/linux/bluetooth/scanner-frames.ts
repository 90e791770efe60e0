/**
 * What the scanner's process tells its parent: frames of a type, a length (two bytes, least significant first) and that
 * many bytes. The process runs code of others and hears everybody, so the parent believes nothing but this form: another
 * type, or more than a frame may have, and the process is ended.
 */
import { UnlockdError } from '../../base/errors.ts';

export const REPORT_SIZE = 8;
const MAX_REPORTS = 512;
const MAX_TEXT = 512;
const HEADER = 3;

/** State of the radio as the package tells it. */
export const SCANNER_STATES = ['scanning', 'radio-off', 'no-permission', 'no-radio', 'waiting'] as const;
export type ScannerState = (typeof SCANNER_STATES)[number];

/** `no-package`: it is not installed; `failed`: it threw, or there is no radio that it can use. */
export const SCANNER_ENDS = ['no-package', 'failed', 'full'] as const;
export type ScannerEnd = (typeof SCANNER_ENDS)[number];

export type ScannerFrame =
  | { readonly type: 'state'; readonly state: ScannerState }
  /** As in `AdvertisementHal`. */
  | { readonly type: 'reports'; readonly reports: Uint8Array }
  /** The process ends: why, and what the package said. `full`: it has seen as many addresses as it may keep. */
  | { readonly type: 'end'; readonly end: ScannerEnd; readonly text: string };

const STATE = 1;
const REPORTS = 2;
const END = 3;

function frame(type: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER + body.length);
  bytes.set([type, body.length & 255, body.length >> 8]);
  bytes.set(body, HEADER);
  return bytes;
}

export const stateFrame = (state: ScannerState): Uint8Array =>
  frame(STATE, Uint8Array.of(SCANNER_STATES.indexOf(state)));

export const endFrame = (end: ScannerEnd, text: string): Uint8Array => {
  const words = Buffer.from(text).subarray(0, MAX_TEXT);
  return frame(END, Uint8Array.from([SCANNER_ENDS.indexOf(end), ...words]));
};

/** @param address as the package tells it; what is none is left out */
export class ReportWriter {
  readonly #bytes = new Uint8Array(MAX_REPORTS * REPORT_SIZE);
  #length = 0;

  get isFull(): boolean {
    return this.#length === this.#bytes.length;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** @returns whether it was a report */
  add(address: unknown, addressType: unknown, rssi: unknown): boolean {
    if (this.isFull || typeof address !== 'string' || !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(address)) return false;
    if (addressType !== 'public' && addressType !== 'random') return false;
    const strength = Number.isInteger(rssi) && Number(rssi) >= -127 && Number(rssi) <= 20 ? Number(rssi) : 127;
    for (let n = 0; n < 6; n++) {
      this.#bytes[this.#length + n] = Number.parseInt(address.slice(3 * n, 3 * n + 2), 16);
    }
    this.#bytes[this.#length + 6] = addressType === 'random' ? 1 : 0;
    this.#bytes[this.#length + 7] = strength & 255;
    this.#length += REPORT_SIZE;
    return true;
  }

  /** The frame of what was added, and begins anew. */
  take(): Uint8Array {
    const bytes = frame(REPORTS, this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return bytes;
  }
}

/** Reads frames out of a stream of bytes. Holds at most one frame that is not complete. */
export class FrameReader {
  #rest: Uint8Array = new Uint8Array();

  /** @throws {ERR_HAL_ANSWER_INVALID} what came is not of the form; nothing that follows can be read */
  read(chunk: Uint8Array): readonly ScannerFrame[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: ScannerFrame[] = [];
    let at = 0;
    for (;;) {
      const [type, low, high] = bytes.subarray(at, at + HEADER);
      if (type === undefined || low === undefined || high === undefined) break;
      const length = low | (high << 8);
      checkHeader(type, length);
      if (bytes.length - at < HEADER + length) break;
      frames.push(decoded(type, bytes.slice(at + HEADER, at + HEADER + length)));
      at += HEADER + length;
    }
    this.#rest = bytes.slice(at);
    return frames;
  }
}

const invalid = (what: string): UnlockdError =>
  new UnlockdError('ERR_HAL_ANSWER_INVALID', `the scanner of advertisements sent ${what}`);

/** Before a body is waited for. */
function checkHeader(type: number, length: number): void {
  const fits =
    (type === STATE && length === 1) ||
    (type === REPORTS && length > 0 && length % REPORT_SIZE === 0 && length <= MAX_REPORTS * REPORT_SIZE) ||
    (type === END && length >= 1 && length <= 1 + MAX_TEXT);
  if (!fits) throw invalid(`a frame of type ${type} with ${length} bytes`);
}

function decoded(type: number, body: Uint8Array): ScannerFrame {
  const first = body[0] ?? 0;
  if (type === REPORTS) return { type: 'reports', reports: body };
  if (type === STATE) {
    const state = SCANNER_STATES[first];
    if (state === undefined) throw invalid(`an unknown state ${first}`);
    return { type: 'state', state };
  }
  const end = SCANNER_ENDS[first];
  if (end === undefined) throw invalid(`an unknown end ${first}`);
  return { type: 'end', end, text: printable(Buffer.from(body.subarray(1)).toString('utf8')) };
}

/** Words of others, on their way to a terminal. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e]+/g, ' ').trim();
