/** `unlockctl walkthrough check`, `list` and `new`. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ctl } from '../../support/cli/fake-deps.ts';

const folder = mkdtempSync(join(tmpdir(), 'unlockd-walkthrough-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, content?: string | Uint8Array): string => {
  const path = join(folder, name);
  if (content !== undefined) writeFileSync(path, content);
  return path;
};
const run = (...args: readonly string[]) => ctl('/nowhere', ['walkthrough', ...args]);

describe('unlockctl walkthrough', () => {
  it('new writes a file that check accepts, and never over another one', async () => {
    const path = file('mine.yaml');
    expect((await run('new', '-o', path)).exit).toBe(0);
    const text = readFileSync(path, 'utf8');
    expect((await run('new')).stdout).toBe(text);
    const checked = await run('check', path);
    expect(checked.stdout).toBe(`${path}: A wrong PIN, then the right one: 1 step, valid\n`);
    const again = await run('new', '-o', path);
    expect(again.exit).toBe(1);
    expect(again.stderr).toContain('there is a file already (ERR_CLI_FILE)');
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  it('list names those that come with it, and check accepts each', async () => {
    const listed = JSON.parse((await run('list', '--json')).stdout) as {
      result: { walkthroughs: { name: string; path: string }[] };
    };
    const { walkthroughs } = listed.result;
    const files = readdirSync(new URL('../../../docs/walkthroughs/', import.meta.url)).sort();
    expect(walkthroughs.map(({ name }) => `${name}.yaml`)).toEqual(files);
    expect(files.length).toBeGreaterThanOrEqual(12);
    const checked = await run('check', ...walkthroughs.map(({ path }) => path));
    expect(checked.exit).toBe(0);
    expect((await run('list')).stdout).toContain('first-unlock: First unlock (5 steps)\n');
  });

  it('check says file, line, column and what to do, and ends with 2', async () => {
    const path = file('bad.yaml', 'walkthrough: 1\nname: a\nabout: b\nsteps:\n  - lock: true\n  - insert: blue\n');
    const ran = await run('check', path);
    expect(ran.exit).toBe(2);
    expect(ran.stdout).toBe('');
    expect(ran.stderr).toContain(`${path}:6:5: steps[1].insert: there is no key blue: name it in given.keys`);
  });

  it('check refuses what is no text, and a file that is not there', async () => {
    expect((await run('check', file('bytes.yaml', Uint8Array.of(0xff, 0xfe, 0x00)))).stderr).toContain(
      'not text in UTF-8',
    );
    expect((await run('check', join(folder, 'nowhere.yaml'))).stderr).toContain('ERR_CLI_FILE');
  });
});
