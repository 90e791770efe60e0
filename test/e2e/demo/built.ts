/**
 * Tests of processes run them from the build. `npm test` has made it just before; for whoever runs one test alone, it is
 * made here when a source is newer.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const DIST = join(ROOT, 'dist');
const FOLDERS = [
  'agent',
  'drivers',
  'hal-mocks',
  'test/demo',
  'test/attacker',
  'test/support/umockdev',
  'test/support/api',
];
const PROGRAMS = [
  ...['agent/main.js', 'agent/ctl.js', 'hal-mocks/fido2/main.js'],
  ...['test/demo/main.js', 'test/support/api/fake-daemon.js'],
];

function* stale(folder: string): Generator<string> {
  for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (entry.name !== '__pycache__') yield* stale(path);
      continue;
    }
    if (!/\.(ts|py)$/.test(entry.name)) continue;
    const built = join(DIST, path.replace(/\.ts$/, '.js'));
    if (!existsSync(built) || statSync(built).mtimeMs < Math.floor(statSync(join(ROOT, path)).mtimeMs)) yield path;
  }
}

/** Builds dist/ unless it is newer than its sources. */
export function requireBuild(): void {
  if (FOLDERS.every((folder) => stale(folder).next().done)) return;
  const ended = spawnSync(process.execPath, [join(ROOT, 'test/support/project/build.mjs')], { encoding: 'utf8' });
  // What does not pass the type check is compiled all the same, and the checks of the project say so.
  const made = PROGRAMS.every((program) => existsSync(join(DIST, program)));
  if (ended.status !== 0 && !made) throw new Error(`the build fails: ${ended.stderr}`);
}
