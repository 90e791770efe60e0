/**
 * `npm test`: system packages, build, checks, then every test that needs no special machine. Ends with the skips and
 * their reasons, the lanes that ran and why the others did not, and as its very last line
 * `N passed, N failed, N skipped`. A part that fails counts as one failed; the exit status is 0 only with none.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, ROOT } from './build.mjs';
import { CHECKS } from './check.mjs';
import { LANES } from './lanes.mjs';

const print = (text) => process.stdout.write(`${text}\n`);
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
/** A run that hangs still has to end with its line. Milliseconds. */
const LIMIT = 20 * 60 * 1000;
const tally = join(ROOT, 'reports', 'tally.json');

const systemPackages = (scope) =>
  spawnSync(process.execPath, [here('system-packages.mjs'), scope], { stdio: ['ignore', 1, 2] }).status === 0;

/** @returns the tests as lines, and what went wrong apart from them */
function tests(filters) {
  rmSync(tally, { force: true });
  const args = [
    join(ROOT, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--reporter=default',
    `--reporter=${here('tally-reporter.mjs')}`,
  ];
  const { status, signal } = spawnSync(process.execPath, [...args, ...filters], {
    cwd: ROOT,
    stdio: ['ignore', 1, 2],
    timeout: LIMIT,
    env: { ...process.env, UNLOCKD_TALLY: tally },
  });
  try {
    const lines = JSON.parse(readFileSync(tally, 'utf8'));
    const failedAnyway = status !== 0 && !lines.some((line) => line.state === 'failed');
    const broken = failedAnyway ? [`vitest ended with ${signal ?? `status ${status}`}`] : [];
    if (lines.length === 0) broken.push('no test ran');
    return { lines, broken };
  } catch (error) {
    return { lines: [], broken: [`vitest left no result (${signal ?? `status ${status}`}): ${error.message}`] };
  }
}

function report(lines, broken) {
  const of = (state) => lines.filter((line) => line.state === state);
  const skipped = of('skipped');
  if (skipped.length > 0) print('\nskipped:');
  for (const { file, title, note } of skipped) print(`  ${file}: ${title}${note ? ` (${note})` : ''}`);
  print('\nlanes:');
  for (const { name, owns, otherwise } of LANES) {
    const passed = lines.filter((line) => line.state === 'passed' && owns(line)).length;
    print(`  ${name.padEnd(8)} ${passed > 0 ? `ran, ${passed} passed` : `did not run: ${otherwise}`}`);
  }
  const failures = of('failed');
  if (failures.length + broken.length > 0) print('\nfailed:');
  for (const { file, title } of failures) print(`  ${file}: ${title}`);
  for (const text of broken) print(`  ${text}`);
  const failed = failures.length + broken.length;
  print(`\n${of('passed').length} passed, ${failed} failed, ${skipped.length} skipped`);
  return failed === 0 ? 0 : 1;
}

function main() {
  const filters = process.argv.slice(2);
  const broken = [];
  const step = (name, run) => {
    print(`\n== ${name}`);
    let ok = false;
    try {
      ok = run();
    } catch (error) {
      print(String(error));
    }
    if (!ok) broken.push(`step failed: ${name}`);
    return ok;
  };
  if (!step('system packages', () => systemPackages('test'))) return report([], broken);
  // Without them the short job of the lab is a skip that says what is missing.
  if (filters.length === 0) systemPackages('lab');
  step('build', build);
  if (filters.length === 0) for (const { name, run } of CHECKS) step(name, run);
  print('\n== tests');
  const result = tests(filters);
  return report(result.lines, [...broken, ...result.broken]);
}

process.exitCode = main();
