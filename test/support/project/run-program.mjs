/**
 * Builds, then runs one of the project's programs from dist/test with the arguments passed on, and exits as it does:
 * `node test/support/project/run-program.mjs bench --json`. Its own words go to stderr: stdout is the program's.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, ROOT } from './build.mjs';

/** Which list of system packages each program needs; null: none. */
const PROGRAMS = {
  demo: 'demo',
  bench: 'test',
  crash: 'test',
  fuzz: 'test',
  oracle: 'test',
  radio: 'radio',
  lab: 'lab',
  proximity: null,
};

/** @returns the exit status */
export function runProgram(name, args) {
  const scope = PROGRAMS[name];
  if (scope === undefined) {
    process.stderr.write(`unknown program ${name}; there are: ${Object.keys(PROGRAMS).join(', ')}\n`);
    return 2;
  }
  const packages = fileURLToPath(new URL('system-packages.mjs', import.meta.url));
  if (scope !== null && spawnSync(process.execPath, [packages, scope], { stdio: ['ignore', 2, 2] }).status !== 0)
    return 1;
  if (!build()) {
    process.stderr.write('the build failed; the messages are above\n');
    return 1;
  }
  const program = join(ROOT, 'dist/test', name, 'main.js');
  if (!existsSync(program)) {
    process.stderr.write(`test/${name}/main.ts is not there\n`);
    return 1;
  }
  const { status, signal, error } = spawnSync(process.execPath, [program, ...args], { cwd: ROOT, stdio: 'inherit' });
  if (error) process.stderr.write(`${error.message}\n`);
  return status ?? 128 + (signal ? (constants.signals[signal] ?? 0) : 1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name = '', ...args] = process.argv.slice(2);
  process.exitCode = runProgram(name, args);
}
