import { defineConfig } from 'vitest/config';
import { Sequencer } from './test/support/project/sequencer.ts';

/**
 * Tests that leave nothing behind in their process share it between files, each with modules of its own. A process for
 * each file costs more than most files do.
 */
const SHARING = ['unit', 'property', 'contract', 'scenario'].map((kind) => `test/${kind}/**/*.test.ts`);
/** koffi knows its types by name for as long as the process lives. */
const KOFFI = ['test/unit/windows-signals/**/*.test.ts'];
const EXCLUDED = ['test/lab/**', 'test/hardware/**', 'node_modules/**', 'dist/**'];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // One more than two cores: on average one of them waits for a device, a daemon or a guest.
    maxWorkers: 3,
    sequence: { sequencer: Sequencer },
    projects: [
      { extends: true, test: { name: 'sharing', include: SHARING, exclude: [...EXCLUDED, ...KOFFI], isolate: false } },
      { extends: true, test: { name: 'alone', include: ['test/**/*.test.ts'], exclude: [...EXCLUDED, ...SHARING] } },
      { extends: true, test: { name: 'koffi', include: KOFFI } },
    ],
  },
});
