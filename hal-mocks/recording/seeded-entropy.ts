/**
 * Randomness that can be had again: for runs that are recorded, and for their replay. Each consumer has a stream of its own, and
 * in it each length, so that two of them that draw at the same time do not depend on who comes first. Whoever knows the seed
 * knows every secret of such a run, so it is for machines that are made for one run and thrown away.
 */
import { createHash, createHmac } from 'node:crypto';
import { concat, utf8 } from '../../drivers/base/bytes.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';

export const SEED_BYTES = 32;
const BLOCK = 32;

/** What a transcript tells of its seed: enough to know it by, and nothing more. Hexadecimal. */
export const seedName = (seed: Uint8Array): string =>
  createHash('sha256').update('unlockd recording seed v1\0').update(seed).digest('hex');

/** @param seed {@link SEED_BYTES} bytes; kept, not copied @param stream who draws */
export function seededEntropy(seed: Uint8Array, stream: string): Entropy {
  const drawn = new Map<number, number>();
  return {
    bytes: (count) => {
      const draw = drawn.get(count) ?? 0;
      drawn.set(count, draw + 1);
      const blocks: Uint8Array[] = [];
      for (let block = 0; block * BLOCK < count; block++) {
        const name = utf8(`${stream}/${count}/${draw}/${block}`);
        blocks.push(createHmac('sha256', seed).update(name).digest());
      }
      const all = concat(...blocks);
      const out = all.slice(0, count);
      for (const each of [...blocks, all]) each.fill(0);
      return out;
    },
  };
}
