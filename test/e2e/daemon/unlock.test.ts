/** An unlock is good for something, with the real daemon: a command gets its key, and every way of forgetting forgets. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyFiles } from '../../../agent/audit/verify.ts';
import { swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import { BUILD, type Stage } from '../../demo/stage.ts';
import { missingForBridge } from '../../support/umockdev/bridge.ts';
import { ctl, enrolledStage, notRoot, openToAll, STRANGER } from './ctl.ts';

const PIN = '271828';
const missing = (await swtpmMissing()) ?? missingForBridge();
const because = (reason: string | null): string => (reason === null ? '' : ` (${reason})`);
/** Prints the key that it finds on the descriptor that it is told, and its length. */
const SHOW_KEY =
  'const fs = require("node:fs"); const key = fs.readFileSync(Number(process.env.UNLOCKD_KEY_FD)); process.stdout.write(key.toString("hex")); process.exit(7);';

/** Local addresses where a process accepts TCP connections, as proc(5) writes them. */
async function listeningAddresses(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const links = await Promise.all((await readdir(folder)).map((fd) => readlink(join(folder, fd)).catch(() => '')));
  const tables = await Promise.all(['tcp', 'tcp6'].map((table) => readFile(`/proc/${pid}/net/${table}`, 'ascii')));
  const rows = tables.flatMap((table) => table.split('\n').slice(1)).map((row) => row.trim().split(/\s+/));
  return rows
    .filter(([, , , state, , , , , , inode]) => state === '0A' && links.includes(`socket:[${inode}]`))
    .map(([, local]) => local ?? '');
}

describe.skipIf(missing !== null)(`the real daemon${because(missing)}`, () => {
  let stage: Stage;
  let sheet = '';
  beforeAll(async () => {
    ({ stage, sheet } = await enrolledStage(PIN, ['unlock.insert_timeout_seconds=2']));
    await openToAll(stage);
  });
  afterAll(() => stage?.close());

  const keyFor = async (purpose: string): Promise<{ status: number; key: string }> => {
    const args = ['unlock', '--purpose', purpose, '--pin-fd', '3', '--', process.execPath, '-e', SHOW_KEY];
    const { status, stdout } = await ctl(stage.socket, args, { secret: PIN, json: false });
    return { status, key: stdout };
  };
  const unlock = async (...more: string[]): Promise<void> => {
    const { answer } = await ctl(stage.socket, ['unlock', '--pin-fd', '3', ...more], { secret: PIN });
    expect(answer.ok).toBe(true);
  };
  const state = async (): Promise<unknown> => {
    const { answer } = await stage.ctl(['status']);
    return (answer.result as { own: { state: string } }).own.state;
  };
  const reused = (): ReturnType<typeof ctl> =>
    ctl(stage.socket, ['unlock', '--reuse', '--purpose', 'a', '--out-fd', '2', '--pin-fd', '3'], { secret: '' });

  it('a command gets the key of its purpose on its descriptor, and its exit status is passed on', async () => {
    const first = await keyFor('a');
    expect(first.status).toBe(7);
    expect(first.key).toMatch(/^[0-9a-f]{64}$/);
    expect((await keyFor('a')).key).toBe(first.key);
    const other = await keyFor('b');
    expect(other.key).toMatch(/^[0-9a-f]{64}$/);
    expect(other.key).not.toBe(first.key);
  });

  it('a command that does not exist: 127, and one that a signal ends: 128 + the signal', async () => {
    const run = (...command: string[]): Promise<{ status: number }> =>
      ctl(stage.socket, ['unlock', '--purpose', 'a', '--pin-fd', '3', '--', ...command], { secret: PIN, json: false });
    expect((await run('/nonexistent')).status).toBe(127);
    expect((await run('sh', '-c', 'kill -TERM $$')).status).toBe(143);
  });

  it('while it is unlocked, a key needs no factors; `lock` forgets it', async () => {
    await unlock();
    expect(await state()).toBe('unlocked');
    expect((await reused()).status).toBe(0);
    expect((await stage.ctl(['lock'])).answer.result).toEqual({ wasUnlocked: true });
    expect(await state()).toBe('locked');
    expect((await reused()).status).not.toBe(0);
  });

  it('`--for` forgets when the time is over', async () => {
    await unlock('--for', '1s');
    await expect.poll(state, { timeout: 20_000, interval: 250 }).toBe('locked');
  });

  const pidOfDaemon = async (): Promise<number> =>
    Number(await readFile(join(stage.stateFolder, 'unlockd.lock'), 'ascii'));

  it('SIGUSR2, which says that the machine suspends, forgets', async () => {
    await unlock();
    process.kill(await pidOfDaemon(), 'SIGUSR2');
    await expect.poll(state, { timeout: 20_000, interval: 250 }).toBe('locked');
  });

  it('SIGUSR1 opens no inspector in the daemon, and changes nothing', async () => {
    await unlock();
    const pid = await pidOfDaemon();
    process.kill(pid, 'SIGUSR1');
    // The state is asked over the socket, so the daemon has had its turn with the signal.
    expect(await state()).toBe('unlocked');
    expect(await listeningAddresses(pid)).toEqual([]);
    await stage.ctl(['lock']);
  });

  it('a stop forgets; the next daemon begins locked, and the same factors give the same key', async () => {
    const { key } = await keyFor('a');
    await unlock();
    await stage.stopDaemon();
    const without = await ctl(stage.socket, ['status']);
    expect([without.code, without.status]).toEqual(['ERR_DAEMON_NOT_RUNNING', 4]);
    await stage.startDaemon();
    expect(await state()).toBe('locked');
    expect((await keyFor('a')).key).toBe(key);
    await stage.ctl(['lock']);
  });

  it('a second daemon on the same folder is refused with the pid of the first, which serves on', async () => {
    const settings = [`paths.state_dir=${stage.stateFolder}`, `paths.run_dir=${join(stage.folder, 'run')}`];
    const args = [...settings, `tpm.tcti=${stage.tcti}`].flatMap((setting) => ['--set', setting]);
    const second = spawn(process.execPath, [join(BUILD, 'agent/main.js'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 30_000,
    });
    let said = '';
    for (const stream of [second.stdout, second.stderr])
      stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [status] = await once(second, 'close');
    expect(status).toBe(1);
    expect(said).toContain('ERR_DAEMON_ALREADY_RUNNING');
    expect(said).toContain((await readFile(join(stage.stateFolder, 'unlockd.lock'), 'ascii')).trim());
    expect(await state()).toBe('locked');
  });

  it('five wrong PINs: ERR_PIN_SOFT_LIMIT with the wait, also after a restart, and the TPM counts no further', async () => {
    const attempt = async (secret: string) => {
      const run = await ctl(stage.socket, ['unlock', '--pin-fd', '3'], { secret });
      return { ...run, said: `${run.stdout}${run.stderr}` };
    };
    for (let wrong = 1; wrong <= 5; wrong++) expect((await attempt(`99999${wrong}`)).answer.ok).toBe(false);
    await stage.stopDaemon();
    await stage.startDaemon();
    const limited = await attempt(PIN);
    expect(limited.said).toContain('ERR_PIN_SOFT_LIMIT');
    expect(limited.said).toMatch(/"waitSeconds":[1-9]/);
    const { answer } = await stage.ctl(['status']);
    expect(answer.result).toMatchObject({
      own: { pinTriesLeft: 0, state: 'locked' },
      tpm: { lockout: { counter: 5 } },
    });
    expect((await stage.ctl(['users'])).answer.ok).toBe(true);
  });

  it.skipIf(notRoot() !== null)(
    `events: in order, chained, without a secret; a user sees only the own${because(notRoot())}`,
    async () => {
      const { answer } = await stage.ctl(['events', '--last', '1000']);
      const events = (answer.result?.events ?? []) as readonly { seq: number; event: string; uid: number | null }[];
      const names = events.map(({ event }) => event);
      expect(events.map(({ seq }) => seq)).toEqual([...events.keys()].map((at) => at + (events[0]?.seq ?? 0)));
      const flow = ['machine-set-up', 'enrolled', 'unlocked', 'locked', 'pin-wrong'];
      const first = flow.map((name) => names.indexOf(name));
      expect(first).toEqual([...first].sort((a, b) => a - b));
      expect(first).not.toContain(-1);
      expect(names.lastIndexOf('unlock-refused')).toBeGreaterThan(names.lastIndexOf('pin-wrong'));
      expect(names.filter((name) => name === 'pin-wrong')).toHaveLength(5);
      const folder = join(stage.stateFolder, 'audit');
      expect(await verifyFiles({ folder, maxBytes: 4_194_304, keepFiles: 8 })).toMatchObject({
        ok: true,
        problem: null,
      });
      const text = JSON.stringify(answer);
      for (const secret of [PIN, '999991', sheet]) expect(text).not.toContain(secret);
      const other = await ctl(stage.socket, ['events'], { uid: STRANGER });
      expect(other.answer).toMatchObject({ ok: true, result: { events: [] } });
    },
  );
});
