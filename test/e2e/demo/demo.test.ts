/**
 * The demo as the program that people run: one JSON object and nothing else with `--json`, a report that needs no
 * network, and an exit status that says whether every step came out as expected.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import { readArguments } from '../../demo/arguments.ts';
import { type Ended, run } from '../../demo/child.ts';
import { reportHtml } from '../../demo/report.ts';
import { Scene, type StepResult } from '../../demo/scene.ts';
import { Stage } from '../../demo/stage.ts';
import { Script } from '../../demo/steps.ts';
import { missingForBridge } from '../../support/umockdev/bridge.ts';
import { DIST, requireBuild } from './built.ts';

const missing = (await swtpmMissing()) ?? missingForBridge();
const why = missing === null ? '' : ` (${missing})`;
const silent = { begin: () => undefined, end: () => undefined };

/** What makes a file need a network, or run something. */
const NEEDS_MORE =
  /\b(?:https?|ftp|wss?):|<script|<link|<iframe|<img|<object|<embed|\bsrc\s*=|@import|url\(|\bon\w+\s*=/i;

interface Printed {
  readonly ok: boolean;
  readonly steps: readonly Omit<StepResult, 'lines'>[];
  readonly report: string;
}

describe.skipIf(missing !== null)(`npm run demo -- --json${why}`, () => {
  let folder: string;
  let ended: Ended;
  let printed: Printed;
  let html: string;
  beforeAll(async () => {
    requireBuild();
    folder = await mkdtemp(join(tmpdir(), 'unlockd-demo-test-'));
    const report = join(folder, 'below', 'report.html');
    const temporary = { ...process.env, TMPDIR: folder };
    ended = await run([process.execPath, join(DIST, 'test/demo/main.js'), '--json', '--report', report], {
      env: temporary,
    });
    printed = JSON.parse(ended.stdout) as Printed;
    html = await readFile(printed.report, 'utf8');
  }, 120_000);
  afterAll(async () => {
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  it('prints one JSON object on one line and nothing else', () => {
    expect(ended.stdout.endsWith('}\n')).toBe(true);
    expect(ended.stdout.trimEnd()).not.toContain('\n');
    expect(Object.keys(printed)).toEqual(['ok', 'steps', 'report']);
    expect(ended.stderr).toBe('');
  });

  it('tells of each step its name, what was expected, what came, and how long it took', () => {
    for (const step of printed.steps) {
      expect(Object.keys(step)).toEqual(['name', 'expected', 'got', 'ok', 'ms']);
      for (const text of [step.name, step.expected, step.got]) expect(text.length).toBeGreaterThan(0);
      expect(Number.isSafeInteger(step.ms)).toBe(true);
    }
  });

  it('ends well only because every step did', () => {
    expect(printed.steps.filter(({ ok }) => !ok)).toEqual([]);
    expect(printed.ok).toBe(true);
    expect(ended.status).toBe(0);
  });

  it.each<[string, RegExp, RegExp]>([
    ['node-hid finds the key', /node-hid/, /^\/dev\/hidraw0 0xF1D0/],
    ['a user is enrolled under both factors', /^unlockctl enrol/, /bound-2/],
    ['the PIN alone is refused, and why', /not touched/, /ERR_POLICY_DENIED; missing: a security key/],
    ['both factors release the sealed key', /both factors/, /^granted; the released key is the sealed one$/],
    ['a wrong PIN is counted', /a wrong PIN/, /5 → 4 tries; the TPM counts 0 → 1/],
    ['the PIN is changed', /pin change/, /^changed; epoch \d+$/],
    ['the old PIN with the old files opens nothing', /old files/, /^0x126: refused by the TPM/],
    [
      'one factor opens nothing without evaluate()',
      /evaluate\(\) skipped/,
      /^all 4 attempts refused by the TPM: 0x1C4/,
    ],
  ])('shows that %s', (_what, name, got) => {
    expect(printed.steps.find((step) => name.test(step.name))?.got).toMatch(got);
  });

  it('leaves a report that stands alone: no address, no script, nothing to load', () => {
    expect(html).toMatch(/^<!doctype html>/i);
    expect(html).not.toMatch(NEEDS_MORE);
    for (const { name } of printed.steps)
      expect(html).toContain(name.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`));
    expect(html).toContain(`${printed.steps.length} of ${printed.steps.length} steps as expected`);
  });

  it('leaves nothing else behind', async () => {
    expect(await readdir(folder)).toEqual(['below']);
  });
});

describe('the arguments of the demo', () => {
  it.each([[['--bogus']], [['--json', '--bogus']], [['word']], [['--report']]])(
    '%j: a usage line and exit 2',
    (args) => {
      const read = readArguments(args);
      expect(read).toMatchObject({ status: 2, print: expect.stringMatching(/^[^\n]+\nusage: npm run demo .*\n$/) });
    },
  );

  it('--help: the usage line and exit 0', () => {
    expect(readArguments(['--help'])).toEqual({ status: 0, print: expect.stringMatching(/^usage: npm run demo/) });
  });

  it('may be none, or name the report', () => {
    expect(readArguments([])).toEqual({ json: false });
    expect(readArguments(['--json', '--report', 'x'])).toEqual({ json: true, report: 'x' });
  });

  it('that are wrong end the program at once, without a stack trace', async () => {
    requireBuild();
    const ended = await run([process.execPath, join(DIST, 'test/demo/main.js'), '--json', '--bogus']);
    expect([ended.status, ended.stdout]).toEqual([2, '']);
    expect(ended.stderr.trimEnd().split('\n')).toHaveLength(2);
  });
});

describe('the report', () => {
  const step = (over: Partial<StepResult>): StepResult => ({
    name: 'a step',
    expected: 'this',
    got: 'that',
    ok: true,
    ms: 5,
    lines: [],
    ...over,
  });
  const report = (steps: readonly StepResult[], ok: boolean) =>
    reportHtml({ startedAt: new Date(0), ok, steps, parts: [] });

  it('shows what devices and errors say as text, never as markup', () => {
    const html = report([step({ got: '<script src="x">', lines: ['<img onerror="y">', `"'&`] })], true);
    expect(html).not.toMatch(/<script|<img/);
  });

  it('says how many steps failed, and which', () => {
    const html = report([step({}), step({ name: 'the second', ok: false })], false);
    expect(html).toContain('1 of 2 steps as expected');
    expect(html).toMatch(/class="verdict bad"/);
  });
});

describe('a scene', () => {
  it('is not well while nothing was played', () => {
    expect(new Scene(silent).ok).toBe(false);
  });

  it('takes what a step throws as what was got, and goes on', async () => {
    const scene = new Scene(silent);
    expect(await scene.step('one', 'nothing', () => Promise.reject(new Error('it broke')))).toBe(false);
    expect(await scene.step('two', 'two', async () => ({ ok: true, got: 'two' }))).toBe(true);
    expect(scene.results.map(({ ok, got }) => [ok, got])).toEqual([
      [false, 'it broke'],
      [true, 'two'],
    ]);
    expect(scene.ok).toBe(false);
  });
});

describe.skipIf(missing !== null)(`a demo whose parts fail${why}`, () => {
  it('says which steps did not come out, when the security key has died', async () => {
    requireBuild();
    await using stage = await Stage.set();
    await stage.authenticator.stop();
    const scene = new Scene(silent);
    await new Script(stage, scene).play();
    expect(scene.ok).toBe(false);
    const failed = scene.results.filter(({ ok }) => !ok).map(({ name }) => name);
    expect(failed).toEqual(expect.arrayContaining(['unlockctl enrol', 'unlockctl unlock, both factors']));
  }, 120_000);

  it('ends with a status of its own, still as one JSON object, when there is no TPM to start', async () => {
    requireBuild();
    const folder = await mkdtemp(join(tmpdir(), 'unlockd-demo-test-'));
    try {
      const report = join(folder, 'report.html');
      const ended = await run([process.execPath, join(DIST, 'test/demo/main.js'), '--json', '--report', report], {
        env: { ...process.env, PATH: folder, TMPDIR: folder },
      });
      expect(ended.status).toBe(1);
      const printed = JSON.parse(ended.stdout) as Printed;
      expect(printed).toMatchObject({ ok: false, steps: [{ ok: false }], report });
      expect(await readFile(report, 'utf8')).toContain('0 of 1 steps as expected');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, 60_000);
});
