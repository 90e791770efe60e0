/**
 * Holds the whole tree against the import table of docs/architecture.md and against the rules that no linter knows:
 * time and randomness by parameter, no cycles, a reason for every suppression, small files. The first half shows that
 * each checker fails on a source that is wrong.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AMBIENT_ALLOWED, ambientUses } from './support/project/ambient-use.ts';
import { cycles, importTable, roomOf, violations } from './support/project/import-check.ts';
import { importsOf } from './support/project/module-imports.ts';
import { PROJECT_ROOT, readSources } from './support/project/source-tree.ts';
import { unexplainedSuppressions } from './support/project/suppressions.ts';

const check = (file: string, source: string) => violations(new Map([[file, source]]));

describe('the reader of imports', () => {
  it.each([
    ["import { a } from './a.ts';", './a.ts', 'values'],
    ["import './a.ts';", './a.ts', 'values'],
    ["import type { A } from './a.ts';", './a.ts', 'types'],
    ["import { type A, type B } from './a.ts';", './a.ts', 'types'],
    ["import { type A, b } from './a.ts';", './a.ts', 'values'],
    ["export * from './a.ts';", './a.ts', 'values'],
    ["export { a } from './a.ts';", './a.ts', 'values'],
    ["export type { A } from './a.ts';", './a.ts', 'types'],
    ["const a = await import('./a.ts');", './a.ts', 'dynamic'],
    ['const a = await import(name);', '*computed*', 'dynamic'],
    ["type A = import('./a.ts').A;", './a.ts', 'types'],
    ["const a = require('a');", 'a', 'dynamic'],
  ])('reads %s', (source, specifier, mode) => {
    expect(importsOf('x.ts', source)).toEqual([{ specifier, mode, line: 1 }]);
  });

  it('refuses a source that does not parse', () => {
    expect(() => importsOf('x.ts', 'import {')).toThrow(/does not parse/);
  });
});

describe('the import table refuses', () => {
  it.each([
    ['drivers/base/x.ts', "import '../hal/hid.ts';"],
    ['drivers/base/x.ts', "import 'cborg';"],
    ['drivers/hal/x.ts', "import { concat } from '../base/bytes.ts';"],
    ['drivers/fido2/x.ts', "import '../tpm2/index.ts';"],
    ['drivers/fido2/x.ts', "import type { A } from '../tpm2/index.ts';"],
    ['drivers/fido2/x.ts', "import 'node-hid';"],
    ['drivers/fido2/x.ts', "await import('node-hid');"],
    ['drivers/fido2/x.ts', "import 'node:fs';"],
    ['drivers/fido2/wire/x.ts', "import '../channel.ts';"],
    ['drivers/linux/x.ts', "import '../fido2/channel.ts';"],
    ['hal-mocks/x.ts', "import '../drivers/linux/hid/host.ts';"],
    ['hal-mocks/x.ts', "import '../drivers/fido2/channel.ts';"],
    ['agent/policy/x.ts', "import 'node:fs';"],
    ['agent/policy/x.ts', "import 'zod';"],
    ['agent/policy/x.ts', "import { systemClock } from '../../drivers/base/clock.ts';"],
    ['agent/policy/x.ts', "import '../container/state.ts';"],
    ['agent/unlock/x.ts', "import '../release/release.ts';"],
    ['agent/container/x.ts', "import '../api/ports.ts';"],
    ['agent/release/x.ts', "import '../policy/evaluate.ts';"],
    ['agent/api/x.ts', "import { C } from '../container/state.ts';"],
    ['agent/api/x.ts', "import type { R } from '../release/release.ts';"],
    ['agent/cli/x.ts', "import '../release/release.ts';"],
    ['agent/cli/x.ts', "import '../api/server.ts';"],
    ['agent/cli/run.ts', "import '../../drivers/linux/hid/host.ts';"],
    ['agent/composition.ts', "import '../hal-mocks/mock-machine.ts';"],
    ['agent/main.ts', "import { x } from '../test/support/x.ts';"],
    ['agent/main.ts', 'await import(process.argv[2]);'],
    ['agent/other.ts', ''],
    ['tools/x.ts', ''],
  ])('in %s: %s', (file, source) => {
    expect(check(file, source)).toHaveLength(1);
  });
});

describe('the import table permits', () => {
  it.each([
    ['drivers/hal/x.ts', "import type { Bytes } from '../base/bytes.ts';"],
    [
      'drivers/fido2/x.ts',
      "import '../hal/hid.ts'; import '../base/bytes.ts'; import './wire/cbor.ts'; import 'ipaddr.js';",
    ],
    ['drivers/linux/x.ts', "import 'node-hid'; import 'koffi'; import 'node:fs'; import '../hal/hid.ts';"],
    ['hal-mocks/fido2/x.ts', "import '../../drivers/fido2/wire/cbor.ts';"],
    ['agent/policy/forms/x.ts', "import 'zod'; import '../model.ts';"],
    ['agent/api/x.ts', "import type { C } from '../container/state.ts';"],
    ['agent/cli/x.ts', "import '../api/client.ts'; import type { P } from '../api/ports.ts'; import 'commander';"],
    ['agent/composition.ts', "import './release/release.ts'; await import('../hal-mocks/mock-machine.ts');"],
    ['test/unit/x.test.ts', "import '../../agent/release/release.ts';"],
  ])('in %s: %s', (file, source) => {
    expect(check(file, source)).toEqual([]);
  });

  it('puts a wire folder into a room of its own', () => {
    expect(roomOf('drivers/fido2/wire/cbor.ts')?.paths).toEqual(['drivers/*/wire']);
    expect(roomOf('drivers/fido2/channel.ts')?.paths).toEqual(['drivers/fido2']);
  });
});

describe('the other checkers', () => {
  it('name a cycle once, whichever file is read first, and not a dynamic one', () => {
    const a = ['d/a.ts', "import './b.ts';"] as const;
    const b = ['d/b.ts', "import type { A } from './a.ts';"] as const;
    const lazy = ['d/b.ts', "await import('./a.ts');"] as const;
    expect(cycles(new Map([a, b]))).toEqual(['d/a.ts -> d/b.ts -> d/a.ts']);
    expect(cycles(new Map([b, a]))).toEqual(['d/a.ts -> d/b.ts -> d/a.ts']);
    expect(cycles(new Map([a, lazy]))).toEqual([]);
  });

  it.each([
    'Date.now();',
    'globalThis.performance.now();',
    'new Date();',
    'Math.random();',
    'setTimeout(f, 1);',
    'globalThis.setInterval(f, 1);',
    'randomBytes(4);',
    'crypto.randomUUID();',
    'crypto.randomFillSync(b);',
    'AbortSignal.timeout(5);',
    'process.hrtime();',
    "import { setTimeout as sleep } from 'node:timers/promises';",
  ])('see the machine’s time or randomness in %s', (source) => {
    expect(ambientUses('x.ts', source)).toHaveLength(1);
  });

  it('let a date of a given instant and an injected clock pass', () => {
    expect(ambientUses('x.ts', 'new Date(clock.wall()); clock.now(); entropy.bytes(4); clearTimeout(t);')).toEqual([]);
  });

  it.each([
    '// biome-ignore lint/suspicious/noExplicitAny: any',
    '// biome-ignore lint/suspicious/noExplicitAny',
    '// @ts-expect-error',
    '// @ts-ignore because it is late',
    '// @ts-nocheck because it is late',
    '/* v8 ignore next */',
  ])('refuse the suppression %s', (source) => {
    expect(unexplainedSuppressions('x.ts', source)).toHaveLength(1);
  });

  it('accept a suppression that says why', () => {
    const source =
      '// biome-ignore lint/suspicious/noConsole: the report goes to a person\n// @ts-expect-error: wrong on purpose';
    expect(unexplainedSuppressions('x.ts', source)).toEqual([]);
  });
});

describe('the tree', () => {
  const all = readSources();
  const product = new Map([...all].filter(([file]) => !file.startsWith('test/')));

  it('is read at all', () => {
    expect(product.size).toBeGreaterThan(20);
  });

  it('imports only what the table permits', () => {
    expect(violations(all)).toEqual([]);
  });

  it('has no cycle between files', () => {
    expect(cycles(all)).toEqual([]);
  });

  it('takes time and randomness as parameters', () => {
    const allowed = new Set<string>(AMBIENT_ALLOWED);
    const uses = [...product].filter(([file]) => !allowed.has(file)).flatMap(([file, text]) => ambientUses(file, text));
    expect(uses).toEqual([]);
  });

  it('gives a reason for every suppression', () => {
    expect([...all].flatMap(([file, text]) => unexplainedSuppressions(file, text))).toEqual([]);
  });

  it('has no file over 400 lines, but for the tables of a specification', () => {
    const table = /\/wire\/(constants|response-codes|status-codes)\.ts$/;
    const long = [...all].filter(([file, text]) => !table.test(file) && text.split('\n').length > 401);
    expect(long.map(([file]) => file)).toEqual([]);
  });

  it('is described by the table in docs/architecture.md', () => {
    expect(readFileSync(join(PROJECT_ROOT, 'docs/architecture.md'), 'utf8')).toContain(importTable());
  });
});
