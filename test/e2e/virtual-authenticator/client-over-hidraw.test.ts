/**
 * Our client through the unmodified node-hid: the same file runs twice. Outside it holds a virtual key behind a fake
 * /dev/hidraw0 and starts the test runner on itself inside; inside, the ceremonies, commands, faults and lies of the
 * in-process scenarios are met again, all in one process under one bridge.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { hashRpId } from '../../../drivers/fido2/auth-data.ts';
import { withTouch } from '../../../drivers/fido2/ceremony.ts';
import { CredentialManagement } from '../../../drivers/fido2/credential-management.ts';
import { CRED_BLOB, credBlobOf, LARGE_BLOB_KEY } from '../../../drivers/fido2/extensions.ts';
import {
  openLargeBlob,
  readLargeBlobArray,
  sealLargeBlob,
  writeLargeBlobArray,
} from '../../../drivers/fido2/large-blobs.ts';
import { authenticatorMakeCredential } from '../../../drivers/fido2/make-credential.ts';
import { authenticatorGetAssertions } from '../../../drivers/fido2/next-assertion.ts';
import {
  deriveFromSecurityKey,
  type EnrolledSecurityKey,
  enrolSecurityKey,
} from '../../../drivers/fido2/security-key.ts';
import { authenticatorSelection } from '../../../drivers/fido2/selection.ts';
import { disposeVerification, KeyPin, managementToken, verifyUser } from '../../../drivers/fido2/user-verification.ts';
import type { CborValue } from '../../../drivers/fido2/wire/cbor.ts';
import { PERMISSION } from '../../../drivers/fido2/wire/constants.ts';
import { Control } from '../../../hal-mocks/fido2/control.ts';
import { PROFILES } from '../../../hal-mocks/fido2/profile.ts';
import { TcpServer } from '../../../hal-mocks/fido2/tcp-server.ts';
import { touchAutomatically } from '../../../hal-mocks/fido2/touch.ts';
import { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import { hidrawPerson } from '../../support/fido2/hidraw-person.ts';
import { ALICE } from '../../support/fido2/person.ts';
import { finished, missingForBridge, startUnderBridge } from '../../support/umockdev/bridge.ts';

const CONTROL = 'UNLOCKD_TEST_KEY_CONTROL';
const inside = process.env[CONTROL];
const missing = missingForBridge();
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const HERE = fileURLToPath(import.meta.url);

describe.skipIf(missing !== null || inside !== undefined)(
  `our client on node-hid${missing ? ` (${missing})` : ''}`,
  () => {
    it('does through /dev/hidraw0 what it does in process', async () => {
      const profile = PROFILES['2.3'];
      const authenticator = new VirtualAuthenticator({ clock: systemClock, entropy: systemEntropy, profile });
      const stopTouching = touchAutomatically(authenticator, systemClock, milliseconds(1));
      await using server = await TcpServer.start(authenticator, 0);
      const folder = await mkdtemp(join(tmpdir(), 'unlockd-key-'));
      const control = new Control(authenticator, systemClock);
      const hands = createServer((socket) => {
        socket.on('error', () => undefined);
        createInterface({ input: socket }).on('line', (line) => socket.write(`${JSON.stringify(control.run(line))}\n`));
      });
      const path = join(folder, 'hands');
      await new Promise<void>((resolve) => hands.listen(path, resolve));
      try {
        const runner = [process.execPath, join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', HERE, '--pool=threads'];
        const env = { ...process.env, [CONTROL]: path, NO_COLOR: '1' };
        const options = { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] } as const;
        const at = { protocol: 'tcp', address: `127.0.0.1:${server.port}` } as const;
        const { status, stdout, stderr } = await finished(
          startUnderBridge(at, runner, { ...options, stdio: [...options.stdio] }),
        );
        expect(status, stdout + stderr).toBe(0);
        expect(stdout).toMatch(/Tests {2}\d\d passed/);
      } finally {
        stopTouching();
        hands.close();
        await rm(folder, { recursive: true, force: true });
      }
    });
  },
);

const RP = 'accounts.example';

/** @param hands the socket for the hands of the person */
function suite(hands: string): void {
  const alice = hidrawPerson(hands);
  const { ceremony } = alice;
  const { signal } = ceremony;
  let enrolled: EnrolledSecurityKey;

  beforeAll(async () => {
    await alice.givePin();
    enrolled = await enrolSecurityKey({ ...ceremony, ...ALICE, uv: 'required' });
  });
  afterEach(() => alice.hands('behave'));
  afterAll(() => {
    enrolled.hmacSecret.dispose();
    alice[Symbol.dispose]();
  });

  const derive = (more: Partial<typeof ceremony> = {}, secondSalt?: Uint8Array) =>
    deriveFromSecurityKey({
      ...ceremony,
      ...more,
      credentials: [{ ...enrolled, ...(secondSalt === undefined ? {} : { secondSalt }) }],
    });
  const expectRight = async (more: Partial<typeof ceremony> = {}) => {
    const derived = await derive(more);
    expect(derived.hmacSecret.equals(enrolled.hmacSecret)).toBe(true);
    derived.hmacSecret.dispose();
  };

  it('derives what was enrolled, with user verification', async () => {
    await expectRight();
    expect(enrolled.uvUsed).toBe(true);
  });

  it('derives a second secret with the same touch', async () => {
    const derived = await derive({}, systemEntropy.bytes(32));
    expect(derived.secondSecret?.length).toBe(32);
    for (const one of [derived.hmacSecret, derived.secondSecret]) one?.dispose();
  });

  it('enrols with one touch where the key can', async () => {
    const before = alice.touches.length;
    const one = await enrolSecurityKey({ ...ceremony, ...ALICE, uv: 'required', singleTouch: true });
    expect(alice.touches.length - before).toBe(1);
    const derived = await deriveFromSecurityKey({ ...ceremony, credentials: [one] });
    expect(derived.hmacSecret.equals(one.hmacSecret)).toBe(true);
    for (const { hmacSecret } of [one, derived]) hmacSecret.dispose();
  });

  it('is not enrolled twice', async () => {
    const exclude = [enrolled.credentialId];
    const again = enrolSecurityKey({ ...ceremony, ...ALICE, uv: 'required', exclude, insertWithin: milliseconds(0) });
    await expect(again).rejects.toMatchObject({ code: 'ERR_CTAP_ALREADY_ENROLLED' });
  });

  it('stores accounts, lists, asserts, renames and deletes them, with their blobs', async () => {
    await using session = await alice.session();
    const { authenticator, info, device } = session;
    using pin = new KeyPin();
    const make = async (user: string) => {
      const verification = await verifyUser(session, { ...ceremony, rpId: RP }, PERMISSION.mc, pin);
      const extensions = new Map<string, CborValue>([
        [CRED_BLOB, utf8(user)],
        [LARGE_BLOB_KEY, true],
      ]);
      const request = { clientDataHash: systemEntropy.bytes(32), rpId: RP, user: { id: utf8(user), name: user } };
      const touch = withTouch(ceremony, { device, why: 'enrol' });
      const made = await authenticatorMakeCredential(
        authenticator,
        { ...request, residentKey: true, extensions, verification },
        touch,
      );
      disposeVerification(verification);
      return made;
    };
    const made = [await make('one'), await make('two')];
    const verification = await verifyUser(session, { ...ceremony, rpId: RP }, PERMISSION.ga, pin);
    const found = await authenticatorGetAssertions(
      authenticator,
      {
        clientDataHash: systemEntropy.bytes(32),
        rpId: RP,
        publicKeyOf: (id) =>
          made.find(({ credential }) => Buffer.compare(credential.credentialId, id) === 0)?.publicKey ?? null,
        extensions: new Map([[CRED_BLOB, true]]),
        verification,
      },
      withTouch(ceremony, { device, why: 'confirm' }),
    );
    disposeVerification(verification);
    expect(found.map(({ data }) => credBlobOf(data))).toEqual([utf8('two'), utf8('one')]);

    const [blobKey] = made.map(({ largeBlobKey }) => largeBlobKey ?? expect.fail('none'));
    if (blobKey === undefined) expect.fail('none');
    {
      using lbw = await managementToken(session, ceremony, PERMISSION.lbw, new KeyPin());
      const blob = systemEntropy.bytes(700);
      await writeLargeBlobArray(authenticator, info, [sealLargeBlob(blobKey, blob, systemEntropy)], lbw, { signal });
      const [element = null] = await readLargeBlobArray(authenticator, info, { signal });
      expect(openLargeBlob(blobKey, element)).toEqual(blob);
    }
    using cm = await managementToken(session, ceremony, PERMISSION.cm, new KeyPin());
    const management = new CredentialManagement(authenticator, info, cm);
    expect((await management.relyingParties({ signal })).map(({ id }) => id)).toEqual([RP]);
    const stored = await management.credentials(hashRpId(RP), { signal });
    for (const { id, user } of stored) {
      await management.updateUser(id, { ...user, name: 'renamed' }, { signal });
      await management.delete(id, { signal });
    }
    expect(await management.relyingParties({ signal })).toEqual([]);
  });

  it('is selected by a touch', async () => {
    await using session = await alice.session();
    const touch = withTouch(ceremony, { device: session.device, why: 'select' });
    await expect(authenticatorSelection(session.authenticator, session.info, touch)).resolves.toBeUndefined();
  });

  // The fake node is a terminal: more than 4,095 bytes that wait (63 reports) would cut one in two, which no /dev/hidraw does.
  it.each(['busy 3', 'keepalive-storm 50', 'foreign-traffic', 'merged-reports'])('copes with %s', async (fault) => {
    await alice.hands(`fault ${fault}`);
    await expectRight();
  });

  const timing = {
    init: milliseconds(900),
    operation: milliseconds(1500),
    idle: milliseconds(700),
    drain: milliseconds(200),
  };
  it.each([
    ['other-relying-party', 'ERR_CTAP_VERIFICATION'],
    ['hide-up', 'ERR_CTAP_VERIFICATION'],
    ['hide-uv', 'ERR_CTAP_VERIFICATION'],
    ['broken-signature', 'ERR_CTAP_VERIFICATION'],
    ['assertion-status 241', 'ERR_CTAP_STATUS'],
    ['reordered-reports', 'ERR_CTAP_MALFORMED_RESPONSE'],
    ['truncated-answers', 'ERR_CTAP_TIMEOUT'],
    ['wrong-channel', 'ERR_CTAP_TIMEOUT'],
    ['silent', 'ERR_CTAP_TIMEOUT'],
    ['endless-keepalive', 'ERR_CTAP_TIMEOUT'],
    ['busy 100000', 'ERR_CTAP_BUSY'],
  ])('refuses a key with %s, and takes it again afterwards', async (fault, code) => {
    await alice.hands(`fault ${fault}`);
    await expect(derive({ timing })).rejects.toMatchObject({ code });
    await alice.hands('behave');
    await expectRight();
  });

  it('cancels what waits for a touch, and the key is ready at once', async () => {
    await alice.hands('behave');
    const abort = new AbortController();
    const onTouch = () => abort.abort();
    await expect(derive({ signal: abort.signal, onTouch })).rejects.toMatchObject({ code: 'ERR_CTAP_CANCELLED' });
    await expectRight();
  });

  it.each([2, 9])(
    'notices that the key is pulled out at its frame %i, and works with it plugged in again',
    async (n) => {
      await alice.hands(`fault unplug-at-frame ${n}`);
      const failing = derive({ insertWithin: milliseconds(0) });
      await expect(failing).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_(HAL_DISCONNECTED|CTAP_NO_KEY)$/),
      });
      await alice.hands('behave');
      await alice.hands('insert');
      await expectRight();
    },
  );
}

if (inside !== undefined) describe('behind /dev/hidraw0', () => suite(inside));
