/**
 * Generated cases: a recording is taken and spoiled by a few edits, as a seed says. Sizes stay bounded, so that memory
 * that grows is the fault of who reads them.
 */

/** Bytes and words at which readers go wrong: ends of ranges, lengths, CBOR heads. */
const NOTABLE = [0, 1, 0x7f, 0x80, 0xff, 0x1b, 0x3b, 0x5b, 0x5f, 0x7b, 0x9b, 0x9f, 0xbb, 0xbf, 0xf6, 0xf7, 0xfb, 0x40];
const WORDS = [0, 1, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
const MAX_BYTES = 8192;

/** A stream of whole numbers that a seed makes (xorshift32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 0x9e3779b9;
  }

  /** 0 to `below` - 1. */
  roll(below: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return below <= 1 ? 0 : this.#state % below;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.roll(items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.roll(256));
  }
}

const splice = (bytes: Uint8Array, at: number, cut: number, put: Uint8Array): Uint8Array => {
  const out = new Uint8Array(bytes.length - cut + put.length);
  out.set(bytes.subarray(0, at));
  out.set(put, at);
  out.set(bytes.subarray(at + cut), at + put.length);
  return out;
};

function edit(bytes: Uint8Array, dice: Dice, others: readonly Uint8Array[]): Uint8Array {
  const at = dice.roll(bytes.length);
  const left = bytes.length - at;
  switch (dice.roll(9)) {
    case 0: {
      const flipped = new Uint8Array(bytes);
      if (left > 0) flipped[at] = (flipped[at] ?? 0) ^ (1 << dice.roll(8));
      return flipped;
    }
    case 1:
      return splice(bytes, at, Math.min(1, left), Uint8Array.of(dice.pick(NOTABLE)));
    case 2:
      return splice(bytes, at, Math.min(1 + dice.roll(8), left), new Uint8Array(0));
    case 3:
      return splice(bytes, at, 0, dice.bytes(1 + dice.roll(8)));
    case 4:
      return bytes.subarray(0, at);
    case 5: {
      const word = new Uint8Array(4);
      new DataView(word.buffer).setUint32(0, dice.pick(WORDS));
      const width = dice.roll(2) === 0 ? 2 : 4;
      return splice(bytes, at, Math.min(width, left), word.subarray(4 - width));
    }
    case 6: {
      const length = Math.min(1 + dice.roll(64), left);
      return splice(bytes, at, 0, bytes.subarray(at, at + length));
    }
    case 7: {
      const other = dice.pick(others);
      return splice(bytes, at, left, other.subarray(dice.roll(other.length)));
    }
    default:
      return splice(bytes, at, 0, new Uint8Array(1 + dice.roll(40)).fill(dice.pick(NOTABLE)));
  }
}

/** One case: a recording as it is, spoiled by up to five edits, or bytes of chance. */
export function mutate(recordings: readonly Uint8Array[], dice: Dice): Uint8Array {
  const kind = dice.roll(32);
  if (kind === 0) return dice.bytes(dice.roll(200));
  let bytes = dice.pick(recordings);
  if (kind === 1) return new Uint8Array(bytes);
  for (let edits = 1 + dice.roll(5); edits > 0; edits--) bytes = edit(bytes, dice, recordings);
  return new Uint8Array(bytes.subarray(0, MAX_BYTES));
}
