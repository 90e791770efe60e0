/** `npm ci` has to work from the committed lockfile with npm 10 and npm 11, on any platform and with any registry. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../../support/project/source-tree.ts';

interface Lock {
  readonly packages: Record<
    string,
    { readonly version?: string; readonly optionalDependencies?: Record<string, string> }
  >;
}
const script: string = join(PROJECT_ROOT, 'test/support/project/complete-lockfile.mjs');
const { missingEntries, platformOf } = (await import(script)) as {
  missingEntries(lock: Lock): Map<string, { version: string; optional: true }>;
  platformOf(name: string): Record<string, string[]>;
};

describe('the lockfile', () => {
  const text = readFileSync(join(PROJECT_ROOT, 'package-lock.json'), 'utf8');
  const lock: Lock = JSON.parse(text);

  it('has an entry for the packages of every platform (else: node test/support/project/complete-lockfile.mjs)', () => {
    expect([...missingEntries(lock).keys()]).toEqual([]);
  });

  it('names the version of every package and no address of a registry', () => {
    const nameless = Object.entries(lock.packages).filter(([path, { version }]) => path !== '' && !version);
    expect(nameless).toEqual([]);
    expect(text).not.toMatch(/"resolved":\s*"https?:/);
  });
});

describe('its completion', () => {
  it.each([
    ['@oxc-parser/binding-linux-x64-musl', { os: ['linux'], cpu: ['x64'], libc: ['musl'] }],
    ['@oxc-parser/binding-linux-arm-gnueabihf', { os: ['linux'], cpu: ['arm'], libc: ['glibc'] }],
    ['@biomejs/cli-win32-arm64', { os: ['win32'], cpu: ['arm64'] }],
    ['@rolldown/binding-wasm32-wasi', { cpu: ['wasm32'] }],
  ])('reads the platform off %s', (name, platform) => {
    expect(platformOf(name)).toEqual(platform);
  });

  it('puts what is missing beside the package that wants it, and leaves alone what is there', () => {
    const optionalDependencies = { 'a-linux-x64': '2.0.0', 'a-win32-x64': '2.0.0' };
    const packages = {
      '': {},
      'node_modules/a': { version: '2.0.0', optionalDependencies },
      'node_modules/a-linux-x64': { version: '2.0.0' },
      'node_modules/b/node_modules/a': { version: '1.0.0', optionalDependencies: { 'a-linux-x64': '1.0.0' } },
    };
    expect([...missingEntries({ packages })]).toMatchObject([
      ['node_modules/a-win32-x64', { version: '2.0.0', optional: true, os: ['win32'], cpu: ['x64'] }],
      ['node_modules/b/node_modules/a-linux-x64', { version: '1.0.0' }],
    ]);
  });
});
