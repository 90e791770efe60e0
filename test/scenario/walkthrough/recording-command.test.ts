/** `walkthrough run --record` and `--replay`, as a person calls them. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openLane } from '../../../agent/lanes/index.ts';
import { readTape, TapeRecorder } from '../../../hal-mocks/recording/tape.ts';
import { ctl } from '../../support/cli/fake-deps.ts';

const folder = mkdtempSync(join(tmpdir(), 'unlockd-recording-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);
const run = (...args: readonly string[]) => ctl('/nowhere', ['walkthrough', 'run', ...args], { openLane });

const TEXT = `walkthrough: 1
name: Nobody is enrolled
about: Short, so that it is recorded soon.
steps:
  - unlock: { pin: wrong }
    expect: { verdict: refused, code: ERR_CONTAINER_MISSING }
`;

describe('unlockctl walkthrough run', { timeout: 120_000 }, () => {
  it('--record keeps tape and seed for their owner; --replay runs on them, and says so in its report', async () => {
    const file = at('mine.yaml');
    writeFileSync(file, TEXT);
    writeFileSync(at('mine.tape'), 'others may read this', { mode: 0o644 });
    const recorded = await run(file, '--record', at('mine.tape'));
    expect([recorded.exit, recorded.stderr]).toEqual([0, expect.any(String)]);
    for (const name of ['mine.tape', 'mine.tape.seed']) expect(statSync(at(name)).mode & 0o777).toBe(0o600);

    const replayed = await run(file, '--replay', at('mine.tape'), '--report', at('mine.html'));
    expect([replayed.exit, replayed.stdout]).toEqual([0, expect.stringContaining('✓ Nobody is enrolled')]);
    expect(readFileSync(at('mine.html'), 'utf8')).toContain('Replayed: no TPM and no security key was there.');
    expect((await ctl('/nowhere', ['report', 'verify', at('mine.html')])).exit).toBe(0);

    // A file that was changed is another walkthrough.
    writeFileSync(file, TEXT.replace('soon', 'later'));
    const other = await run(file, '--replay', at('mine.tape'));
    expect(other.exit).toBe(2);
    expect(other.stderr).toContain('ERR_RECORDING_INVALID');
    writeFileSync(file, TEXT);

    const { head, entries, end } = readTape(readFileSync(at('mine.tape')));
    const recorder = new TapeRecorder(head);
    const last = entries.findLastIndex(({ kind }) => kind === 'command');
    for (const [i, entry] of entries.entries()) {
      recorder.note(i === last ? { ...entry, bytes: entry.bytes.map((byte) => byte ^ 1) } : entry);
    }
    writeFileSync(at('bad.tape'), recorder.finish(end));
    writeFileSync(at('bad.tape.seed'), readFileSync(at('mine.tape.seed')));
    const bad = await run(file, '--replay', at('bad.tape'));
    expect(bad.exit).toBe(1);
    expect(bad.stderr).toContain('(ERR_REPLAY_DEVIATED)');
  });

  it.each([
    [['first-unlock', 'pin-change', '--record', 'x'], 'name just one'],
    [['first-unlock', '--record', 'x', '--replay', 'y'], 'not both at once'],
    [['first-unlock', '--lane', 'hardware', '--record', 'x'], 'a run on the hardware lane cannot be recorded'],
  ])('%j is refused', async (args, message) => {
    const ran = await run(...args);
    expect([ran.exit, ran.stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  it('--replay of a file that is not there says which', async () => {
    expect((await run('first-unlock', '--replay', at('none'))).stderr).toContain(at('none'));
  });
});
