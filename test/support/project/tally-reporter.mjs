/**
 * A vitest reporter that writes every test with its state, and the reason of a skip, to the JSON file that
 * UNLOCKD_TALLY names; run-tests.mjs reads it. Modules that do not load and errors outside of tests count as failed.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';

export default class TallyReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const lines = [];
    for (const module of modules) {
      const file = relative(process.cwd(), module.moduleId).replaceAll('\\', '/');
      for (const test of module.children.allTests()) {
        const result = test.result();
        lines.push({
          file,
          title: test.fullName,
          state: result.state === 'pending' ? 'skipped' : result.state,
          note: result.note ?? null,
        });
      }
      const broken = [...module.errors(), ...[...module.children.allSuites()].flatMap((suite) => suite.errors())];
      for (const error of broken) lines.push({ file, title: error.message ?? 'error', state: 'failed', note: null });
    }
    for (const error of unhandledErrors) {
      lines.push({ file: '(outside of tests)', title: error.message ?? 'error', state: 'failed', note: null });
    }
    const target = process.env.UNLOCKD_TALLY;
    if (!target) return;
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, JSON.stringify(lines));
  }
}
