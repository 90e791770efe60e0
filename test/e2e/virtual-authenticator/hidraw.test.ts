/**
 * Unmodified programs find the virtual authenticator as /dev/hidraw0 (umockdev) and work with it: libfido2's tools,
 * OpenSSH and node-hid. None of them knows anything of this project.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { TcpServer } from '../../../hal-mocks/fido2/tcp-server.ts';
import { touchAutomatically } from '../../../hal-mocks/fido2/touch.ts';
import { UdpServer } from '../../../hal-mocks/fido2/udp-server.ts';
import { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import {
  type BridgeAddress,
  finished,
  missingCommand,
  missingForBridge,
  runToEnd,
  runUnderBridge,
  SYSTEM_PYTHON,
  startUnderBridge,
} from '../../support/umockdev/bridge.ts';

const support = (name: string): string => fileURLToPath(new URL(`../../support/umockdev/${name}`, import.meta.url));
const PTY = [SYSTEM_PYTHON, support('pty_answers.py')];
const NODE_HID = [process.execPath, support('node_hid_client.mjs')];
const NODE = '/dev/hidraw0';
const PIN = '12345678';

const bridge = missingForBridge();
const tools = bridge ?? missingCommand('fido2-token', 'fido2-tools');
const openssh = bridge ?? missingCommand('ssh-keygen', 'openssh-client');
const because = (reason: string | null): string => (reason === null ? '' : ` (${reason})`);
const base64 = (byte: number, length = 32): string => Buffer.alloc(length, byte).toString('base64');

let authenticator: VirtualAuthenticator;
let server: TcpServer;
let at: BridgeAddress;
let stopTouching: () => void;
let folder: string;

beforeEach(async () => {
  authenticator = new VirtualAuthenticator({ clock: systemClock, entropy: systemEntropy });
  server = await TcpServer.start(authenticator, 0);
  at = { protocol: 'tcp', address: `127.0.0.1:${server.port}` };
  stopTouching = touchAutomatically(authenticator, systemClock, milliseconds(5));
  folder = await mkdtemp(join(tmpdir(), 'unlockd-hidraw-'));
});

afterEach(async () => {
  stopTouching();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

/** Runs a command under the bridge, typing answers where it asks for a PIN. */
const typing = (answers: readonly string[], ...command: readonly string[]) =>
  runUnderBridge(at, [...PTY, ...answers, '--', ...command]);

describe.skipIf(tools)(`libfido2's tools through /dev/hidraw0${because(tools)}`, () => {
  it('list it and show what it is', async () => {
    const list = await runUnderBridge(at, ['fido2-token', '-L']);
    expect(list.stdout).toBe(`${NODE}: vendor=0x1209, product=0xbeee (unlockd Virtual Security Key)\n`);
    const info = await runUnderBridge(at, ['fido2-token', '-I', NODE]);
    expect(info.stdout).toContain('version strings: FIDO_2_0, FIDO_2_1');
    expect(info.stdout).toContain('extension strings: credBlob, credProtect, hmac-secret, largeBlobKey, minPinLength');
    expect(info.stdout).toContain('noclientPin');
    expect(info.stdout).toContain('pin retries: 8');
  });

  it('reach it over UDP as well', async () => {
    await using udp = await UdpServer.start(authenticator, 0);
    const list = await runUnderBridge({ protocol: 'udp', address: `127.0.0.1:${udp.port}` }, [
      'fido2-token',
      '-I',
      NODE,
    ]);
    expect(list.stdout).toContain('FIDO_2_1');
  });

  it('set its PIN, are refused with a wrong one, change it and reset it', async () => {
    expect((await typing([PIN, PIN], 'fido2-token', '-S', NODE)).status).toBe(0);
    const wrong = await typing(['0000', 'abcdef', 'abcdef'], 'fido2-token', '-C', NODE);
    expect([wrong.status, authenticator.state.pinRetries]).toEqual([1, 7]);
    expect((await typing([PIN, 'abcdef', 'abcdef'], 'fido2-token', '-C', NODE)).status).toBe(0);
    expect(authenticator.state.pinRetries).toBe(8);
    authenticator.powerCycle();
    expect((await runUnderBridge(at, ['fido2-token', '-R', NODE])).status).toBe(0);
    expect(authenticator.state.pinHash).toBe(null);
  });

  it.each([
    ['without a PIN', false],
    ['with its PIN', true],
  ])('make a credential, verify it, and get the same hmac-secret twice %s', async (_title, withPin) => {
    const pin = withPin ? [PIN] : [];
    if (withPin) await typing([PIN, PIN], 'fido2-token', '-S', NODE);
    const verification = withPin ? ['-v'] : [];
    const path = (name: string) => join(folder, name);
    await writeFile(path('make'), `${base64(7)}\nexample.org\nsomeone\n${base64(1, 4)}\n`);
    const made = await typing(
      pin,
      'fido2-cred',
      '-M',
      '-h',
      ...verification,
      '-i',
      path('make'),
      '-o',
      path('c'),
      NODE,
    );
    expect(made.stdout).not.toContain('fido2-cred:');
    const checked = await runToEnd(['fido2-cred', '-V', '-h', ...verification, '-i', path('c'), '-o', path('v')]);
    expect([checked.status, checked.stderr]).toEqual([0, '']);
    const [id = '', ...key] = (await readFile(path('v'), 'utf8')).split('\n');
    await writeFile(path('key'), key.join('\n'));
    await writeFile(path('get'), `${base64(8)}\nexample.org\n${id}\n${base64(9)}\n`);

    const secrets: string[] = [];
    for (const round of ['1', '2']) {
      const to = path(`assertion${round}`);
      const options = ['-h', '-i', path('get'), '-o', to, ...(withPin ? ['-t', 'pin=true'] : [])];
      const got = await typing(pin, 'fido2-assert', '-G', ...options, NODE);
      expect(got.stdout).not.toContain('fido2-assert:');
      const verified = await runToEnd(['fido2-assert', '-V', '-h', ...verification, '-i', to, path('key'), 'es256']);
      expect([verified.status, verified.stderr]).toEqual([0, '']);
      secrets.push((await readFile(to, 'utf8')).split('\n')[4] ?? '');
    }
    expect(Buffer.from(secrets[0] ?? '', 'base64')).toHaveLength(32);
    expect(secrets[1]).toBe(secrets[0]);
  });
});

describe.skipIf(openssh)(`OpenSSH through /dev/hidraw0${because(openssh)}`, () => {
  it.each([
    ['ecdsa-sk', 'ECDSA-SK'],
    ['ed25519-sk', 'ED25519-SK'],
  ])('makes an %s key on it, signs with it and verifies the signature', async (type, name) => {
    const key = join(folder, 'id');
    const message = join(folder, 'message');
    await writeFile(message, 'to be signed\n');
    const made = await runUnderBridge(at, ['ssh-keygen', '-q', '-t', type, '-N', '', '-f', key]);
    expect([made.status, made.stderr]).toEqual([0, '']);
    expect((await runUnderBridge(at, ['ssh-keygen', '-Y', 'sign', '-n', 'file', '-f', key, message])).status).toBe(0);
    await writeFile(join(folder, 'allowed'), `signer ${await readFile(`${key}.pub`, 'utf8')}`);
    const verify = ['-Y', 'verify', '-n', 'file', '-I', 'signer', '-f', join(folder, 'allowed')];
    const verified = await runToEnd(['ssh-keygen', ...verify, '-s', `${message}.sig`], {
      input: 'to be signed\n',
    });
    expect(verified.stdout).toContain(`Good "file" signature for signer with ${name} key`);
    const forged = await runToEnd(['ssh-keygen', ...verify, '-s', `${message}.sig`], { input: 'something else\n' });
    expect(forged.status).not.toBe(0);
  });
});

describe.skipIf(bridge)(`node-hid through /dev/hidraw0${because(bridge)}`, () => {
  it('finds it, opens it and gets its answer to CTAPHID_INIT', async () => {
    const { status, stdout, stderr } = await runUnderBridge(at, NODE_HID);
    expect([status, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toEqual({
      path: NODE,
      vendorId: 0x1209,
      productId: 0xbeee,
      product: 'Virtual Security Key',
      serial: 'UNLOCKD0001',
      answered: 'ffffffff8600110102030405060708',
      length: 64,
    });
  });

  it('sees it being pulled out and plugged in again', async () => {
    const child = startUnderBridge(at, [...NODE_HID, 'watch'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const end = finished(child);
    const seen = createInterface({ input: child.stdout as NonNullable<typeof child.stdout> })[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => JSON.parse((await seen.next()).value as string);
    /** Lists until the paths are those, and lets through what else is said. */
    const listUntil = async (...paths: readonly string[]): Promise<unknown[]> => {
      const others: unknown[] = [];
      for (;;) {
        child.stdin?.write('list\n');
        const line = (await next()) as { event: string; paths?: string[] };
        if (line.event !== 'list') others.push(line);
        else if (JSON.stringify(line.paths) === JSON.stringify(paths)) return others;
        await systemClock.sleep(milliseconds(50), {});
      }
    };
    try {
      expect(await next()).toMatchObject({ path: NODE });
      authenticator.remove();
      const said = await listUntil();
      authenticator.insert();
      said.push(...(await listUntil('/dev/hidraw1')));
      expect(said).toContainEqual({ event: 'error', text: expect.stringContaining('disconnected') });
    } finally {
      child.stdin?.end('end\n');
      await end;
    }
  });

  it('hands on the exit status of the command and leaves nothing behind', async () => {
    const { stdout, ...ended } = await runUnderBridge(at, ['sh', '-c', 'echo "$UMOCKDEV_DIR"; exit 7']);
    expect(ended).toEqual({ status: 7, stderr: '' });
    expect((await runToEnd(['test', '-e', stdout.trim()])).status).toBe(1);
  });

  it('is not there where the authenticator does not answer', async () => {
    await server.close();
    const { status, stderr } = await runUnderBridge(at, ['true']);
    expect(status).toBe(125);
    expect(stderr).toContain('Connection refused');
  });
});
