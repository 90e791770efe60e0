import { defineConfig } from 'vitest/config';

/** Tests of code that keeps nothing between two files: they share processes, which costs a third of a process for each. */
const SHARING = ['test/unit/**/*.test.ts', 'test/property/**/*.test.ts'];
/** koffi knows its types by name for as long as the process lives. */
const ALONE = ['test/unit/windows-signals/**'];
const EXCLUDED = ['test/lab/**', 'test/hardware/**', 'node_modules/**', 'dist/**'];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'sharing', include: SHARING, exclude: [...EXCLUDED, ...ALONE], isolate: false } },
      { extends: true, test: { name: 'alone', include: ['test/**/*.test.ts'], exclude: [...EXCLUDED, ...SHARING] } },
      { extends: true, test: { name: 'koffi', include: ['test/unit/windows-signals/**/*.test.ts'] } },
    ],
  },
});
