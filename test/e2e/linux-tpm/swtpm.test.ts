/** The software TPM as a fixture: it starts, stops without costing a try, survives a kill, and leaves nothing behind. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { access, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import { linuxTpm } from '../../../drivers/linux/tpm/open.ts';
import {
  create,
  createPrimary,
  factorTemplate,
  getProperties,
  getRandom,
  isTpmResponse,
  load,
  SRK_ECC,
  sessionAuth,
  startAuthSession,
  TPM_PT,
  Tpm,
  unseal,
} from '../../../drivers/tpm2/index.ts';
import { type Swtpm, startSwtpm, swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';

const missing = await swtpmMissing();
const title = missing === null ? 'a software TPM' : `a software TPM (skipped: ${missing})`;

/** A program that starts a software TPM and never stops it. */
const ORPHAN_MAKER = `
  import { dirname } from 'node:path';
  import { runnerImport } from 'vite';
  const { module } = await runnerImport('./hal-mocks/tpm2/swtpm.ts');
  const swtpm = await module.startSwtpm();
  console.log(JSON.stringify({ pid: swtpm.pid, runDir: dirname(swtpm.socketPath) }));
  setInterval(() => undefined, 1000);
`;

/** Whether a process runs. One that has ended and whom nobody waits for (state Z in proc(5)) does not. */
function alive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}

async function connected<T>(swtpm: Swtpm, use: (tpm: Tpm) => Promise<T>): Promise<T> {
  const transport = await linuxTpm(swtpm.config).open({ signal: new AbortController().signal });
  await using tpm = new Tpm(transport, { clock: systemClock, entropy: systemEntropy });
  return await use(tpm);
}

const lockoutCounter = (swtpm: Swtpm): Promise<number | undefined> =>
  connected(swtpm, async (tpm) => (await getProperties(tpm, TPM_PT.LOCKOUT_COUNTER, 1)).get(TPM_PT.LOCKOUT_COUNTER));

/** A right PIN, as an unlock gives it: the TPM then notes in NV that dictionary-attack protected values are in use. */
const usePin = (swtpm: Swtpm, given = '2468'): Promise<string> =>
  connected(swtpm, async (tpm) => {
    using pin = Secret.copyOf(Buffer.from('2468'));
    using data = Secret.copyOf(Buffer.from('sealed'));
    using tried = Secret.copyOf(Buffer.from(given));
    await using srk = await createPrimary(tpm, SRK_ECC);
    const blob = await create(tpm, srk, factorTemplate(true), { sensitive: { authValue: pin, data } });
    await using object = await load(tpm, srk, blob);
    await using session = await startAuthSession(tpm, { kind: 'hmac', salt: srk });
    using secret = await unseal(tpm, object, sessionAuth(session, tried, { encrypt: true }));
    return Buffer.from(secret.expose()).toString();
  });

describe.skipIf(missing !== null)(title, () => {
  it('has sockets that only its user may use, with short paths', async () => {
    await using swtpm = await startSwtpm();
    for (const path of [swtpm.socketPath, swtpm.ctrlPath]) {
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect(Buffer.byteLength(path)).toBeLessThan(100);
    }
    expect(swtpm.ctrlPath).toBe(`${swtpm.socketPath}.ctrl`);
    expect(swtpm.dir.startsWith('/')).toBe(true);
  });

  it('that is stopped in order costs no try of the dictionary-attack protection', async () => {
    await using swtpm = await startSwtpm();
    for (let round = 0; round < 3; round++) {
      expect(await usePin(swtpm)).toBe('sealed');
      expect(await swtpm.stop()).toBe(true);
      await swtpm.start();
      expect(await lockoutCounter(swtpm)).toBe(0);
    }
  });

  it('counts a wrong PIN, and still knows of it after a kill', async () => {
    await using swtpm = await startSwtpm();
    const refused = await usePin(swtpm, '1357').catch((error: unknown) => error);
    expect(isTpmResponse(refused, 0x98e)).toBe(true);
    expect(await lockoutCounter(swtpm)).toBe(1);
    const before = swtpm.pid;
    await swtpm.kill();
    expect(swtpm.pid).toBe(0);
    await swtpm.start();
    expect(swtpm.pid).not.toBe(before);
    // A kill after the use of a protected value may cost one more.
    expect(await lockoutCounter(swtpm)).toBeGreaterThanOrEqual(1);
  });

  it('is the same TPM after a restart, and another one in another folder', async () => {
    await using one = await startSwtpm();
    await using other = await startSwtpm({ tcp: true });
    const rootKey = (swtpm: Swtpm) =>
      connected(swtpm, async (tpm) => {
        await using srk = await createPrimary(tpm, SRK_ECC);
        return Buffer.from(srk.name).toString('hex');
      });
    const name = await rootKey(one);
    await one.restart();
    expect(await rootKey(one)).toBe(name);
    expect(await rootKey(other)).not.toBe(name);
  });

  it('keeps a folder that it was given, and removes one that it made', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tpm-state-'));
    try {
      const given = await startSwtpm({ dir: folder });
      const made = await startSwtpm();
      await given.close();
      await made.close();
      await made.close();
      await access(join(folder, 'tpm2-00.permall'));
      await expect(access(made.dir)).rejects.toMatchObject({ code: 'ENOENT' });
      await expect(access(given.socketPath)).rejects.toMatchObject({ code: 'ENOENT' });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('refuses a folder that is not absolute, and says why a folder cannot be used', async () => {
    await expect(startSwtpm({ dir: 'state' })).rejects.toThrow(TypeError);
    await using first = await startSwtpm();
    await expect(startSwtpm({ dir: first.dir })).rejects.toMatchObject({ code: 'ERR_HAL_IO' });
    expect(await connected(first, (tpm) => getRandom(tpm, 4))).toHaveLength(4);
  });

  it('is not started when the signal was aborted', async () => {
    await expect(startSwtpm({ signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no');
  });

  it('ends with the process that started it, even when that is killed', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', ORPHAN_MAKER], {
      cwd: fileURLToPath(new URL('../../../', import.meta.url)),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const line = await new Promise<string>((resolve, reject) => {
      let text = '';
      child.stdout.on('data', (chunk) => {
        text += chunk;
        if (text.includes('\n')) resolve(text);
      });
      child.once('exit', () => reject(new Error('the process ended before its TPM was there')));
    });
    const started = JSON.parse(line) as { pid: number; runDir: string };
    try {
      expect(alive(started.pid)).toBe(true);
      child.kill('SIGKILL');
      for (let i = 0; i < 500 && alive(started.pid); i++) await systemClock.sleep(milliseconds(20), {});
      expect(alive(started.pid)).toBe(false);
    } finally {
      await rm(started.runDir, { recursive: true, force: true });
    }
  });
});
