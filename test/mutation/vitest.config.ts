/**
 * The tests that mutants of the policy room have to get past: its tables of sentences and the two comparisons of
 * evaluators, shortened, since each runs a thousand times. The seed is fixed, so that a run can be repeated.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/unit/policy/*.test.ts', 'test/property/policy/{oracle,incremental}.test.ts'],
    exclude: ['test/unit/policy/{json-schema,native-toml,native-json}.test.ts'],
    env: { UNLOCKD_POLICY_CASES: '0.1', UNLOCKD_POLICY_SEED: '20260101' },
    testTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 1,
  },
});
