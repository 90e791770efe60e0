/**
 * Structures of Windows as the bytes they were copied as (64-bit layout, little-endian), read without ever reading
 * outside: a length, a count or a pointer that leads out of the copy is a typed error.
 */
import { UnlockdError } from '../base/errors.ts';

/** @param what whose structure it is, for the message */
const invalid = (what: string): UnlockdError =>
  new UnlockdError('ERR_HAL_ANSWER_INVALID', `Windows: ${what} has not the form that its documentation says`);

export class MemoryImage {
  readonly #view: DataView;
  readonly #base: bigint;
  readonly #what: string;

  /** @param base the address that the first byte had, to follow pointers by */
  constructor(bytes: Uint8Array, what: string, base = 0n) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#base = base;
    this.#what = what;
  }

  get length(): number {
    return this.#view.byteLength;
  }

  /** @throws {ERR_HAL_ANSWER_INVALID} as everything here: what is asked for does not lie within */
  #within(at: number, length: number): number {
    if (!Number.isInteger(at) || at < 0 || length < 0 || at + length > this.length) throw invalid(this.#what);
    return at;
  }

  u8(at: number): number {
    return this.#view.getUint8(this.#within(at, 1));
  }

  u16(at: number): number {
    return this.#view.getUint16(this.#within(at, 2), true);
  }

  u32(at: number): number {
    return this.#view.getUint32(this.#within(at, 4), true);
  }

  u64(at: number): bigint {
    return this.#view.getBigUint64(this.#within(at, 8), true);
  }

  /** A copy. */
  bytes(at: number, length: number): Uint8Array<ArrayBuffer> {
    const from = this.#view.byteOffset + this.#within(at, length);
    return new Uint8Array(this.#view.buffer.slice(from, from + length) as ArrayBuffer);
  }

  /** Where the pointer at `at` leads, as an offset; null: it is NULL. */
  pointer(at: number): number | null {
    const address = this.u64(at);
    if (address === 0n) return null;
    const offset = address - this.#base;
    if (offset < 0n || offset >= BigInt(this.length)) throw invalid(this.#what);
    return Number(offset);
  }

  /** Units of UTF-16 up to a NUL, or to `most`: an array that is full has none. */
  text(at: number, most: number): string {
    let out = '';
    for (let n = 0; n < most; n++) {
      const unit = this.u16(at + 2 * n);
      if (unit === 0) break;
      out += String.fromCharCode(unit);
    }
    return out;
  }

  /**
   * Offsets of a linked list whose first pointer is at `at`: of its first entries, since a list may bite its own tail.
   * @param next where in each the pointer to the next is
   */
  list(at: number, next: number, most: number): readonly number[] {
    const out: number[] = [];
    for (let found = this.pointer(at); found !== null && out.length < most; found = this.pointer(found + next)) {
      out.push(found);
    }
    return out;
  }
}
