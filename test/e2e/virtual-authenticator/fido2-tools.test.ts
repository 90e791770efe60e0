/**
 * libfido2's tools manage the virtual authenticator behind /dev/hidraw0: everything that they can do to a real key. They
 * know nothing of this project, so what they read back is what the specification means.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { PROFILES, type ProfileName } from '../../../hal-mocks/fido2/profile.ts';
import { TcpServer } from '../../../hal-mocks/fido2/tcp-server.ts';
import { touchAutomatically } from '../../../hal-mocks/fido2/touch.ts';
import { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import {
  type Finished,
  missingCommand,
  missingForBridge,
  runUnderBridge,
  SYSTEM_PYTHON,
} from '../../support/umockdev/bridge.ts';

const PTY = fileURLToPath(new URL('../../support/umockdev/pty_answers.py', import.meta.url));
const NODE = '/dev/hidraw0';
const PIN = '12345678';
const RP = 'example.org';
const missing = missingForBridge() ?? missingCommand('fido2-token', 'fido2-tools');

let close: () => Promise<void> = async () => undefined;
afterEach(async () => close());

/** An authenticator of a kind, and the tools with their PIN typed. */
async function key(profile: ProfileName) {
  const authenticator = new VirtualAuthenticator({
    clock: systemClock,
    entropy: systemEntropy,
    profile: PROFILES[profile],
  });
  const server = await TcpServer.start(authenticator, 0);
  const folder = await mkdtemp(join(tmpdir(), 'unlockd-tools-'));
  const stopTouching = touchAutomatically(authenticator, systemClock, milliseconds(5));
  close = async () => {
    stopTouching();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  };
  const at = { protocol: 'tcp', address: `127.0.0.1:${server.port}` } as const;
  const path = (name: string): string => join(folder, name);
  /** A command with the answers that it asks for; its status is shown with what it said. */
  const run = async (answers: readonly string[], ...command: readonly string[]): Promise<Finished> =>
    await runUnderBridge(at, [SYSTEM_PYTHON, PTY, ...answers, '--', ...command]);
  const ok = async (...command: readonly string[]): Promise<string> => {
    const { status, stdout } = await run([PIN, PIN, PIN], ...command, NODE);
    expect([command, status, stdout]).toEqual([command, 0, stdout]);
    return stdout.replaceAll('\r', '');
  };
  /** A stored credential. @returns its id, base64 */
  const resident = async (user: string, ...options: readonly string[]): Promise<string> => {
    const input = [randomBytes(32).toString('base64'), RP, user, Buffer.from(user).toString('base64')].join('\n');
    await writeFile(path('make'), `${input}\n`);
    await ok('fido2-cred', '-M', '-r', ...options, '-i', path('make'), '-o', path('cred'));
    return (await readFile(path('cred'), 'utf8')).split('\n')[4] ?? '';
  };
  return { authenticator, path, run, ok, resident };
}

const withPin = async (profile: ProfileName) => {
  const made = await key(profile);
  await made.ok('fido2-token', '-S');
  return made;
};

describe.skipIf(missing)(`libfido2's tools${missing === null ? '' : ` (${missing})`}`, () => {
  it('list stored credentials by relying party, and delete one', async () => {
    const { ok, resident, authenticator } = await withPin('2.1');
    const [first, second] = [await resident('first'), await resident('second', '-h', '-c', '3')];
    expect(await ok('fido2-token', '-I', '-c')).toMatch(/existing rk\(s\): 2\nremaining rk\(s\): 23\n$/);
    const parties = await ok('fido2-token', '-L', '-r');
    expect(parties).toContain(RP);
    const listed = await ok('fido2-token', '-L', '-k', RP);
    expect(listed).toContain(first);
    expect(listed).toContain(`${second} (null) ${btoa('second')} es256 uvreq`);
    expect(listed).toContain(`${first} (null) ${btoa('first')} es256 uvopt`);
    await ok('fido2-token', '-D', '-i', second);
    expect(authenticator.state.residents.map(({ user }) => user.name)).toEqual(['first']);
  });

  it('rename the account of a stored credential', async () => {
    const { ok, resident, authenticator } = await withPin('2.1');
    const id = await resident('before');
    const user = Buffer.from('before').toString('base64');
    await ok('fido2-token', '-S', '-c', '-i', id, '-k', user, '-n', 'after', '-p', 'After All');
    expect(authenticator.state.residents[0]?.user).toMatchObject({ name: 'after', displayName: 'After All' });
  });

  it('list stored credentials of a key that knows the preview of the command only', async () => {
    const { ok, resident } = await withPin('2.0');
    const id = await resident('first');
    expect(await ok('fido2-token', '-L', '-k', RP)).toContain(id);
    await ok('fido2-token', '-D', '-i', id);
    expect(await ok('fido2-token', '-I', '-c')).toMatch(/existing rk\(s\): 0\n/);
  });

  it('fill a key that has room for two', async () => {
    const { resident, run, path } = await withPin('few-credentials');
    await resident('first');
    await resident('second');
    await writeFile(path('make'), `${randomBytes(32).toString('base64')}\n${RP}\nthird\n${btoa('third')}\n`);
    const full = await run([PIN], 'fido2-cred', '-M', '-r', '-v', '-i', path('make'), NODE);
    expect(full.stdout).toContain('FIDO_ERR_KEY_STORE_FULL');
  });

  it('make, verify and use an EdDSA credential', async () => {
    const { path, run, ok } = await withPin('2.1');
    await writeFile(path('make'), `${randomBytes(32).toString('base64')}\n${RP}\nsomeone\n${btoa('1')}\n`);
    await run([PIN], 'fido2-cred', '-M', '-v', '-i', path('make'), '-o', path('cred'), NODE, 'eddsa');
    const checked = await run([], 'fido2-cred', '-V', '-v', '-i', path('cred'), '-o', path('pub'), 'eddsa');
    expect(checked).toMatchObject({ status: 0, stdout: '' });
    const [id = '', ...pem] = (await readFile(path('pub'), 'utf8')).split('\n');
    await writeFile(path('key'), pem.join('\n'));
    await writeFile(path('get'), `${randomBytes(32).toString('base64')}\n${RP}\n${id}\n`);
    await ok('fido2-assert', '-G', '-t', 'pin=true', '-i', path('get'), '-o', path('assertion'));
    const verified = await run([], 'fido2-assert', '-V', '-v', '-i', path('assertion'), path('key'), 'eddsa');
    expect(verified).toMatchObject({ status: 0, stdout: '' });
  });

  it('store a large blob of a credential, read it back, list and remove it', async () => {
    const { ok, resident, path } = await withPin('2.1');
    const id = await resident('blob', '-b');
    const blob = randomBytes(300).toString('base64');
    await writeFile(path('blob'), blob);
    await ok('fido2-token', '-S', '-b', '-i', id, '-n', RP, path('blob'));
    await ok('fido2-token', '-G', '-b', '-i', id, '-n', RP, path('back'));
    expect(await readFile(path('back'), 'utf8')).toBe(blob);
    expect(await ok('fido2-token', '-L', '-b')).toMatch(/^00: +\d+ +400 /m);
    await ok('fido2-token', '-D', '-b', '-i', id, '-n', RP);
    expect(await ok('fido2-token', '-L', '-b')).not.toMatch(/^00:/m);
  });

  it('set the minimum length of the PIN, force a change, and always verify the user', async () => {
    const { ok, run, authenticator } = await withPin('always-uv');
    expect(await ok('fido2-token', '-I')).toContain('alwaysUv');
    await ok('fido2-token', '-S', '-l', '6');
    expect(authenticator.state).toMatchObject({ minPinLength: 6, forcePinChange: true });
    const short = await run([PIN, '12345', '12345'], 'fido2-token', '-C', NODE);
    expect(short.status).toBe(1);
    expect((await run([PIN, '87654321', '87654321'], 'fido2-token', '-C', NODE)).status).toBe(0);
    expect(authenticator.state.forcePinChange).toBe(false);
    expect((await run(['87654321'], 'fido2-token', '-D', '-u', NODE)).status).toBe(0);
    expect(authenticator.state.alwaysUv).toBe(false);
    expect((await run(['87654321'], 'fido2-token', '-S', '-f', NODE)).status).toBe(0);
    expect(authenticator.state.forcePinChange).toBe(true);
  });

  it('name the relying parties that may ask for the length, and switch enterprise attestation on', async () => {
    const { ok, authenticator } = await withPin('enterprise');
    await ok('fido2-token', '-S', '-m', `${RP},other.example`);
    await ok('fido2-token', '-S', '-a');
    expect(authenticator.state).toMatchObject({
      minPinLengthRpIds: [RP, 'other.example'],
      enterpriseAttestation: true,
    });
    expect(await ok('fido2-token', '-I')).toMatch(/options: .*\bep\b/);
  });

  it.each(['bio', 'bio-preview'] as const)('enrol a finger, name it, list it and remove it (%s)', async (profile) => {
    const { ok, authenticator } = await withPin(profile);
    const qualities = ['good', 'tooFast', 'good', 'good'] as const;
    let shown = 0;
    const stop = authenticator.reader.onWait(() => {
      setImmediate(() => authenticator.reader.show('thumb', qualities[shown++]));
    });
    const enrolled = await ok('fido2-token', '-S', '-e');
    stop();
    expect(authenticator.state.templates).toMatchObject([{ finger: 'thumb', name: null }]);
    expect(enrolled).toMatch(/Sample too fast/);
    const id = Buffer.from(authenticator.state.templates[0]?.id ?? []).toString('base64');
    await ok('fido2-token', '-S', '-e', '-i', id, '-n', 'my thumb');
    expect(await ok('fido2-token', '-L', '-e')).toContain(`${id} my thumb`);
    expect(await ok('fido2-token', '-I')).toMatch(/sensor type: 1 \(touch\)/);
    await ok('fido2-token', '-D', '-e', '-i', id);
    expect(authenticator.state.templates).toEqual([]);
  });

  it('are let in by a finger, are refused with another, and are told when the reader is blocked', async () => {
    const { run, path, authenticator } = await withPin('bio');
    authenticator.configure((state) => {
      state.templates = [{ id: randomBytes(16), name: null, finger: 'thumb' }];
    });
    let finger = 'thumb';
    authenticator.reader.onWait(() => {
      setImmediate(() => authenticator.reader.show(finger));
    });
    await writeFile(path('make'), `${randomBytes(32).toString('base64')}\n${RP}\nsomeone\n${btoa('1')}\n`);
    await run([], 'fido2-cred', '-M', '-i', path('make'), '-o', path('cred'), NODE);
    await run([], 'fido2-cred', '-V', '-i', path('cred'), '-o', path('pub'));
    const [id = ''] = (await readFile(path('pub'), 'utf8')).split('\n');
    await writeFile(path('get'), `${randomBytes(32).toString('base64')}\n${RP}\n${id}\n`);
    const get = () => run([], 'fido2-assert', '-G', '-t', 'uv=true', '-i', path('get'), NODE);
    expect((await get()).status).toBe(0);
    finger = 'elbow';
    for (const left of [2, 1]) {
      expect((await get()).stdout).toContain('FIDO_ERR_UV_INVALID');
      expect(authenticator.state.uvRetries).toBe(left);
    }
    expect((await get()).status).toBe(1);
    expect(authenticator.state.uvRetries).toBe(0);
    finger = 'thumb';
    expect((await get()).status).toBe(1);
  });

  it('reset it within ten seconds of power-up, and lose everything', async () => {
    const { ok, resident, authenticator } = await withPin('2.1');
    await resident('gone');
    authenticator.powerCycle();
    await ok('fido2-token', '-R');
    expect(authenticator.state).toMatchObject({ residents: [], pinHash: null });
  });
});
