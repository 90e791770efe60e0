/**
 * Builds dist/: tsc (incremental), then the files that are no TypeScript but belong to it, then away with output whose
 * source is gone. Writes to stderr only, so that programs built by it own their stdout.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const FOLDERS = ['agent', 'drivers', 'hal-mocks', 'test'];
/** What `bin` of package.json names; tsc makes no file executable. */
const PROGRAMS = ['dist/agent/main.js', 'dist/agent/ctl.js', 'dist/hal-mocks/fido2/main.js'];
/** Compiled by tsc, not copied. */
const COMPILED = /\.ts$/;
/** Scripts of the checkout and data that the tests read in place. */
const NOT_COPIED = /^test\/(support\/project|unit|property|contract|scenario|e2e)\/|\.md$/;

function* filesUnder(folder) {
  if (!existsSync(join(ROOT, folder))) return;
  for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (entry.name !== '__pycache__' && entry.name !== 'node_modules') yield* filesUnder(path);
    } else yield path;
  }
}

/** @returns whether everything compiled */
export function build() {
  const tsc = createRequire(import.meta.url).resolve('typescript/package.json');
  const { status } = spawnSync(process.execPath, [join(dirname(tsc), 'bin/tsc'), '-p', join(ROOT, 'tsconfig.json')], {
    cwd: ROOT,
    stdio: ['ignore', 2, 2],
  });
  for (const folder of FOLDERS) {
    for (const path of filesUnder(folder)) {
      if (COMPILED.test(path) || NOT_COPIED.test(path)) continue;
      mkdirSync(join(ROOT, 'dist', dirname(path)), { recursive: true });
      cpSync(join(ROOT, path), join(ROOT, 'dist', path), { preserveTimestamps: true });
    }
    for (const path of filesUnder(`dist/${folder}`)) {
      const source = path.slice('dist/'.length);
      const origin = source.endsWith('.js') ? source.replace(/\.js$/, '.ts') : source;
      if (!existsSync(join(ROOT, origin)) && !existsSync(join(ROOT, source))) rmSync(join(ROOT, path));
    }
  }
  for (const program of PROGRAMS) if (existsSync(join(ROOT, program))) chmodSync(join(ROOT, program), 0o755);
  return status === 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = build() ? 0 : 1;
