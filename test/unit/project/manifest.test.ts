/** package.json points at files that are there, runs on the Nodes that are claimed, and installs without scripts. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../../support/project/source-tree.ts';

const manifest: {
  readonly bin: Record<string, string>;
  readonly scripts: Record<string, string>;
  readonly engines: { readonly node: string };
  readonly license: string;
} = JSON.parse(readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8'));

describe('package.json', () => {
  it.each(Object.entries(manifest.bin))('%s has a source with a #! line', (_name, path) => {
    const source = join(PROJECT_ROOT, path.replace(/^dist\//, '').replace(/\.js$/, '.ts'));
    expect(existsSync(source)).toBe(true);
    expect(readFileSync(source, 'utf8')).toMatch(/^#!\/usr\/bin\/env .*node/);
  });

  it.each(Object.entries(manifest.scripts))('npm run %s starts files that are there', (_name, line) => {
    const files = line.match(/(?:dist\/)?test\/support\/project\/[\w-]+\.\w+/g) ?? [];
    const sources = files.map((file) => file.replace(/^dist\/(.*)\.js$/, '$1.ts'));
    expect(sources.filter((file) => !existsSync(join(PROJECT_ROOT, file)))).toEqual([]);
  });

  it('claims Node 20.19 and the MIT licence, and the licence is there', () => {
    expect(manifest).toMatchObject({ engines: { node: '>=20.19' }, license: 'MIT' });
    expect(readFileSync(join(PROJECT_ROOT, 'LICENSE'), 'utf8')).toContain('2026 the unlockd authors');
  });
});

describe('.ci/run', () => {
  const path = join(PROJECT_ROOT, '.ci/run');

  it('is a program that installs and tests, and nothing else', () => {
    expect(statSync(path).mode & 0o111).not.toBe(0);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines.at(-1)).toBe('npm ci && npm test');
    const commands = lines.filter((line) => !/^(#|set |cd |export |$)/.test(line));
    expect(commands).toEqual(['npm ci && npm test']);
  });
});
