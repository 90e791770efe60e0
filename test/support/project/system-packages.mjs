/**
 * Sees that the Debian packages of packages.json are there. As root on Debian or its kin it installs what is missing;
 * otherwise it prints the exact line to run and fails. It has no dependencies, and writes to stderr only.
 *
 * usage: node test/support/project/system-packages.mjs [demo|test|radio|lab] [--check]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const say = (text) => process.stderr.write(`${text}\n`);
const scope = ['demo', 'radio', 'lab'].find((name) => process.argv.includes(name)) ?? 'test';
const checkOnly = process.argv.includes('--check');
const list = JSON.parse(readFileSync(new URL('packages.json', import.meta.url), 'utf8')).packages;
const wanted = list.filter((entry) => entry.for.includes(scope));

const onPath = (program) => {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => existsSync(join(folder, program)));
};

/** Names of the packages that dpkg does not call installed; null where there is no dpkg. */
function missingOfDpkg() {
  if (!onPath('dpkg-query')) return null;
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholders are dpkg-query's
  const { stdout } = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Abbrev} ${Package}\n'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const installed = new Set(
    (stdout ?? '')
      .split('\n')
      .filter((line) => line.startsWith('ii'))
      .map((line) => line.split(/\s+/)[1]),
  );
  return wanted.filter((entry) => !installed.has(entry.name));
}

/** On other systems only the programs can be looked for. */
const missingPrograms = () => wanted.filter((entry) => entry.program !== undefined && !onPath(entry.program));

function listsAreMissing() {
  try {
    return !readdirSync('/var/lib/apt/lists').some((name) => /_Packages(\.\w+)?$/.test(name));
  } catch {
    return true;
  }
}

const apt = (...args) => {
  const { status } = spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=400', ...args], {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return status === 0;
};

/** Tests start the daemons that they need where they need them: a package that starts its own would change this machine. */
function withoutServices(install) {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) return install();
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return install();
  } finally {
    rmSync(policy, { force: true });
  }
}

function main() {
  if (process.platform !== 'linux') {
    say(`system packages: only Linux has them; on ${process.platform} nothing is checked`);
    return 0;
  }
  const missing = missingOfDpkg();
  if (missing === null) {
    const absent = missingPrograms();
    say('system packages: this is not Debian. Needed, by their Debian names:');
    for (const entry of wanted) say(`  ${entry.name}: ${entry.why}`);
    if (absent.length === 0) return 0;
    say(`Not found on PATH: ${absent.map((entry) => entry.program).join(', ')}`);
    return 1;
  }
  if (missing.length === 0) return 0;

  const names = missing.map((entry) => entry.name);
  const line = `apt-get update && apt-get install -y --no-install-recommends ${names.join(' ')}`;
  say('system packages missing:');
  for (const entry of missing) say(`  ${entry.name}: ${entry.why}`);
  if (checkOnly || process.getuid?.() !== 0) {
    say(`Install them as root, then start again:\n  sudo sh -c '${line}'`);
    return 1;
  }
  const install = () => withoutServices(() => apt('install', '-y', '--no-install-recommends', ...names));
  if (listsAreMissing() && !apt('update')) {
    say('apt-get update failed; its messages are above');
    return 1;
  }
  // Lists that are there may be too old for the mirror: one more try with fresh ones.
  if (!install() && !(apt('update') && install())) {
    say(`The packages could not be installed. The line was:\n  ${line}`);
    return 1;
  }
  return 0;
}

process.exitCode = main();
