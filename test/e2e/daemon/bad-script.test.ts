/** A script of surroundings that cannot be played: the daemon says where and what to do, in words, and does not start. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUILD } from '../../demo/stage.ts';
import { runToEnd } from '../../support/umockdev/bridge.ts';
import { requireBuild } from '../demo/built.ts';

let folder: string;
let script: string;
beforeEach(async () => {
  requireBuild();
  folder = await mkdtemp(join(tmpdir(), 'unlockd-script-'));
  script = join(folder, 'surroundings.jsonl');
  await writeFile(script, '{"kind":"wifi","unavailable":"no-device"}\n{"kind":"wifi", "observation": }\n');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const settings = (): string[] =>
  [
    `paths.state_dir=${folder}/state`,
    `paths.run_dir=${folder}/run`,
    `tpm.tcti=swtpm:path=${folder}/none.sock`,
    `simulation.surroundings=${script}`,
  ].flatMap((setting) => ['--set', setting]);
const daemon = (...more: string[]) =>
  runToEnd([process.execPath, join(BUILD, 'agent/main.js'), ...settings(), ...more]);

describe('a daemon that was to play a script which is none', () => {
  it('ends with status 2 and words: the file, the line, the column, and what to do', async () => {
    const { status, stderr } = await daemon();
    expect(status).toBe(2);
    expect(
      stderr
        .trimEnd()
        .split('\n')
        .filter((line) => !line.startsWith('{')),
    ).toEqual([
      `unlockd: ${script}:2:32: this is not JSON (ERR_HAL_MOCK_SCRIPT)`,
      expect.stringContaining('empty the setting that names the file, `simulation.surroundings`'),
    ]);
    expect(stderr).not.toMatch(/\bat .*\.js|"stack"|"level":"fatal"/);
  });

  it('writes it to its log as well where that is a file, without a stack', async () => {
    const file = join(folder, 'log');
    const { stderr } = await daemon('--set', `log.file=${file}`);
    expect(stderr).toContain('(ERR_HAL_MOCK_SCRIPT)');
    const last = (await readFile(file, 'utf8')).trimEnd().split('\n').at(-1) ?? '';
    expect(JSON.parse(last)).toMatchObject({ level: 'fatal', code: 'ERR_HAL_MOCK_SCRIPT' });
    expect(last).not.toContain('stack');
  });
});
