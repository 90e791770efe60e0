/**
 * Completes package-lock.json after `npm install` on a machine whose registry does not carry the packages of other
 * platforms: npm leaves those optional packages out of the lockfile, and `npm ci` of npm 11 then refuses it. Each gets
 * an entry with its version and the platform that its name tells, so that npm skips it where it does not fit.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const PROCESSORS = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

/** @returns os, cpu and libc as package.json has them, read off a name like `@scope/binding-linux-x64-musl` */
export function platformOf(name) {
  const words = name.split(/[/_-]/);
  const os = SYSTEMS.filter((system) => words.includes(system));
  const cpu = PROCESSORS.filter((processor) => words.includes(processor));
  const libc = words.some((word) => word.startsWith('musl'))
    ? ['musl']
    : words.some((word) => word.startsWith('gnu'))
      ? ['glibc']
      : [];
  return {
    ...(os.length > 0 && { os }),
    ...(cpu.length > 0 && { cpu }),
    ...(os.includes('linux') && libc.length > 0 && { libc }),
  };
}

/** Where node would find `name` from the package at `from`: the nearest node_modules upward. */
function resolved(packages, from, name) {
  for (let base = from; base !== ''; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
    const path = `${base}/node_modules/${name}`;
    if (packages[path]) return path;
  }
  return packages[`node_modules/${name}`] ? `node_modules/${name}` : null;
}

/** @returns the optional packages that the lockfile names but has no entry for, with their entry */
export function missingEntries(lock) {
  const missing = new Map();
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
      const version = range.replace(/^[\^~>=\s]+/, '');
      const found = resolved(lock.packages, path, name);
      if (found !== null && (version !== range || lock.packages[found].version === version)) continue;
      // Beside the package that wants it, so that two versions of a package keep theirs apart.
      const folder = path.slice(0, path.lastIndexOf('node_modules/') + 12) || 'node_modules';
      missing.set(`${folder}/${name}`, {
        version,
        ...(entry.dev && { dev: true }),
        optional: true,
        ...platformOf(name),
      });
    }
  }
  return missing;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = join(fileURLToPath(new URL('../../../', import.meta.url)), 'package-lock.json');
  const lock = JSON.parse(readFileSync(file, 'utf8'));
  const missing = missingEntries(lock);
  for (const [path, entry] of missing) lock.packages[path] = entry;
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  process.stderr.write(`${missing.size} entries added\n`);
}
