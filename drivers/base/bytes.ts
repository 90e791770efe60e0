/**
 * Big-endian reading and writing of byte strings. The reader is meant for hostile input: every read checks what is
 * left, and the only thing it throws is the error that its owner supplies.
 */
export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export const toHex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');

/** @throws {TypeError} when `hex` is not an even number of hexadecimal digits. */
export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  if (hex.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(hex)) throw new TypeError('not a hexadecimal string');
  const out = new Uint8Array(hex.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return out;
}

export const utf8 = (text: string): Uint8Array<ArrayBuffer> => {
  const encoded = new TextEncoder().encode(text);
  const out = new Uint8Array(encoded.length);
  out.set(encoded);
  return out;
};

export const u8 = (value: number): Uint8Array<ArrayBuffer> => Uint8Array.of(value & 0xff);

export function u16(value: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(2);
  new DataView(out.buffer).setUint16(0, value);
  return out;
}

export function u32(value: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value);
  return out;
}

export function u64(value: bigint): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, value);
  return out;
}

/** Equality of public bytes. Secrets are compared with {@link Secret.equals} or `timingSafeEqual`. */
export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

/** A cursor over received bytes. `fail` makes the typed error of the protocol that is being read. */
export class ByteReader {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #fail: (reason: string) => Error;
  #at = 0;

  constructor(bytes: Uint8Array, fail: (reason: string) => Error) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#fail = fail;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  get offset(): number {
    return this.#at;
  }

  #advance(count: number, what: string): number {
    if (count > this.remaining) throw this.#fail(`${what}: ${count} bytes wanted, ${this.remaining} left`);
    const at = this.#at;
    this.#at += count;
    return at;
  }

  u8(what = 'u8'): number {
    return this.#view.getUint8(this.#advance(1, what));
  }

  u16(what = 'u16'): number {
    return this.#view.getUint16(this.#advance(2, what));
  }

  u32(what = 'u32'): number {
    return this.#view.getUint32(this.#advance(4, what));
  }

  u64(what = 'u64'): bigint {
    return this.#view.getBigUint64(this.#advance(8, what));
  }

  /** A copy of the next `count` bytes: nothing read ever aliases a transport's buffer. */
  bytes(count: number, what = 'bytes'): Uint8Array<ArrayBuffer> {
    const at = this.#advance(count, what);
    return new Uint8Array(this.#bytes.subarray(at, at + count));
  }

  rest(): Uint8Array<ArrayBuffer> {
    return this.bytes(this.remaining);
  }

  /** Fails unless everything was read. */
  end(what: string): void {
    if (this.remaining !== 0) throw this.#fail(`${what}: ${this.remaining} bytes too many`);
  }
}
