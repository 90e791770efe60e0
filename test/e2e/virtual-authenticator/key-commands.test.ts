/**
 * `unlockctl key …` as a person runs it: the built program on a terminal of its own, through the unmodified node-hid, on a
 * key that it finds as /dev/hidraw0. What it did is looked at in the key, and once with libfido2's own tool.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { PROFILES, type ProfileName } from '../../../hal-mocks/fido2/profile.ts';
import { TcpServer } from '../../../hal-mocks/fido2/tcp-server.ts';
import { touchAutomatically } from '../../../hal-mocks/fido2/touch.ts';
import { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import { opened, PIN, store } from '../../support/fido2/managed-key.ts';
import { givePin, person } from '../../support/fido2/person.ts';
import {
  type Finished,
  finished,
  missingCommand,
  missingForBridge,
  runUnderBridge,
  SYSTEM_PYTHON,
  startUnderBridge,
} from '../../support/umockdev/bridge.ts';
import { DIST, requireBuild } from '../demo/built.ts';

const PTY = fileURLToPath(new URL('../../support/umockdev/pty_answers.py', import.meta.url));
const NODE = '/dev/hidraw0';
const missing = missingForBridge();
const tools = missing ?? missingCommand('fido2-token', 'fido2-tools');
const because = (reason: string | null): string => (reason === null ? '' : ` (${reason})`);

const CTL = join(DIST, 'agent/ctl.js');

beforeAll(() => {
  if (missing === null) requireBuild();
});

let close: () => Promise<void> = async () => undefined;
afterEach(async () => close());

async function key(profile: ProfileName) {
  const options = { clock: systemClock, entropy: systemEntropy, profile: PROFILES[profile] };
  const authenticator = new VirtualAuthenticator(options);
  const server = await TcpServer.start(authenticator, 0);
  const stopTouching = touchAutomatically(authenticator, systemClock, milliseconds(5));
  close = async () => {
    stopTouching();
    await server.close();
  };
  const at = { protocol: 'tcp', address: `127.0.0.1:${server.port}` } as const;
  const argv = (answers: readonly string[], args: readonly string[]) => {
    const command = [process.execPath, CTL, 'key', ...args];
    return [SYSTEM_PYTHON, PTY, ...answers, '--', ...command];
  };
  const run = async (answers: readonly string[], ...args: readonly string[]): Promise<Finished> => {
    const ran = await runUnderBridge(at, argv(answers, args));
    return { ...ran, stdout: ran.stdout.replaceAll('\r', '') };
  };
  return { authenticator, at, argv, run };
}

describe.skipIf(missing)(`unlockctl key on a terminal${because(missing)}`, () => {
  it('finds a key, gives it a PIN, changes it, and never shows one', async () => {
    const { authenticator, run } = await key('2.1');
    expect((await run([], 'list')).stdout).toContain(`Virtual Security Key (${NODE}), serial number UNLOCKD0001`);
    const set = await run([PIN, PIN], 'pin', 'set');
    expect([set.status, set.stdout]).toEqual([
      0,
      expect.stringContaining(`Virtual Security Key (${NODE}) has a PIN now.`),
    ]);
    const changed = await run(['000000', '864201', '864201', PIN], 'pin', 'change');
    expect([changed.status, changed.stdout]).toEqual([0, expect.stringContaining('PIN wrong, 7 tries left')]);
    expect(changed.stdout).toContain('(8 tries left): ');
    for (const typed of [PIN, '864201', '000000']) expect(set.stdout + changed.stdout).not.toContain(typed);
    expect(authenticator.state.pinRetries).toBe(8);
    expect(JSON.parse((await run([], 'info', '--json')).stdout).result).toMatchObject({ path: NODE, pin: 'set' });
  });

  it('deletes an account when the word is typed', async () => {
    const { authenticator, run } = await key('2.1');
    const { alice, session } = await opened('2.1', authenticator);
    const { credential } = await store(alice, session, 'a.example', 'somebody');
    await session[Symbol.asyncDispose]();
    const id = Buffer.from(credential.credentialId).toString('hex');
    expect((await run([PIN], 'credentials', 'list')).stdout).toContain(`    ${id}\n`);
    expect((await run([PIN, 'no'], 'credentials', 'delete', id)).status).toBe(6);
    const gone = await run([PIN, 'DELETE'], 'credentials', 'delete', id.slice(0, 20));
    expect([gone.status, authenticator.state.residents]).toEqual([0, []]);
  });

  it('resets a key that is pulled out and comes back as another node', async () => {
    const { authenticator, at, argv } = await key('2.1');
    const child = startUnderBridge(at, argv(['RESET'], ['reset']), { stdio: ['ignore', 'pipe', 'pipe'] });
    const end = finished(child);
    authenticator.configure((state) => {
      state.pinRetries = 3;
    });
    let seen = '';
    child.stdout?.on('data', (chunk) => {
      const before = seen;
      seen += chunk;
      const now = (text: string) => seen.includes(text) && !before.includes(text);
      if (now('Unplug Virtual')) authenticator.remove();
      if (now('Plug it in again')) authenticator.insert();
    });
    const { status, stdout } = await end;
    expect([status, stdout]).toEqual([0, expect.stringContaining('Virtual Security Key (/dev/hidraw1) is as new')]);
    expect(authenticator.state).toMatchObject({ pinHash: null, pinRetries: 8 });
  });

  it('is told of by doctor, with what it can and has left', async () => {
    const { at, authenticator } = await key('2.1');
    await givePin(person(authenticator), PIN);
    const { stdout } = await runUnderBridge(at, [process.execPath, CTL, 'doctor', '--json']);
    const { findings } = JSON.parse(stdout).result as { findings: { check: string; level: string; text: string }[] };
    expect(findings.filter(({ check }) => check === 'keys')).toMatchObject([
      { level: 'ok', text: `Virtual Security Key at ${NODE}: speaks FIDO_2_0, FIDO_2_1, has hmac-secret` },
      { level: 'ok', text: `Virtual Security Key at ${NODE}: PIN set, 8 tries left` },
    ]);
  });

  it('gives the terminal back as it was when the key is pulled out while its PIN is typed', async () => {
    const { authenticator, at } = await key('2.1');
    await givePin(person(authenticator), PIN);
    const line = `'${process.execPath}' '${CTL}' key credentials list; echo "exit $?"; stty -a`;
    const command = [SYSTEM_PYTHON, PTY, '--', 'sh', '-c', line];
    const child = startUnderBridge(at, command, { stdio: ['ignore', 'pipe', 'pipe'] });
    const end = finished(child);
    child.stdout?.on('data', (chunk) => {
      if (String(chunk).includes('tries left')) authenticator.remove();
    });
    const { stdout } = await end;
    // The question is taken back first: what is said next begins a line of its own.
    expect(stdout).toMatch(/tries left\): \r*\nunlockctl: .*ERR_HAL_DISCONNECTED/);
    expect(stdout).toContain('exit 10');
    expect(stdout).toMatch(/[ ;]echo[ ;]/);
    expect(stdout).toMatch(/[ ;]icanon[ ;]/);
  });

  it('leaves the reader dark, and nothing in the key, when Ctrl-C is pressed', async () => {
    const { authenticator, at, argv } = await key('bio');
    await givePin(person(authenticator), PIN);
    const wanted = new Promise<void>((resolve) => {
      authenticator.reader.onWait(resolve);
    });
    const child = startUnderBridge(at, argv([PIN], ['fingerprints', 'add']), { stdio: ['ignore', 'pipe', 'pipe'] });
    const end = finished(child);
    await wanted;
    expect(authenticator.reader.waiting).toBe(true);
    child.kill('SIGINT');
    await end;
    expect([authenticator.reader.waiting, authenticator.state.templates]).toEqual([false, []]);
  });

  it.skipIf(tools)(`keeps blobs under a key of their own as libfido2's tool does${because(tools)}`, async () => {
    const { at, run } = await key('2.1');
    await run([PIN, PIN], 'pin', 'set');
    const folder = await mkdtemp(join(tmpdir(), 'unlockd-blobs-'));
    try {
      const [own, blob, back] = ['own', 'blob', 'back'].map((name) => join(folder, name)) as [string, string, string];
      const first = systemEntropy.bytes(100);
      await writeFile(own, `${Buffer.from(systemEntropy.bytes(32)).toString('base64')}\n`);
      await writeFile(blob, first);
      expect((await run([PIN], 'blobs', 'set', `key:${own}`, blob)).status).toBe(0);
      expect((await runUnderBridge(at, ['fido2-token', '-G', '-b', '-k', own, back, NODE])).status).toBe(0);
      expect(new Uint8Array(await readFile(back))).toEqual(first);

      const second = systemEntropy.bytes(200);
      await writeFile(blob, second);
      const theirs = [SYSTEM_PYTHON, PTY, PIN, '--', 'fido2-token', '-S', '-b', '-k', own, blob, NODE];
      expect((await runUnderBridge(at, theirs)).status).toBe(0);
      expect((await run([], 'blobs', 'get', `key:${own}`, '-o', back)).status).toBe(0);
      expect(new Uint8Array(await readFile(back))).toEqual(second);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it.skipIf(tools)(`does what libfido2's tool then reads back${because(tools)}`, async () => {
    const { at, run } = await key('enterprise');
    await run([PIN, PIN], 'pin', 'set');
    await run([PIN], 'config', 'always-uv', 'on');
    await run([PIN], 'config', 'min-pin-length', '6', '--yes');
    const { stdout } = await runUnderBridge(at, ['fido2-token', '-I', NODE]);
    expect(stdout).toMatch(/options: .*\balwaysUv\b/);
    expect(stdout).not.toContain('noalwaysUv');
    expect(stdout).toContain('minpinlen: 6');
  });
});
