/**
 * A walk over CBOR bytes that builds nothing (RFC 8949 §3; CTAP 2.1 §8): it accepts exactly the shapes that CTAP2 may
 * send, without recursion, and says whether map keys were in canonical order. It runs before the codec, whose own
 * recursion and allocation a hostile message could otherwise choose.
 */
interface Open {
  /** Items still to come; a map counts keys and values apart. */
  left: number;
  readonly isMap: boolean;
  /** Where the previous key of this map starts and ends. */
  keyStart: number;
  keyEnd: number;
}

const MAJOR = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5 } as const;

const UTF8 = new TextDecoder('utf-8', { fatal: true });
const isUtf8 = (bytes: Uint8Array): boolean => {
  try {
    UTF8.decode(bytes);
    return true;
  } catch {
    return false;
  }
};

function compare(bytes: Uint8Array, aStart: number, aEnd: number, bStart: number, bEnd: number): number {
  const length = Math.min(aEnd - aStart, bEnd - bStart);
  for (let i = 0; i < length; i++) {
    const difference = (bytes[aStart + i] ?? 0) - (bytes[bStart + i] ?? 0);
    if (difference !== 0) return difference;
  }
  return aEnd - aStart - (bEnd - bStart);
}

/** Reads one head; `value` is its argument. */
function head(bytes: Uint8Array, at: number, refuse: (reason: string) => Error) {
  const first = bytes[at];
  if (first === undefined) throw refuse('ends too early');
  const major = first >> 5;
  const info = first & 0x1f;
  if (info < 24) return { major, info, value: info, next: at + 1 };
  if (info > 27) throw refuse(info === 31 ? 'indefinite length' : 'reserved head');
  const size = 1 << (info - 24);
  if (at + 1 + size > bytes.length) throw refuse('ends too early');
  let value = 0;
  for (let i = 1; i <= size; i++) value = value * 256 + (bytes[at + i] ?? 0);
  if (major <= MAJOR.map) {
    const least = size === 1 ? 24 : 2 ** (4 * size);
    if (value < least) throw refuse('a head that is not minimal');
    if (value > Number.MAX_SAFE_INTEGER) throw refuse('an integer beyond 2^53');
    if (major === MAJOR.negative && value === Number.MAX_SAFE_INTEGER) throw refuse('an integer beyond 2^53');
  }
  return { major, info, value, next: at + 1 + size };
}

/**
 * @param maxDepth arrays and maps inside each other
 * @param refuse makes the error that is thrown
 * @param options `prefix`: bytes may follow the first item
 * @returns whether every map's keys are in order, and the length of the item
 */
export function scanCbor(
  bytes: Uint8Array,
  maxDepth: number,
  refuse: (reason: string) => Error,
  options: { prefix?: boolean } = {},
): { readonly ordered: boolean; readonly length: number } {
  const open: Open[] = [];
  let ordered = true;
  let at = 0;
  do {
    const start = at;
    const { major, info, value, next } = head(bytes, at, refuse);
    at = next;
    const parent = open.at(-1);
    const isKey = parent?.isMap === true && parent.left % 2 === 0;
    if (isKey && major !== MAJOR.unsigned && major !== MAJOR.negative && major !== MAJOR.text) {
      throw refuse('a map key that is neither integer nor text');
    }
    if (parent) parent.left--;
    switch (major) {
      case MAJOR.unsigned:
      case MAJOR.negative:
        break;
      case MAJOR.bytes:
      case MAJOR.text:
        if (value > bytes.length - at) throw refuse('ends too early');
        if (major === MAJOR.text && !isUtf8(bytes.subarray(at, at + value))) throw refuse('text that is not UTF-8');
        at += value;
        break;
      case MAJOR.array:
      case MAJOR.map: {
        if (open.length >= maxDepth) throw refuse('nested too deep');
        const items = major === MAJOR.map ? value * 2 : value;
        if (items > bytes.length - at) throw refuse('ends too early');
        open.push({ left: items, isMap: major === MAJOR.map, keyStart: -1, keyEnd: -1 });
        break;
      }
      default:
        if (major !== 7) throw refuse('a tag');
        if (info < 20 || info > 22) throw refuse('a float, undefined or another simple value');
    }
    if (isKey && parent) {
      if (parent.keyStart >= 0) {
        const order = compare(bytes, parent.keyStart, parent.keyEnd, start, at);
        if (order === 0) throw refuse('a duplicate map key');
        if (order > 0) ordered = false;
      }
      parent.keyStart = start;
      parent.keyEnd = at;
    }
    while (open.at(-1)?.left === 0) open.pop();
  } while (open.length > 0);
  if (at !== bytes.length && options.prefix !== true) throw refuse(`${bytes.length - at} bytes after the end`);
  return { ordered, length: at };
}
