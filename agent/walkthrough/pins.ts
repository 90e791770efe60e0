/** The PINs of a run: made up when their name is first used, all different, zeroed at its end. */
import type { Entropy } from '../../drivers/base/entropy.ts';
import { Secret } from '../../drivers/base/secret.ts';

const LENGTH = 8;
const ZERO = 0x30;

/** Digits of which no three go on in equal steps: neither 1111 nor 1234 is a PIN that every policy takes. */
function digits(entropy: Entropy): Uint8Array {
  const out = new Uint8Array(LENGTH);
  for (let at = 0; at < LENGTH; ) {
    const [byte = 255] = entropy.bytes(1);
    if (byte >= 250) continue;
    const digit = ZERO + (byte % 10);
    const [before = 0, last = 0] = [out[at - 2], out[at - 1]];
    if (at >= 2 && digit - last === last - before) continue;
    out[at++] = digit;
  }
  return out;
}

export class Pins implements Disposable {
  readonly #entropy: Entropy;
  readonly #known = new Map<string, Secret>();

  constructor(entropy: Entropy) {
    this.#entropy = entropy;
  }

  /** A copy, the caller's own. */
  typed(name: string): Secret {
    let pin = this.#known.get(name);
    while (pin === undefined) {
      const made = Secret.take(digits(this.#entropy));
      if ([...this.#known.values()].some((other) => other.equals(made))) made.dispose();
      else pin = made;
    }
    this.#known.set(name, pin);
    return pin.clone();
  }

  [Symbol.dispose](): void {
    for (const pin of this.#known.values()) pin.dispose();
  }
}
