/** The runner of `npm test`: its last line, its lanes, and that it cannot call a broken run good. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../../support/project/source-tree.ts';

let project: string;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'unlockd-runner-'));
  cpSync(join(PROJECT_ROOT, 'test/support/project'), join(project, 'test/support/project'), {
    recursive: true,
    filter: (path) => !path.endsWith('.ts'),
  });
  symlinkSync(join(PROJECT_ROOT, 'node_modules'), join(project, 'node_modules'));
  // The packages of the real list may be missing where this runs; the runner is what is tested here.
  writeFileSync(join(project, 'test/support/project/packages.json'), '{ "packages": [] }');
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(project, 'vitest.config.mjs'), 'export default { test: { include: ["test/**/*.test.mjs"] } };');
  const tsconfig = {
    compilerOptions: { outDir: 'dist', rootDir: '.', skipLibCheck: true, types: [] },
    include: ['agent'],
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(tsconfig));
  mkdirSync(join(project, 'agent'));
  mkdirSync(join(project, 'test/unit'), { recursive: true });
  source('export const one: number = 1;');
});
afterEach(() => rmSync(project, { recursive: true, force: true }));

const source = (text: string) => writeFileSync(join(project, 'agent/one.ts'), `${text}\n`);
const tests = (...lines: string[]) =>
  writeFileSync(
    join(project, 'test/unit/a.test.mjs'),
    ["import { describe, expect, it } from 'vitest';", ...lines].join('\n'),
  );

/** A filter leaves lint and dead code out, which need the settings of the real project. */
function run(): { status: number | null; lines: string[]; last: string | undefined } {
  const { stdout, status } = spawnSync(process.execPath, ['test/support/project/run-tests.mjs', 'test/unit'], {
    cwd: project,
    encoding: 'utf8',
    env: { ...process.env, VITEST: undefined, NODE_OPTIONS: undefined, FORCE_COLOR: '0' },
  });
  const lines = stdout.trimEnd().split('\n');
  return { status, lines, last: lines.at(-1) };
}

describe('npm test', () => {
  it('ends with the count as its last line, after skips, their reasons, and lanes', () => {
    tests(
      "it('adds', () => expect(1 + 1).toBe(2));",
      "it.skip('a device: set UNLOCKD_TEST_TPM', () => {});",
      "it('asks for a reason', ({ skip }) => skip('no moon tonight'));",
    );
    const { status, lines, last } = run();
    expect(last).toBe('1 passed, 0 failed, 2 skipped');
    expect(status).toBe(0);
    expect(lines).toContain('  test/unit/a.test.mjs: a device: set UNLOCKD_TEST_TPM');
    expect(lines).toContain('  test/unit/a.test.mjs: asks for a reason (no moon tonight)');
    expect(lines).toContain('  mock     ran, 1 passed');
    expect(lines.find((line) => line.startsWith('  hardware'))).toMatch(/did not run: .*UNLOCKD_TEST_TPM/);
  });

  it('fails with a failing test', () => {
    tests("it('adds', () => expect(1 + 1).toBe(3));");
    expect(run()).toMatchObject({ status: 1, last: '0 passed, 1 failed, 0 skipped' });
  });

  it('counts a build that fails, and still runs the tests', () => {
    source('export const one: number = "one";');
    tests("it('adds', () => expect(1 + 1).toBe(2));");
    expect(run()).toMatchObject({ status: 1, last: '1 passed, 1 failed, 0 skipped' });
  });

  it('fails with a test file that does not load', () => {
    tests("import './gone.mjs';");
    expect(run()).toMatchObject({ status: 1, last: '0 passed, 1 failed, 0 skipped' });
  });

  it('fails with an error that belongs to no test', () => {
    tests(
      "it('adds', async () => { setTimeout(() => { throw new Error('late'); }, 0); await new Promise((r) => setTimeout(r, 50)); });",
    );
    expect(run()).toMatchObject({ status: 1, last: '1 passed, 1 failed, 0 skipped' });
  });

  it('fails when no test is found, and when the runner is ended', () => {
    expect(run()).toMatchObject({ status: 1 });
    tests("it('ends', () => process.kill(process.ppid, 'SIGKILL'));");
    const { status, last } = run();
    expect(status).toBe(1);
    expect(last).toMatch(/^0 passed, [1-9]\d* failed, 0 skipped$/);
  });
});
