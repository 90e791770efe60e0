/**
 * The reader of CBOR (RFC 8949 §3; CTAP 2.1 §8): it accepts exactly the shapes that CTAP2 may send, in one walk over the
 * bytes without recursion, and says whether map keys were in canonical order. What a hostile message claims (a length, a
 * depth) is compared with the bytes that are there before anything is made of it.
 */
import type { CborKey, CborValue } from './cbor-value.ts';

interface OpenArray {
  readonly kind: 'array';
  /** Items still to come. */
  left: number;
  readonly items: CborValue[];
}

interface OpenMap {
  readonly kind: 'map';
  /** Entries still to come. */
  left: number;
  readonly entries: Map<CborKey, CborValue>;
  /** Where the previous key starts and ends. */
  keyStart: number;
  keyEnd: number;
}

type Open = OpenArray | OpenMap;

const MAJOR = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6 } as const;
const SIMPLE: readonly CborValue[] = [false, true, null];
const FIRST_SIMPLE = 20;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Names are short and ASCII, for which the platform's decoder is a detour. */
const SHORT_TEXT = 64;

function textOf(bytes: Uint8Array, start: number, end: number, refuse: (reason: string) => Error): string {
  if (end - start <= SHORT_TEXT) {
    let text = '';
    let at = start;
    for (; at < end; at++) {
      const byte = bytes[at] ?? 0;
      if (byte >= 0x80) break;
      text += String.fromCharCode(byte);
    }
    if (at === end) return text;
  }
  try {
    return UTF8.decode(bytes.subarray(start, end));
  } catch {
    throw refuse('text that is not UTF-8');
  }
}

function compare(bytes: Uint8Array, aStart: number, aEnd: number, bStart: number, bEnd: number): number {
  const length = Math.min(aEnd - aStart, bEnd - bStart);
  for (let i = 0; i < length; i++) {
    const difference = (bytes[aStart + i] ?? 0) - (bytes[bStart + i] ?? 0);
    if (difference !== 0) return difference;
  }
  return aEnd - aStart - (bEnd - bStart);
}

/** One walk over a message. */
class Walk {
  readonly #bytes: Uint8Array;
  readonly #maxDepth: number;
  readonly #refuse: (reason: string) => Error;
  readonly #open: Open[] = [];
  #at = 0;
  #ordered = true;

  constructor(bytes: Uint8Array, maxDepth: number, refuse: (reason: string) => Error) {
    this.#bytes = bytes;
    this.#maxDepth = maxDepth;
    this.#refuse = refuse;
  }

  get at(): number {
    return this.#at;
  }

  get ordered(): boolean {
    return this.#ordered;
  }

  /** The item that begins here. Containers are filled after they were put into theirs. */
  read(): CborValue {
    const value = this.#value();
    for (let top = this.#open.at(-1); top !== undefined; top = this.#open.at(-1)) {
      if (top.left-- === 0) this.#open.pop();
      else if (top.kind === 'array') top.items.push(this.#value());
      else top.entries.set(this.#key(top), this.#value());
    }
    return value;
  }

  #value(): CborValue {
    const head = this.#head();
    const major = head >> 5;
    const info = head & 0x1f;
    switch (major) {
      case MAJOR.unsigned:
      case MAJOR.negative:
        return this.#integer(major, info);
      case MAJOR.bytes: {
        const start = this.#string(info);
        return new Uint8Array(this.#bytes.subarray(start, this.#at));
      }
      case MAJOR.text:
        return textOf(this.#bytes, this.#string(info), this.#at, this.#refuse);
      case MAJOR.array:
        return this.#array(info);
      case MAJOR.map:
        return this.#map(info);
      case MAJOR.tag:
        throw this.#refuse('a tag');
      default: {
        const simple = SIMPLE[info - FIRST_SIMPLE];
        if (simple === undefined) throw this.#refuse('a float, undefined or another simple value');
        return simple;
      }
    }
  }

  #key(map: OpenMap): CborKey {
    const start = this.#at;
    const head = this.#head();
    const major = head >> 5;
    const info = head & 0x1f;
    let key: CborKey;
    if (major === MAJOR.unsigned || major === MAJOR.negative) key = this.#integer(major, info);
    else if (major === MAJOR.text) key = textOf(this.#bytes, this.#string(info), this.#at, this.#refuse);
    else throw this.#refuse('a map key that is neither integer nor text');
    if (map.entries.has(key)) throw this.#refuse('a duplicate map key');
    if (map.entries.size > 0 && compare(this.#bytes, map.keyStart, map.keyEnd, start, this.#at) > 0) {
      this.#ordered = false;
    }
    map.keyStart = start;
    map.keyEnd = this.#at;
    return key;
  }

  #head(): number {
    const head = this.#bytes[this.#at];
    if (head === undefined) throw this.#refuse('ends too early');
    this.#at++;
    return head;
  }

  /** The argument of a head, in it or in the bytes behind it. */
  #argument(info: number): number {
    if (info < 24) return info;
    if (info > 27) throw this.#refuse(info === 31 ? 'indefinite length' : 'reserved head');
    const size = 1 << (info - 24);
    if (size > this.#bytes.length - this.#at) throw this.#refuse('ends too early');
    let value = 0;
    for (const end = this.#at + size; this.#at < end; this.#at++) value = value * 256 + (this.#bytes[this.#at] ?? 0);
    if (value < (size === 1 ? 24 : 2 ** (4 * size))) throw this.#refuse('a head that is not minimal');
    if (value > Number.MAX_SAFE_INTEGER) throw this.#refuse('an integer beyond 2^53');
    return value;
  }

  #integer(major: number, info: number): number {
    const value = this.#argument(info);
    if (major === MAJOR.unsigned) return value;
    if (value === Number.MAX_SAFE_INTEGER) throw this.#refuse('an integer beyond 2^53');
    return -1 - value;
  }

  /** Steps over the bytes of a string. @returns where they start */
  #string(info: number): number {
    const length = this.#argument(info);
    if (length > this.#bytes.length - this.#at) throw this.#refuse('ends too early');
    const start = this.#at;
    this.#at += length;
    return start;
  }

  /** Every item takes a byte at least: a claim of more than are there reserves nothing. */
  #count(info: number, bytesEach: number): number {
    if (this.#open.length >= this.#maxDepth) throw this.#refuse('nested too deep');
    const count = this.#argument(info);
    if (count * bytesEach > this.#bytes.length - this.#at) throw this.#refuse('ends too early');
    return count;
  }

  #array(info: number): CborValue {
    const items: CborValue[] = [];
    this.#open.push({ kind: 'array', left: this.#count(info, 1), items });
    return items;
  }

  #map(info: number): CborValue {
    const entries = new Map<CborKey, CborValue>();
    this.#open.push({ kind: 'map', left: this.#count(info, 2), entries, keyStart: 0, keyEnd: 0 });
    return entries;
  }
}

/**
 * @param maxDepth arrays and maps inside each other
 * @param refuse makes the error that is thrown
 * @param options `prefix`: bytes may follow the first item
 * @returns the value, whose byte strings are copies; whether every map's keys are in order; the length of the item
 */
export function readCbor(
  bytes: Uint8Array,
  maxDepth: number,
  refuse: (reason: string) => Error,
  options: { prefix?: boolean } = {},
): { readonly value: CborValue; readonly ordered: boolean; readonly length: number } {
  const walk = new Walk(bytes, maxDepth, refuse);
  const value = walk.read();
  const { at: length, ordered } = walk;
  if (length !== bytes.length && options.prefix !== true) throw refuse(`${bytes.length - length} bytes after the end`);
  return { value, ordered, length };
}
