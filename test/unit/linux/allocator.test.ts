import { scryptSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { giveMemoryBack } from '../../../drivers/linux/allocator.ts';

const residentMb = (): number =>
  Number(/VmRSS:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'ascii'))?.[1] ?? 0) / 1024;

describe('the allocator', () => {
  it('takes its settings, and gives the memory of a derivation back', () => {
    expect(giveMemoryBack()).toBe(true);
    const before = residentMb();
    // 64 MB, so that what the test runner does meanwhile cannot hide it.
    scryptSync('pin', 'salt', 32, { N: 2 ** 16, r: 8, p: 1, maxmem: 2 ** 27 });
    expect(residentMb() - before).toBeLessThan(32);
  });
});
