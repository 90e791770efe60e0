/** The life cycle of the daemon: lock, signals, notification, hardening, doctor. */
import { EventEmitter } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApi } from '../../../agent/api/create-api.ts';
import { listen } from '../../../agent/api/listen.ts';
import { doctorWords } from '../../../agent/cli/commands/doctor.ts';
import { lockFolder } from '../../../agent/lifecycle/daemon-lock.ts';
import { type DoctorProbes, examine, type TpmFacts } from '../../../agent/lifecycle/doctor.ts';
import { probeFolder } from '../../../agent/lifecycle/folder-probe.ts';
import { packageFacts } from '../../../agent/lifecycle/package-probe.ts';
import { hardenProcess } from '../../../agent/lifecycle/process-hardening.ts';
import { serviceManager } from '../../../agent/lifecycle/ready.ts';
import { stopOnSignal } from '../../../agent/lifecycle/signals.ts';
import { milliseconds, monotonicMs, unixMs } from '../../../drivers/base/brand.ts';
import { type Clock, systemClock } from '../../../drivers/base/clock.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { tryLockExclusive } from '../../../drivers/linux/file-lock.ts';
import { FakeService } from '../../support/api/fake-service.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'unlockd-lifecycle-'));
  chmodSync(folder, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A clock whose timers fire when the test says so. */
function handClock(): Clock & { fire(): void } {
  const timers = new Set<() => void>();
  return {
    now: () => monotonicMs(0),
    wall: () => unixMs(0),
    localTime: () => ({ day: 'thursday', minute: 0 }),
    sleep: () => new Promise(() => undefined),
    timer: (_span, fire) => {
      timers.add(fire);
      return () => timers.delete(fire);
    },
    fire: () => {
      for (const fire of timers) fire();
    },
  };
}

describe('the lock of a folder', () => {
  const take = (pid = 4711) => lockFolder(folder, { tryLock: tryLockExclusive, pid });

  it('is held by one, who is named to the next, and free again after that', () => {
    const first = take();
    expect(() => take()).toThrow(
      expect.objectContaining({ code: 'ERR_DAEMON_ALREADY_RUNNING', detail: expect.objectContaining({ pid: 4711 }) }),
    );
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    take(4712)[Symbol.dispose]();
  });

  it('does not care what an old lock file says', () => {
    writeFileSync(join(folder, 'unlockd.lock'), 'not a pid\n'.repeat(1000));
    take()[Symbol.dispose]();
  });

  it('follows no link', () => {
    writeFileSync(join(folder, 'precious'), 'x');
    symlinkSync(join(folder, 'precious'), join(folder, 'unlockd.lock'));
    expect(() => take()).toThrow(expect.objectContaining({ code: 'ERR_DAEMON_SOCKET' }));
  });

  it('says so when the folder is not there', () => {
    rmSync(folder, { recursive: true });
    expect(() => take()).toThrow(expect.objectContaining({ code: 'ERR_DAEMON_SOCKET' }));
  });
});

describe('the socket', () => {
  const uid = process.getuid?.() ?? 0;
  const start = (socketPath: string, owner = uid) =>
    listen(createApi({ service: new FakeService(), peerOf: () => null, clock: systemClock }), {
      socketPath,
      uid: owner,
      clock: systemClock,
    });

  it('replaces what a dead daemon left behind', async () => {
    const path = join(folder, 's.sock');
    const first = await start(path);
    expect(existsSync(path)).toBe(true);
    await first.stop({ graceMs: 10 });
    await first.stop({ graceMs: 10 });
    // A socket file without a listener, as SIGKILL leaves it: Node unlinks on close, a hard link survives that.
    const server = createServer().listen(`${path}.live`);
    await new Promise((resolve) => server.once('listening', resolve));
    const { linkSync } = await import('node:fs');
    linkSync(`${path}.live`, path);
    await new Promise((resolve) => server.close(resolve));
    const second = await start(path);
    await new Promise<void>((resolve, reject) => {
      const socket = connect(path, () => {
        socket.destroy();
        resolve();
      }).once('error', reject);
    });
    await second.stop({ graceMs: 10 });
  });

  it('of a live daemon is refused, and the live one goes on', async () => {
    const path = join(folder, 's.sock');
    const first = await start(path);
    await expect(start(path)).rejects.toMatchObject({ code: 'ERR_DAEMON_ALREADY_RUNNING' });
    await new Promise<void>((resolve) => {
      const socket = connect(path, () => {
        socket.destroy();
        resolve();
      });
    });
    await first.stop({ graceMs: 10 });
  });

  it('never takes the place of something that is no socket', async () => {
    const path = join(folder, 'file');
    writeFileSync(path, 'precious');
    await expect(start(path)).rejects.toMatchObject({ code: 'ERR_DAEMON_SOCKET' });
    expect(existsSync(path)).toBe(true);
  });

  it('is refused in a directory that others may write to, that is another’s, or that is not there', async () => {
    const open = join(folder, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    await expect(start(join(open, 's'))).rejects.toMatchObject({ code: 'ERR_DAEMON_SOCKET' });
    await expect(start(join(folder, 'none', 's'))).rejects.toMatchObject({ code: 'ERR_DAEMON_SOCKET' });
    await expect(start(join(folder, 'x'.repeat(200)))).rejects.toMatchObject({ code: 'ERR_DAEMON_SOCKET' });
    if (uid !== 0) await expect(start(join(folder, 's'), uid + 1)).rejects.toMatchObject({ code: 'ERR_DAEMON_SOCKET' });
  });

  it('waits for open answers and no longer than the grace', async () => {
    const path = join(folder, 's.sock');
    const listening = await start(path);
    const held = connect(path);
    await new Promise((resolve) => held.once('connect', resolve));
    held.write('GET /v1/status HTTP/1.1\r\n');
    const closed = new Promise((resolve) => held.once('close', resolve));
    held.on('error', () => undefined);
    await listening.stop({ graceMs: 20 });
    await closed;
  });
});

describe('signals', () => {
  const setting = (stop: (options: { signal: AbortSignal }) => Promise<void>) => {
    const source = new EventEmitter();
    const clock = handClock();
    const stopped = stopOnSignal({ source, clock, deadline: milliseconds(1000), stop });
    return { source, clock, stopped };
  };

  it('begin one graceful stop', async () => {
    let stops = 0;
    const { source, stopped } = setting(async () => {
      stops++;
    });
    source.emit('SIGTERM');
    expect(await stopped).toBe('SIGTERM');
    expect([stops, source.listenerCount('SIGTERM'), source.listenerCount('SIGINT')]).toEqual([1, 0, 0]);
  });

  it.each([
    ['the deadline', (s: { clock: { fire(): void }; source: EventEmitter }) => s.clock.fire()],
    ['a second signal', (s: { clock: { fire(): void }; source: EventEmitter }) => s.source.emit('SIGINT')],
  ])('give up at %s, and tell the stop', async (_what, happen) => {
    let told: unknown;
    const { promise: begun, resolve: begin } = (() => {
      let resolve: () => void = () => undefined;
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      return { promise, resolve };
    })();
    const given = setting(async ({ signal }) => {
      signal.addEventListener('abort', () => {
        told = signal.reason;
      });
      begin();
      await new Promise(() => undefined);
    });
    given.source.emit('SIGTERM');
    await begun;
    happen(given);
    await expect(given.stopped).rejects.toMatchObject({ code: 'ERR_DAEMON_STOP_TIMEOUT' });
    expect(told).toMatchObject({ code: 'ERR_DAEMON_STOP_TIMEOUT' });
  });

  it('pass a failed stop on', async () => {
    const { source, stopped } = setting(async () => {
      throw new Error('disk full');
    });
    source.emit('SIGINT');
    await expect(stopped).rejects.toThrow('disk full');
  });
});

describe('the service manager', () => {
  it('is told READY, STATUS on one line, and STOPPING', () => {
    const sent: string[] = [];
    const manager = serviceManager(
      '/run/notify',
      (path, state) => sent.push(`${path} ${state}`) > 0,
      () => undefined,
    );
    expect([manager.ready(), manager.status('a\nREADY=0'), manager.stopping()]).toEqual([true, true, true]);
    expect(sent).toEqual(['/run/notify READY=1', '/run/notify STATUS=a READY=0', '/run/notify STOPPING=1']);
  });

  it('that nobody named is not told, and a failure stops nothing', () => {
    const failures: unknown[] = [];
    const send = () => {
      throw new Error('gone');
    };
    expect(serviceManager(undefined, send, (error) => failures.push(error)).ready()).toBe(false);
    expect(serviceManager('/x', send, (error) => failures.push(error)).ready()).toBe(false);
    expect(failures.map(String)).toEqual(['Error: gone']);
  });
});

describe('hardening', () => {
  it('does all it can and says what it could not', () => {
    const done: string[] = [];
    const outcome = hardenProcess({
      forbidCoreFiles: () => {
        throw new Error('EPERM');
      },
      forbidDumping: () => done.push('dumping'),
      isDumpable: () => false,
    });
    expect(outcome).toEqual({ dumpable: false, shortcomings: ['core files: EPERM'] });
    expect(done).toEqual(['dumping']);
  });
});

describe('doctor', () => {
  const tpm: TpmFacts = {
    description: 'a TPM',
    testDouble: null,
    reachable: true,
    setUp: true,
    lockout: { counter: 0, maxTries: 32, lockoutAuthSet: true, lockedForSeconds: 0, guessesPerDay: 144 },
    problem: null,
  };
  const probes = (change: Partial<DoctorProbes>): DoctorProbes => ({
    config: null,
    daemon: async () => ({ running: false }),
    tpm: async () => tpm,
    folders: async () => [],
    packages: async () => [],
    ...change,
  });
  const look = (change: Partial<DoctorProbes>) => examine(probes(change), { signal: new AbortController().signal });
  const levels = async (change: Partial<DoctorProbes>) =>
    (await look(change)).findings.map(({ check, level }) => `${check} ${level}`);

  it('asks the TPM itself only when the daemon does not run', async () => {
    let asked = 0;
    const own = async () => {
      asked++;
      return tpm;
    };
    expect(await levels({ tpm: own })).toEqual(['daemon warning', 'tpm ok', 'tpm ok']);
    const daemon = async () => ({ running: true as const, uid: 0, version: '1', tpm, config: null });
    expect(await levels({ tpm: own, daemon })).toEqual(['daemon ok', 'tpm ok', 'tpm ok']);
    expect(asked).toBe(1);
  });

  it('shows tries left and guesses a day', async () => {
    const { findings } = await look({});
    expect(findings.at(-1)?.text).toBe('32 of 32 PIN tries left in the TPM; somebody who guesses gets 144 tries a day');
  });

  it.each([
    ['a machine that is not set up', { setUp: false }],
    ['a TPM without a lockout password', { lockout: { ...tpm.lockout, lockoutAuthSet: false } }],
    ['a TPM that is locked out', { lockout: { ...tpm.lockout, counter: 32, lockedForSeconds: 600 } }],
    ['a TPM that does not answer', { reachable: false }],
  ])('calls %s a problem and says what to do', async (_what, facts) => {
    const report = await look({ tpm: async () => ({ ...tpm, ...facts }) as TpmFacts });
    expect(report.ok).toBe(false);
    const [problem] = report.findings.filter(({ level }) => level === 'problem');
    expect(problem?.cure).toMatch(/./);
  });

  it('makes a finding of a check that fails, and makes the others', async () => {
    const report = await look({
      config: async () => {
        throw new UnlockdError('ERR_CONFIG_INVALID', 'pin.minLength: too small');
      },
      folders: async () => {
        throw new Error('EIO');
      },
    });
    expect(report.ok).toBe(false);
    expect(report.findings.map(({ check, level }) => `${check} ${level}`)).toEqual([
      'config problem',
      'folders problem',
      'daemon warning',
      'tpm ok',
      'tpm ok',
    ]);
    expect(report.findings[0]?.cure).toContain('docs/reference/configuration.md');
  });

  it('calls a folder that the daemon makes itself no problem', async () => {
    const missing = async () => [{ path: '/x', problem: null, missing: true, cure: '' }];
    expect(await levels({ folders: missing })).toContain('folders info');
    expect((await look({ folders: missing })).ok).toBe(true);
  });

  it('says whose configuration it shows, and each default once', async () => {
    const row = { unit: 'seconds', default: '120' };
    const config = async () => [
      { ...row, key: 'tpm.timeout_seconds', value: '120', origin: 'default' },
      { ...row, key: 'tpm.other', value: '60', origin: 'env:X' },
    ];
    const alone = doctorWords(await look({ config }));
    expect(alone).toContain('Configuration of this command:');
    expect(alone).toContain('  tpm.timeout_seconds = 120 seconds  (default)');
    expect(alone).toContain('  tpm.other = 60 seconds  (from env:X; default 120 seconds)');
    const daemon = async () => ({ running: true as const, uid: 0, version: '1', tpm, config: null });
    expect(doctorWords(await look({ config, daemon }))).toContain(
      'Configuration of this command, not the running daemon:',
    );
  });

  it('shows the configuration of a daemon that tells it, and looks at its folders', async () => {
    const told = [{ key: 'paths.state_dir', value: '/there', unit: 'path', default: '/here', origin: 'flag' }];
    let looked: unknown = null;
    const report = await look({
      config: async () => [],
      daemon: async () => ({ running: true, uid: 0, version: '1', tpm, config: told }),
      folders: async (config) => {
        looked = config;
        return [];
      },
    });
    expect(looked).toEqual(told);
    expect(doctorWords(report)).toEqual(
      expect.arrayContaining([
        'Configuration of the running daemon:',
        '  paths.state_dir = /there  (from flag; default /here)',
      ]),
    );
  });

  it('looks at who may do what with a folder', () => {
    const uid = process.getuid?.() ?? 0;
    const expected = { path: folder, forbidden: 0o077, owners: [uid] };
    expect(probeFolder(expected).problem).toContain('0755');
    chmodSync(folder, 0o700);
    expect(probeFolder(expected).problem).toBeNull();
    expect(probeFolder({ ...expected, owners: [uid + 1] }).problem).toContain(`uid ${uid}`);
    expect(probeFolder({ ...expected, path: join(folder, 'none') })).toMatchObject({ problem: null, missing: true });
    writeFileSync(join(folder, 'file'), '');
    expect(probeFolder({ ...expected, path: join(folder, 'file') }).problem).toBe('is no directory');
  });

  it('looks packages up without loading them', async () => {
    const facts = await packageFacts();
    expect(facts.map(({ name, present }) => [name, present])).toEqual([
      ['koffi', true],
      ['node-hid', true],
    ]);
  });
});
