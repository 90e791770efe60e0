/**
 * Programs that use security keys every day take the virtual authenticator for one: systemd-cryptenroll enrols it into a
 * LUKS volume, which then opens by the secret that our own client derives; pam-u2f registers it and logs in with it.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { parseCoseKey } from '../../../drivers/fido2/cose-key.ts';
import { hmacAssertion } from '../../../drivers/fido2/hmac-assertion.ts';
import { openKey } from '../../../drivers/fido2/key-session.ts';
import { DeviceStopwatch } from '../../../drivers/fido2/stopwatch.ts';
import { KeyPin } from '../../../drivers/fido2/user-verification.ts';
import { encodeCanonical } from '../../../drivers/fido2/wire/cbor.ts';
import { findCredential } from '../../../hal-mocks/fido2/credential.ts';
import type { ProfileName } from '../../../hal-mocks/fido2/profile.ts';
import { TcpServer } from '../../../hal-mocks/fido2/tcp-server.ts';
import { touchAutomatically } from '../../../hal-mocks/fido2/touch.ts';
import type { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import { LuksVolume } from '../../support/fido2/luks-volume.ts';
import { givePin, key, type Person, person } from '../../support/fido2/person.ts';
import {
  type BridgeAddress,
  missingCommand,
  missingForBridge,
  runUnderBridge,
  SYSTEM_PYTHON,
} from '../../support/umockdev/bridge.ts';

const PTY = fileURLToPath(new URL('../../support/umockdev/pty_answers.py', import.meta.url));
const PIN = '12345678';
const bridge = missingForBridge();
const luks =
  bridge ?? missingCommand('systemd-cryptenroll', 'systemd') ?? missingCommand('cryptsetup', 'cryptsetup-bin');
const pam = bridge ?? missingCommand('pamu2fcfg', 'pamu2fcfg libpam-u2f') ?? missingCommand('pamtester', 'pamtester');
const isRoot = process.getuid?.() === 0;
const because = (reason: string | null): string => (reason === null ? '' : ` (${reason})`);

let authenticator: VirtualAuthenticator;
let someone: Person;
let server: TcpServer;
let at: BridgeAddress;
let folder: string;
let stopTouching: () => void;

async function plugIn(profile: ProfileName, withPin: boolean): Promise<void> {
  authenticator = key(profile);
  someone = person(authenticator);
  if (withPin) await givePin(someone, PIN);
  server = await TcpServer.start(authenticator, 0);
  at = { protocol: 'tcp', address: `127.0.0.1:${server.port}` };
  stopTouching = touchAutomatically(authenticator, systemClock, milliseconds(5));
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unlockd-strangers-'));
});

afterEach(async () => {
  stopTouching();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

describe.skipIf(luks)(`systemd-cryptenroll and cryptsetup${because(luks)}`, () => {
  it('enrol the key into a LUKS volume, which opens with what our client derives with user verification only', async () => {
    // A key that makes no credential without its PIN: of others systemd takes the secret without verification (#31443).
    await plugIn('2.0', true);
    const volume = await LuksVolume.create(folder);
    const enrolled = await volume.enrol(at, PIN);
    expect([enrolled.status, enrolled.stdout]).toEqual([0, enrolled.stdout]);
    const { credentialId, salt, rpId, wantsPin } = await volume.token();
    expect([rpId, wantsPin]).toEqual(['io.systemd.cryptsetup', true]);
    const credential = findCredential(authenticator.state, credentialId, rpId) ?? expect.fail('not on this key');
    const publicKey = parseCoseKey(encodeCanonical(credential.key.publicKey));
    const derive = async (verify: boolean): Promise<Uint8Array> => {
      const ceremony = { ...someone.ceremony, rpId };
      const [device] = await ceremony.hid.list({ signal: ceremony.signal });
      if (device === undefined) throw new Error('no key is plugged in');
      const stopwatch = new DeviceStopwatch(systemClock);
      await using session = await openKey(device, ceremony, { stopwatch, justArrived: false });
      using pin = new KeyPin();
      someone.pins.push(PIN);
      const { hmacSecret } = await hmacAssertion(session, ceremony, { credentialId, publicKey, salt }, { verify, pin });
      using secret = hmacSecret;
      return new Uint8Array(secret.expose());
    };
    expect(await volume.opensWith(await derive(true))).toBe(true);
    expect(await volume.opensWith(await derive(false))).toBe(false);
    expect(await volume.opensWith(systemEntropy.bytes(32))).toBe(false);
  });
});

describe.skipIf(pam !== null || !isRoot)(
  `pam-u2f${because(pam ?? (isRoot ? null : 'needs root: a PAM service'))}`,
  () => {
    it('registers the key, lets it in, and lets no other key in', async () => {
      await plugIn('attested', false);
      const { username } = userInfo();
      const origin = ['-o', 'pam://test', '-i', 'pam://test'];
      const registered = await runUnderBridge(at, ['pamu2fcfg', '-u', username, ...origin]);
      expect([registered.status, registered.stdout]).toEqual([0, expect.stringMatching(`^${username}:`)]);
      const mappings = join(folder, 'mappings');
      await writeFile(mappings, `${registered.stdout}\n`);
      // Of its own name, so that no service of the machine is touched.
      const service = `unlockd-test-${randomUUID()}`;
      const path = `/etc/pam.d/${service}`;
      const options = `authfile=${mappings} origin=pam://test appid=pam://test`;
      await writeFile(path, `auth required pam_u2f.so ${options}\n`);
      try {
        const login = () =>
          runUnderBridge(at, [SYSTEM_PYTHON, PTY, '--', 'pamtester', service, username, 'authenticate']);
        expect(await login()).toMatchObject({
          status: 0,
          stdout: expect.stringContaining('successfully authenticated'),
        });
        authenticator.powerCycle();
        authenticator.configure((state) => {
          state.masterSecret = systemEntropy.bytes(32);
        });
        expect((await login()).status).not.toBe(0);
      } finally {
        await rm(path, { force: true });
      }
    });
  },
);
