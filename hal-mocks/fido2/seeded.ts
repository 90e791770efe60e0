/** Randomness from a seed (SHA-256 in counter mode), so that a run of the virtual authenticator can be repeated. */
import { createHash } from 'node:crypto';
import { concat, u64, utf8 } from '../../drivers/base/bytes.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';

export function seededEntropy(seed: Uint8Array): Entropy {
  let counter = 0n;
  return {
    bytes: (count) => {
      const out = new Uint8Array(count);
      for (let at = 0; at < count; at += 32) {
        const block = createHash('sha256')
          .update(concat(utf8('unlockd seeded'), seed, u64(counter++)))
          .digest();
        out.set(block.subarray(0, count - at), at);
      }
      return out;
    },
  };
}
