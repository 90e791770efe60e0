/**
 * `npm run check`: format and lint, types, dead code, and what the tests of the project itself say (import table,
 * suppressions with reasons, generated pages, links, dependencies). All parts run, also after one that fails.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, ROOT } from './build.mjs';

/** Runs a tool of node_modules; what it prints goes to stderr. @returns whether it was content */
function tool(entry, ...args) {
  const path = join(ROOT, 'node_modules', entry);
  if (!existsSync(path)) {
    process.stderr.write(`${entry} is not installed: run \`npm ci\`\n`);
    return false;
  }
  return spawnSync(process.execPath, [path, ...args], { cwd: ROOT, stdio: ['ignore', 2, 2] }).status === 0;
}

export const CHECKS = [
  { name: 'format and lint', run: () => tool('@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.') },
  { name: 'dead code', run: () => tool('knip/bin/knip.js', '--no-progress') },
];

function main() {
  const parts = [
    { name: 'types', run: build },
    ...CHECKS,
    {
      name: 'the project’s own rules',
      run: () => tool('vitest/vitest.mjs', 'run', 'test/architecture.test.ts', 'test/unit/project'),
    },
  ];
  let failed = 0;
  for (const { name, run } of parts) {
    const ok = run();
    if (!ok) failed += 1;
    process.stderr.write(`${ok ? 'ok    ' : 'FAILED'} ${name}\n`);
  }
  return failed === 0 ? 0 : 1;
}

if (process.argv[1] !== undefined && dirname(process.argv[1]) === dirname(fileURLToPath(import.meta.url))) {
  if (process.argv[1].endsWith('check.mjs')) process.exitCode = main();
}
