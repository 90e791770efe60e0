/** The script that sees to Debian packages: what it says, what it calls, and that it never goes on with one missing. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../../support/project/source-tree.ts';

interface Entry {
  readonly name: string;
  readonly for: readonly string[];
  readonly why: string;
}
const list: Entry[] = JSON.parse(
  readFileSync(join(PROJECT_ROOT, 'test/support/project/packages.json'), 'utf8'),
).packages;
const root = process.getuid?.() === 0;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'unlockd-packages-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Puts a program on the PATH of the script. */
const program = (name: string, script: string) => {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
};
const dpkgKnows = (names: readonly string[]) =>
  program('dpkg-query', ["cat <<'END'", ...names.map((name) => `ii  ${name}`), 'rc  swtpm', 'END'].join('\n'));
/** Needs cat, which stands in /bin. */
const run = (...args: string[]) =>
  spawnSync(process.execPath, [join(PROJECT_ROOT, 'test/support/project/system-packages.mjs'), ...args], {
    encoding: 'utf8',
    env: { PATH: `${folder}:${join(folder, 'none')}` },
  });
const withCat = () => program('cat', 'while IFS= read -r line; do echo "$line"; done');

describe('the list', () => {
  it('has a reason and a use for every package', () => {
    expect(list.filter(({ why, for: uses }) => why.length < 10 || uses.length === 0)).toEqual([]);
    expect(list.flatMap((entry) => entry.for).filter((use) => !['demo', 'test', 'radio', 'lab'].includes(use))).toEqual(
      [],
    );
  });

  it('gives the tests all that the demo has', () => {
    expect(list.filter((entry) => entry.for.includes('demo') && !entry.for.includes('test'))).toEqual([]);
  });
});

describe('the script', () => {
  beforeEach(withCat);

  it('is silent and content when everything is installed', () => {
    dpkgKnows(list.map(({ name }) => name));
    expect(run('test')).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  it('prints the exact line for what is missing, with the reasons, and fails', () => {
    dpkgKnows(list.map(({ name }) => name).filter((name) => name !== 'swtpm' && name !== 'umockdev'));
    program('apt-get', `echo called > ${folder}/called`);
    const { status, stdout, stderr } = run('test', '--check');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('apt-get install -y --no-install-recommends swtpm umockdev');
    expect(stderr).toContain('the TPM 2.0 of every test');
    expect(existsSync(join(folder, 'called'))).toBe(false);
  });

  it('asks the demo for less than the tests', () => {
    dpkgKnows([]);
    expect(run('test', '--check').stderr).toContain('libfido2-dev');
    expect(run('demo', '--check').stderr).not.toContain('libfido2-dev');
  });

  it('asks the guest’s test for what nothing else needs', () => {
    dpkgKnows([]);
    expect(run('radio', '--check').stderr).toContain('qemu-system-x86');
    expect(run('radio', '--check').stderr).not.toContain('swtpm');
    expect(run('test', '--check').stderr).not.toContain('qemu-system-x86');
  });

  it.skipIf(!root)('installs with apt-get and waits for its lock (needs root)', () => {
    dpkgKnows(list.map(({ name }) => name).filter((name) => name !== 'swtpm'));
    program('apt-get', `echo "$@" >> ${folder}/called`);
    expect(run('test')).toMatchObject({ status: 0, stdout: '' });
    const calls = readFileSync(join(folder, 'called'), 'utf8').trim().split('\n');
    expect(calls.at(-1)).toBe('-o DPkg::Lock::Timeout=400 install -y --no-install-recommends swtpm');
  });

  it.skipIf(!root)('fails when apt-get fails, after one more try with fresh lists (needs root)', () => {
    dpkgKnows([]);
    program('apt-get', `echo "$3" >> ${folder}/called; [ "$3" = update ]`);
    const { status, stderr } = run('test');
    expect(status).toBe(1);
    expect(stderr).toContain('could not be installed');
    expect(readFileSync(join(folder, 'called'), 'utf8')).toMatch(/install\nupdate\ninstall\n$/);
  });

  it('names the packages on a system without dpkg, and fails when a program is not there', () => {
    const { status, stderr } = run('test');
    expect(status).toBe(1);
    expect(stderr).toContain('not Debian');
    expect(stderr).toMatch(/Not found on PATH: .*umockdev-wrapper/);
  });
});
