/** The pages agree with the code: what is generated is up to date, links lead somewhere, every package has a reason. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../agent/config/load.ts';
import { allSettings } from '../../../agent/config/settings.ts';
import { compileBranches } from '../../../agent/policy/branches.ts';
import { parseDocument } from '../../../agent/policy/forms/native-json.ts';
import { parseToml } from '../../../agent/policy/forms/native-toml.ts';
import { contextsOf, policyFor } from '../../../agent/policy/model.ts';
import { ERROR_CODES } from '../../../drivers/base/errors.ts';
import { generatedDocs } from '../../support/project/generated-docs.ts';
import { deadLinks } from '../../support/project/markdown-links.ts';
import { PROJECT_ROOT } from '../../support/project/source-tree.ts';

const read = (path: string) => readFileSync(join(PROJECT_ROOT, path), 'utf8');

function pages(): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (folder: string): void => {
    for (const entry of readdirSync(join(PROJECT_ROOT, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && (folder !== '' || entry.name === 'docs')) visit(path);
      else if (entry.name.endsWith('.md')) found.set(path, read(path));
    }
  };
  visit('');
  return found;
}

describe('generated pages', () => {
  it.each(generatedDocs().map((doc) => [doc.path, doc.content]))(
    '%s is what `npm run docs` writes',
    (path, content) => {
      expect(read(path)).toBe(content);
    },
  );

  it('name every error code', () => {
    const page = generatedDocs().find((doc) => doc.path.endsWith('errors.md'))?.content ?? '';
    expect(Object.keys(ERROR_CODES).filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
  });

  it.each(Object.entries(ERROR_CODES))('%s has a cause and a cure in sentences', (_code, { cause, cure }) => {
    expect([cause, cure].filter((text) => !/^[A-Z`].*[.!?]$/s.test(text.trim()))).toEqual([]);
  });
});

describe('the example configuration', () => {
  it('is valid as it is', () => {
    const copy = join(mkdtempSync(join(tmpdir(), 'unlockd-docs-')), 'unlockd.toml');
    writeFileSync(copy, read('docs/operations/unlockd.toml'), { mode: 0o600 });
    const config = loadConfig({ file: copy, env: {} });
    rmSync(dirname(copy), { recursive: true });
    expect(config.unlock.forSeconds).toBe(28_800);
  });
});

describe('the policies of the guide', () => {
  const guide = read('docs/guides/native-policy.md');
  const blocks = [...guide.matchAll(/^```(toml|json)\n([\s\S]*?)^```$/gm)].map(([, form = '', text = '']) => ({
    form,
    text,
  }));
  const documents = blocks.filter(({ text }) => text.includes('version'));

  it('are some, in both forms', () => {
    expect(documents.filter(({ form }) => form === 'toml').length).toBeGreaterThan(5);
    expect(documents.filter(({ form }) => form === 'json').length).toBeGreaterThan(1);
  });

  it.each(documents.map(({ form, text }) => [text, form]))('%s is accepted, in each of its contexts', (text, form) => {
    const document = form === 'toml' ? parseToml(text) : parseDocument(text);
    for (const context of contextsOf(document)) {
      expect(compileBranches(policyFor(document, context), { pinIsBound: true }).length).toBeGreaterThan(0);
    }
  });

  it('name a setting of the daemon as it is called', () => {
    const [other, ...more] = blocks.filter(({ text }) => !text.includes('version'));
    expect(more).toEqual([]);
    expect([...(other?.text ?? '').matchAll(/^(\w+) = /gm)].map(([, key]) => `policy.${key}`)).toEqual([
      'policy.document_key',
    ]);
    expect([...allSettings()].map(({ key }) => key)).toContain('policy.document_key');
  });
});

describe('links', () => {
  it('lead somewhere, on every page', () => {
    const all = pages();
    expect(all.size).toBeGreaterThan(8);
    expect(deadLinks(all, (path) => existsSync(join(PROJECT_ROOT, path)))).toEqual([]);
  });

  it.each([
    ['[a](gone.md)', 1],
    ['[a](b.md#nowhere)', 1],
    ['[a](#nowhere)', 1],
    ['[a](../../outside.md)', 1],
    ['[a](b.md#two-words-1)', 0],
    ['# Here\n[a](#here)', 0],
    ['[a](https://example.org/gone.md)', 0],
    ['`[a](gone.md)`', 0],
    ['```\n[a](gone.md)\n```', 0],
  ])('%j: %i dead', (text, count) => {
    const two = new Map([
      ['docs/a.md', text],
      ['docs/b.md', '# Two words\n## Two words\n'],
    ]);
    expect(deadLinks(two, (path) => two.has(path))).toHaveLength(count);
  });
});

describe('dependencies', () => {
  const manifest: Record<string, Record<string, string> | undefined> = JSON.parse(read('package.json'));
  const kinds = ['dependencies', 'optionalDependencies', 'peerDependencies', 'devDependencies'];
  const names = kinds.flatMap((kind) => Object.keys(manifest[kind] ?? {}));
  const record = read('docs/adr/0007-dependencies.md');
  const rows = [...record.matchAll(/^\| `([^`]+)` \|([^|]+)\|/gm)].map(([, name = '', reason = '']) => ({
    name,
    reason,
  }));

  it('have a reason each in ADR 7', () => {
    expect(rows.filter(({ reason }) => reason.trim().length > 10).map(({ name }) => name)).toEqual(
      expect.arrayContaining(names),
    );
  });

  it('are all still used: ADR 7 names none that is gone', () => {
    expect(rows.map(({ name }) => name).filter((name) => !names.includes(name))).toEqual([]);
  });
});
