/** Randomness as a parameter: production uses the kernel's, tests a seeded one. */
import { randomFillSync } from 'node:crypto';

export interface Entropy {
  /** `count` fresh random bytes in a buffer of their own (not from a pool). */
  bytes(count: number): Uint8Array<ArrayBuffer>;
}

export const systemEntropy: Entropy = {
  bytes: (count) => randomFillSync(new Uint8Array(count)),
};
