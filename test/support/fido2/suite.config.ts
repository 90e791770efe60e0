/** The client's suite on a pipe of its own: one thread, files one after the other, sharing their modules and so the pipe. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/scenario/fido2/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'threads',
    maxWorkers: 1,
    fileParallelism: false,
    isolate: false,
    reporters: ['json'],
  },
});
