/** How the mutants of the policy room are tried: fewer generated cases, since each runs a thousand times, of a fixed seed. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/mutation/all.ts'],
    runner: './test/mutation/runner.ts',
    env: { UNLOCKD_POLICY_CASES: '0.02', UNLOCKD_POLICY_SEED: '20260101' },
    testTimeout: 60_000,
    pool: 'threads',
    maxWorkers: 1,
  },
});
