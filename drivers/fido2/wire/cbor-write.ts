/**
 * The writer of CBOR in the CTAP2 canonical form (CTAP 2.1 §8): shortest heads, definite lengths, map keys in bytewise
 * order of their encoding. What has no such form is refused.
 */
import type { CborKey } from './cbor-value.ts';

/** With the u flag a surrogate pair is one character, so this finds only halves. */
const LONE_SURROGATE = /\p{Surrogate}/u;

const UTF8 = new TextEncoder();
const FIRST_ROOM = 256;
const MAJOR = { unsigned: 0x00, negative: 0x20, bytes: 0x40, text: 0x60, array: 0x80, map: 0xa0 } as const;
const [FALSE, TRUE, NULL] = [0xf4, 0xf5, 0xf6];

/** Bytes that grow. What was outgrown is zeroed: a request may hold a PIN's hash. */
class Output {
  #bytes = new Uint8Array(FIRST_ROOM);
  #length = 0;

  #room(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#length + count, 2 * this.#bytes.length));
    larger.set(this.#bytes);
    this.#bytes.fill(0);
    this.#bytes = larger;
  }

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  bytes(value: Uint8Array): void {
    this.#room(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  head(major: number, argument: number): void {
    if (argument < 24) {
      this.byte(major | argument);
      return;
    }
    const size = argument < 0x100 ? 1 : argument < 0x1_0000 ? 2 : argument < 0x1_0000_0000 ? 4 : 8;
    this.byte(major | (24 + Math.log2(size)));
    this.#room(size);
    for (let at = size - 1, left = argument; at >= 0; at--, left = Math.floor(left / 256)) {
      this.#bytes[this.#length + at] = left % 256;
    }
    this.#length += size;
  }

  /** A copy of its own; what was written here is zeroed. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.slice(0, this.#length);
    this.#bytes.fill(0, 0, this.#length);
    return taken;
  }
}

type Refuse = (reason: string) => Error;

function writeInteger(out: Output, value: number, refuse: Refuse): void {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) throw refuse('a number that is not a safe integer');
  if (value >= 0) out.head(MAJOR.unsigned, value);
  else out.head(MAJOR.negative, -1 - value);
}

function writeText(out: Output, value: string, refuse: Refuse): void {
  if (LONE_SURROGATE.test(value)) throw refuse('text with a lone surrogate');
  const encoded = UTF8.encode(value);
  out.head(MAJOR.text, encoded.length);
  out.bytes(encoded);
}

const isKey = (value: unknown): value is CborKey => typeof value === 'number' || typeof value === 'string';

/** Bytewise order of the encodings, told from the values: by type, then length, then bytes. */
function orderOfKeys(a: CborKey, b: CborKey): number {
  if (typeof a === 'number' && typeof b === 'number') {
    if (a < 0 !== b < 0) return a < 0 ? 1 : -1;
    return Math.abs(a) - Math.abs(b);
  }
  if (typeof a === 'string' && typeof b === 'string') {
    const [left, right] = [UTF8.encode(a), UTF8.encode(b)];
    return left.length - right.length || Buffer.compare(left, right);
  }
  return typeof a === 'number' ? -1 : 1;
}

function writeMap(out: Output, map: ReadonlyMap<unknown, unknown>, depthLeft: number, refuse: Refuse): void {
  const keys: CborKey[] = [];
  let ordered = true;
  for (const key of map.keys()) {
    if (!isKey(key)) throw refuse('a map key that is neither integer nor text');
    const last = keys.at(-1);
    if (last !== undefined && orderOfKeys(last, key) > 0) ordered = false;
    keys.push(key);
  }
  if (!ordered) keys.sort(orderOfKeys);
  out.head(MAJOR.map, keys.length);
  for (const key of keys) {
    if (typeof key === 'number') writeInteger(out, key, refuse);
    else writeText(out, key, refuse);
    write(out, map.get(key), depthLeft, refuse);
  }
}

function writeContainer(out: Output, value: unknown, depthLeft: number, refuse: Refuse): void {
  if (!Array.isArray(value) && !(value instanceof Map)) throw refuse(`a value of type ${typeof value}`);
  if (depthLeft === 0) throw refuse('nested too deep');
  if (value instanceof Map) {
    writeMap(out, value, depthLeft - 1, refuse);
    return;
  }
  out.head(MAJOR.array, value.length);
  for (const item of value) write(out, item, depthLeft - 1, refuse);
}

function write(out: Output, value: unknown, depthLeft: number, refuse: Refuse): void {
  if (typeof value === 'number') writeInteger(out, value, refuse);
  else if (typeof value === 'string') writeText(out, value, refuse);
  else if (typeof value === 'boolean') out.byte(value ? TRUE : FALSE);
  else if (value === null) out.byte(NULL);
  else if (value instanceof Uint8Array) {
    out.head(MAJOR.bytes, value.length);
    out.bytes(value);
  } else writeContainer(out, value, depthLeft, refuse);
}

/**
 * @param maxDepth arrays and maps inside each other
 * @param refuse makes the error that is thrown
 * @returns a buffer of its own
 */
export function writeCbor(value: unknown, maxDepth: number, refuse: Refuse): Uint8Array<ArrayBuffer> {
  const out = new Output();
  write(out, value, maxDepth, refuse);
  return out.take();
}
