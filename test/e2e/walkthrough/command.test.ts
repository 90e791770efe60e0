/**
 * `unlockctl walkthrough run` as a process, from the build: what it ends with, and that nothing is left of a lane, also when
 * the person interrupts it or its daemon is killed under it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readEvidence } from '../../../agent/report/read.ts';
import { missingForBridge } from '../../../hal-mocks/umockdev/bridge.ts';
import { builtPrograms } from '../../support/cli/built.ts';
import { otherUserMissing } from '../../support/other-user.ts';

const folder = mkdtempSync(join(tmpdir(), 'walk-'));
const temporary = join(folder, 't');
let program = '';
beforeAll(() => {
  mkdirSync(temporary);
  // Somebody else comes here too.
  chmodSync(folder, 0o711);
  chmodSync(temporary, 0o1777);
  program = builtPrograms().ctl;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ENVIRONMENT = { ...process.env, TMPDIR: temporary };
const missing = process.getuid?.() === 0 ? missingForBridge() : 'root is needed';
const because = missing === null ? '' : ` (${missing})`;

/** Processes of this test, found by what they inherit; the environment of others may not be read. */
function left(): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(temporary);
    } catch {
      return false;
    }
  });
}

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process group of its own, as a shell makes one. @param onLine sees each line of stderr */
function start(
  args: readonly string[],
  onLine: (line: string, child: ChildProcess) => void,
  { before = [], ...who }: { readonly before?: readonly string[]; readonly uid?: number; readonly gid?: number } = {},
): Promise<Ended> {
  const [command = '', ...rest] = [...before, process.execPath, program, 'walkthrough', 'run', ...args];
  const child = spawn(command, rest, {
    env: ENVIRONMENT,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    cwd: '/',
    ...who,
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8');
  });
  createInterface({ input: child.stderr }).on('line', (line) => {
    stderr += `${line}\n`;
    onLine(line, child);
  });
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, stdout, stderr })));
}

const nothing = () => undefined;

const SOMEBODY = { uid: 54_321, gid: 54_321 };
/** Root of a user namespace, which any user may make where the kernel lets them. */
const ROOT_OF_ONES_OWN = ['unshare', '--map-root-user'];

function namespaceMissing(): string | null {
  const [command = '', ...rest] = [...ROOT_OF_ONES_OWN, 'true'];
  const { status } = spawnSync(command, rest, { ...SOMEBODY, cwd: '/', stdio: 'ignore' });
  return status === 0 ? null : 'this machine lets no user make a user namespace';
}
const notAsSomebody = missing ?? otherUserMissing() ?? namespaceMissing();

describe('unlockctl walkthrough run', () => {
  it('on mocks ends with 0, one object of JSON and a report that can be read', { timeout: 60_000 }, async () => {
    const report = join(folder, 'first.html');
    const ran = await start(['first-unlock', '--json', '--quiet', '--report', report], nothing);
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    const { ok, result } = JSON.parse(ran.stdout) as { ok: boolean; result: { passed: boolean } };
    expect([ok, result.passed]).toEqual([true, true]);
    const { devices, lane, steps } = readEvidence(readFileSync(report, 'utf8'));
    expect(steps.map(({ outcome }) => outcome)).toEqual(['passed', 'passed', 'passed', 'passed', 'passed']);
    expect(lane.simulated).toContain('security keys');
    expect(devices.map(({ kind, nature }) => [kind, nature])).toEqual([
      ['TPM', 'emulated'],
      ['security key', 'simulated'],
    ]);
    expect(left()).toEqual([]);
  });

  it('on a lane that is not on this machine says what is missing, and ends with 9', async () => {
    const ran = await start(['first-unlock', '--lane', 'lab'], nothing);
    expect(ran).toMatchObject({ status: 9, stdout: '' });
    expect(ran.stderr).toContain('ERR_LANE_MISSING');
  });
});

describe.skipIf(missing !== null)(`unlockctl walkthrough run on the emulator lane${because}`, () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'after %s ends with 6, and no process and no file of it is left',
    { timeout: 90_000 },
    async (signal) => {
      const report = join(folder, `${signal}.html`);
      const ran = await start(
        ['backup-key', 'first-unlock', '--lane', 'emulator', '--report', report],
        (line, child) => {
          // Ctrl-C is for the whole group; what manages services tells the one process.
          if (!line.includes('✓ 1 insert red')) return;
          const { pid = 0 } = child;
          process.kill(signal === 'SIGINT' ? -pid : pid, signal);
        },
      );
      expect(ran).toMatchObject({ status: 6, stdout: '' });
      expect(ran.stderr).toContain(`interrupted by ${signal}`);
      expect(ran.stderr).not.toContain('First unlock');
      const { end, steps } = readEvidence(readFileSync(report.replace('.html', '-backup-key.html'), 'utf8'));
      expect(end.how).toBe('aborted');
      expect(steps[0]).toMatchObject({ what: 'insert red', outcome: 'passed' });
      expect([left(), readdirSync(temporary)]).toEqual([[], []]);
    },
  );

  it('does not pass when the daemon is killed under it', { timeout: 90_000 }, async () => {
    const ran = await start(['first-unlock', '--lane', 'emulator', '--json'], (line) => {
      if (!line.includes('"ended"') || !line.includes('"number":2')) return;
      const daemon = left().find((pid) => {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return command.startsWith(process.execPath) && command.includes('agent/main.js');
      });
      process.kill(Number(daemon), 'SIGKILL');
    });
    expect(ran.status).toBe(1);
    const { result } = JSON.parse(ran.stdout) as {
      result: { passed: boolean; walkthroughs: { steps: { outcome: string; why: string[] }[] }[] };
    };
    const steps = result.walkthroughs[0]?.steps ?? [];
    expect(result.passed).toBe(false);
    expect(steps.map(({ outcome }) => outcome)).toEqual(['passed', 'passed', 'failed', 'failed', 'failed']);
    expect(steps[4]?.why.join()).toContain('ERR_DAEMON_NOT_RUNNING');
    expect([left(), readdirSync(temporary)]).toEqual([[], []]);
  });

  it('whose program is killed leaves no daemon behind', { timeout: 90_000 }, async () => {
    const ran = await start(['first-unlock', '--lane', 'emulator'], (line, child) => {
      if (line.includes('✓ 2 enrol')) child.kill('SIGKILL');
    });
    expect(ran.status).toBe(null);
    const isSwtpm = (pid: string) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('swtpm');
    const others = () => left().filter((pid) => !isSwtpm(pid));
    await vi.waitFor(() => expect(others()).toEqual([]), { timeout: 20_000, interval: 200 });
    // The software TPM knows nothing of its parent, and keeps its folder.
    for (const pid of left()) process.kill(Number(pid), 'SIGKILL');
    for (const name of readdirSync(temporary)) rmSync(join(temporary, name), { recursive: true });
  });

  it('plain text in a file is no walkthrough, and nothing is started for it', async () => {
    const path = join(folder, 'plain.yaml');
    writeFileSync(path, 'hello\n');
    expect(await start([path, '--lane', 'emulator'], nothing)).toMatchObject({ status: 2, stdout: '' });
  });
});

describe.skipIf(notAsSomebody !== null)(
  `unlockctl walkthrough run by a user who is not root${notAsSomebody === null ? '' : ` (${notAsSomebody})`}`,
  () => {
    it('on the emulator lane says that it needs root, and what kinds of it do', async () => {
      const ran = await start(['first-unlock', '--lane', 'emulator'], nothing, SOMEBODY);
      expect(ran).toMatchObject({ status: 9, stdout: '' });
      expect(ran.stderr).toContain('run it as root, of this machine or of a user namespace');
    });

    it('passes there as root of a user namespace, and on mocks as it is', { timeout: 90_000 }, async () => {
      const before = ROOT_OF_ONES_OWN;
      const emulator = start(['first-unlock', '--lane', 'emulator', '--quiet'], nothing, { ...SOMEBODY, before });
      const mock = start(['first-unlock', '--quiet'], nothing, SOMEBODY);
      expect(await emulator).toMatchObject({ status: 0, stderr: '' });
      expect(await mock).toMatchObject({ status: 0, stderr: '' });
      expect([left(), readdirSync(temporary)]).toEqual([[], []]);
    });
  },
);
