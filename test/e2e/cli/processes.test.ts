/**
 * `unlockctl` and a daemon as processes of their own: real uids over a real socket, a real terminal, real signals. The
 * daemon's service is in memory; everything between the person and it is the product's.
 */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, closeSync, constants, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Built, builtPrograms, finish, type Started, startDaemon } from '../../support/cli/built.ts';
import { otherUserMissing } from '../../support/other-user.ts';

const alone = otherUserMissing();
const because = alone === null ? '' : ` (skipped: ${alone})`;
const hasScript = existsSync('/usr/bin/script');
const OTHER = { uid: 12345, gid: 12345 };

describe('unlockctl and the daemon as processes', () => {
  let built: Built;
  let folder: string;
  let daemon: Started;
  const socket = () => join(folder, 'unlockd.sock');
  const ctl = (args: readonly string[], options: Parameters<typeof finish>[1] = {}) =>
    finish([process.execPath, built.ctl, ...args], { ...options, env: { UNLOCKD_SOCKET: socket(), ...options.env } });

  beforeAll(() => {
    built = builtPrograms();
  });
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'unlockd-e2e-'));
    chmodSync(folder, 0o755);
    daemon = await startDaemon(built, folder);
    expect(daemon.said).toBe('ready');
  });
  afterEach(async () => {
    await daemon.end('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  it('unlock with the PIN from a descriptor and hand the key to a command', async () => {
    const script = 'cat "/dev/fd/$UNLOCKD_KEY_FD"; exit 9';
    const ran = await ctl(['unlock', '--pin-fd', '3', '--purpose', 'p', '--', 'sh', '-c', script], {
      lines: '271828\n',
    });
    expect([ran.code, ran.stdout]).toEqual([9, 'p'.padEnd(32, '.')]);
  });

  it('keep a PIN that is wrong out, and pass the exit code', async () => {
    const ran = await ctl(['unlock', '--pin-fd', '3', '--json'], { lines: '000000\n' });
    expect([ran.code, JSON.parse(ran.stdout).error.code]).toEqual([3, 'ERR_PIN_WRONG']);
  });

  it('end with 6 on SIGINT while a descriptor is waited for', async () => {
    const child = spawn(process.execPath, [built.ctl, 'unlock', '--pin-fd', '3', '--json'], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, UNLOCKD_SOCKET: socket() },
    });
    const code = new Promise((resolve) => child.once('close', resolve));
    await new Promise<void>((resolve) => {
      child.stderr?.on('data', (chunk) => {
        if (String(chunk).includes('"prompt"')) resolve();
      });
    });
    child.kill('SIGINT');
    expect(await code).toBe(6);
  });

  it('end on SIGINT while a named pipe is read that nobody closes', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const child = spawn(process.execPath, [built.ctl, 'policy', 'lint', pipe], { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal)));
    let writer: number | null = null;
    // There is a writer's end only once the command has begun to read.
    for (const end = performance.now() + 20_000; writer === null && performance.now() < end; ) {
      try {
        writer = openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
    expect(writer).not.toBeNull();
    try {
      child.kill('SIGINT');
      expect(await ended).toBe('SIGINT');
    } finally {
      child.kill('SIGKILL');
      if (writer !== null) closeSync(writer);
    }
  });

  it('replace a daemon that was killed, and refuse a second one while the first lives', async () => {
    const second = await startDaemon(built, folder);
    expect(second.said).toBe('ERR_DAEMON_ALREADY_RUNNING');
    expect((await ctl(['status'])).code).toBe(0);
    await daemon.end('SIGKILL');
    expect(existsSync(socket())).toBe(true);
    expect((await ctl(['status'])).code).toBe(4);
    daemon = await startDaemon(built, folder);
    expect(daemon.said).toBe('ready');
    expect((await ctl(['status'])).code).toBe(0);
  });

  it('stop on SIGTERM with 0, and take the socket away', async () => {
    expect(await daemon.end('SIGTERM')).toBe(0);
    expect(existsSync(socket())).toBe(false);
  });

  it.skipIf(alone !== null)(`tell users apart by their uid${because}`, async () => {
    const own = JSON.parse((await ctl(['status', '--json'], OTHER)).stdout);
    expect(own.result.own).toMatchObject({ uid: OTHER.uid, state: 'none' });
    expect((await ctl(['users'], OTHER)).code).toBe(5);
    expect((await ctl(['users'])).code).toBe(0);
  });

  it.skipIf(alone !== null)(`say that the socket may not be opened${because}`, async () => {
    chmodSync(socket(), 0o600);
    const ran = await ctl(['status'], OTHER);
    expect([ran.code, ran.stderr.includes('ERR_CLI_SOCKET_PERMISSION')]).toEqual([5, true]);
  });

  it.skipIf(alone !== null)(`refuse a daemon of another uid before a PIN is sent${because}`, async () => {
    await daemon.end('SIGTERM');
    rmSync(join(folder, 'unlockd.lock'));
    chownSync(folder, OTHER.uid, OTHER.gid);
    daemon = await startDaemon(built, folder, OTHER);
    expect(daemon.said).toBe('ready');
    const ran = await ctl(['unlock', '--pin-fd', '3'], { lines: '271828\n' });
    expect([ran.code, ran.stderr.includes('ERR_CLI_DAEMON_UNTRUSTED')]).toEqual([11, true]);
    const doctor = await ctl(['doctor', '--json']);
    expect(doctor.stdout).toContain('ERR_CLI_DAEMON_UNTRUSTED');
  });

  /** What a person sees who types `typed` on a terminal of their own, and the terminal's settings afterwards. */
  const onTerminal = (args: string, typed: string, question = 'tries left): '): Promise<string> =>
    new Promise((resolve, reject) => {
      const line = `'${process.execPath}' '${built.ctl}' ${args}; echo "exit $?"; stty -a`;
      const child = spawn('script', ['-qec', line, '/dev/null'], {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { PATH: process.env.PATH, UNLOCKD_SOCKET: socket(), SHELL: '/bin/sh', TERM: 'dumb' },
      });
      let seen = '';
      let waiting = true;
      child.stdout.on('data', (chunk) => {
        seen += chunk;
        if (!waiting || !seen.includes(question)) return;
        waiting = false;
        child.stdin.write(typed);
      });
      child.once('error', reject);
      child.once('close', () => resolve(seen));
    });

  it.runIf(hasScript)(
    'ask for the PIN without echo and restore the terminal (skipped where script(1) is missing)',
    async () => {
      const seen = await onTerminal('unlock', '99\u007f\u007f271828\r');
      expect(seen).toContain('PIN (5 tries left): ');
      expect(seen).toContain('Unlocked.');
      expect(seen).toContain('exit 0');
      expect(seen).not.toContain('271828');
      expect(seen).toMatch(/[ ;]echo[ ;]/);
      expect(seen).toMatch(/[ ;]icanon[ ;]/);
    },
  );

  it.runIf(hasScript).each([
    ['REMOVE', 'The container is removed.', 'exit 0'],
    ['remove', 'nothing was changed', 'exit 6'],
  ])(
    'unenrol only when the word is typed, which is shown: %s (skipped where script(1) is missing)',
    async (word, said, status) => {
      const seen = await onTerminal('unenrol', `${word}\r`, 'to go on: ');
      expect(seen).toContain(`Type REMOVE to go on: ${word}`);
      expect(seen).toContain(said);
      expect(seen).toContain(status);
      expect(seen).toMatch(/[ ;]icanon[ ;]/);
    },
  );

  it.runIf(hasScript)('restore the terminal after Ctrl-C (skipped where script(1) is missing)', async () => {
    const seen = await onTerminal('unlock', '27\u0003');
    expect(seen).toContain('exit 6');
    expect(seen).toMatch(/[ ;]echo[ ;]/);
    expect(seen).toMatch(/[ ;]icanon[ ;]/);
  });
});
