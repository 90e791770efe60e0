/**
 * A recording replayed as a process of its own, from the build: nothing but the replay keeps it alive while it waits for a
 * touch that never comes. The program itself is asked, with what a daemon refuses to compile switched off too.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import { builtPrograms } from '../../support/cli/built.ts';

const folder = mkdtempSync(join(tmpdir(), 'unlockd-replay-'));
const missing = await swtpmMissing();
let program = '';
beforeAll(() => {
  program = builtPrograms().ctl;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TEXT = `walkthrough: 1
name: Nobody touches it
about: The program waits for its own deadline.
given:
  keys: { blue: plugged }
  enrolled: { pin: mine, key: blue }
steps:
  - unlock: { pin: mine, touch: never }
    expect: { verdict: refused, events: [touch] }
`;

const run = (environment: NodeJS.ProcessEnv, ...args: readonly string[]) => {
  const flags = ['--disallow-code-generation-from-strings', program, 'walkthrough', 'run', 'mine.yaml'];
  return spawnSync(process.execPath, [...flags, ...args], {
    cwd: folder,
    env: environment,
    encoding: 'utf8',
    timeout: 100_000,
  });
};

describe(`a recording${missing === null ? '' : ` (${missing})`}`, () => {
  it.skipIf(missing !== null)('is replayed where there is no swtpm, to its end', { timeout: 200_000 }, () => {
    writeFileSync(join(folder, 'mine.yaml'), TEXT);
    const recorded = run(process.env, '--record', 'mine.tape');
    expect([recorded.status, recorded.stdout]).toEqual([0, expect.stringContaining('1 passed')]);
    const nowhere = { ...process.env, PATH: folder };
    expect(run(nowhere).status).not.toBe(0);
    const replayed = run(nowhere, '--replay', 'mine.tape');
    expect([replayed.status, replayed.stdout]).toEqual([0, expect.stringContaining('1 passed')]);
  });
});
