/** The commands of CTAP 2.1 one by one, against the virtual authenticator: what the ceremonies do not need every day. */
import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { toHex } from '../../../drivers/base/bytes.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { withTouch } from '../../../drivers/fido2/ceremony.ts';
import {
  changePin,
  getKeyAgreement,
  getPinRetries,
  getTokenWithPin,
  setPin,
} from '../../../drivers/fido2/client-pin.ts';
import { CRED_PROTECT, CRED_PROTECT_POLICY, credProtectLevel } from '../../../drivers/fido2/cred-protect.ts';
import { assertSilently, authenticatorGetAssertion } from '../../../drivers/fido2/get-assertion.ts';
import { HMAC_SECRET, hmacSecretInput, hmacSecretOutputs } from '../../../drivers/fido2/hmac-secret.ts';
import { type KeySession, openKey } from '../../../drivers/fido2/key-session.ts';
import { authenticatorMakeCredential } from '../../../drivers/fido2/make-credential.ts';
import { enrolSecurityKey } from '../../../drivers/fido2/security-key.ts';
import { authenticatorSelection } from '../../../drivers/fido2/selection.ts';
import { DeviceStopwatch } from '../../../drivers/fido2/stopwatch.ts';
import { NO_VERIFICATION } from '../../../drivers/fido2/verification.ts';
import { CTAP_COMMAND, GET_INFO, PERMISSION } from '../../../drivers/fido2/wire/constants.ts';
import { CTAP_STATUS } from '../../../drivers/fido2/wire/status-codes.ts';
import type { Behaviour } from '../../../hal-mocks/fido2/behaviour.ts';
import type { ProfileName } from '../../../hal-mocks/fido2/profile.ts';
import { ALICE, givePin, key, type Person, person, secret } from '../../support/fido2/person.ts';

async function session({ ceremony, hid }: Person): Promise<KeySession> {
  const [device] = await hid.list({ signal: ceremony.signal });
  if (device === undefined) throw new Error('no key is plugged in');
  return await openKey(device, ceremony, { stopwatch: new DeviceStopwatch(ceremony.clock), justArrived: false });
}

describe.each([1, 2] as const)('authenticatorClientPIN with protocol %d', (protocol) => {
  it('sets, changes and checks the PIN, and counts what is wrong', async () => {
    const alice = person(key());
    await using it = await session(alice);
    const options = { signal: alice.ceremony.signal, entropy: systemEntropy, protocol, minLength: 4 };
    using first = secret('248163');
    using second = secret('caf\u00e9-crème');
    await setPin(it.authenticator, first, options);
    await expect(setPin(it.authenticator, first, options)).rejects.toMatchObject({ code: 'ERR_CTAP_STATUS' });
    await expect(changePin(it.authenticator, second, first, options)).rejects.toMatchObject({
      code: 'ERR_CTAP_PIN_WRONG',
    });
    expect(await getPinRetries(it.authenticator, options)).toEqual({ retries: 7, powerCycleState: false });
    await changePin(it.authenticator, first, second, options);
    expect(await getPinRetries(it.authenticator, options)).toMatchObject({ retries: 8 });
    const scope = { permissions: PERMISSION.ga, rpId: 'unlockd' };
    await expect(getTokenWithPin(it.authenticator, first, scope, options)).rejects.toMatchObject({
      code: 'ERR_CTAP_PIN_WRONG',
    });
    using token = await getTokenWithPin(it.authenticator, second, scope, options);
    expect(token.token.length).toBe(32);
    using legacy = await getTokenWithPin(it.authenticator, second, null, options);
    expect(legacy.protocol).toBe(protocol);
  });

  it('gives one output of hmac-secret per salt, the same for the same salt', async () => {
    const alice = person(key());
    await using it = await session(alice);
    const { signal } = alice.ceremony;
    const touch = () => withTouch(alice.ceremony, { device: it.device, why: 'confirm' });
    const made = await authenticatorMakeCredential(
      it.authenticator,
      {
        clientDataHash: new Uint8Array(32),
        rpId: 'unlockd',
        user: { id: ALICE.userId },
        extensions: new Map([[HMAC_SECRET, true]]),
        verification: NO_VERIFICATION,
      },
      touch(),
    );
    const outputs = async (...salts: Uint8Array[]) => {
      using shared = await getKeyAgreement(it.authenticator, { signal, entropy: systemEntropy, protocol });
      const { data } = await authenticatorGetAssertion(
        it.authenticator,
        {
          clientDataHash: systemEntropy.bytes(32),
          rpId: 'unlockd',
          credentialId: made.credential.credentialId,
          publicKey: made.publicKey,
          extensions: new Map([[HMAC_SECRET, hmacSecretInput(shared, salts, systemEntropy)]]),
          verification: NO_VERIFICATION,
        },
        touch(),
      );
      return hmacSecretOutputs(data, shared, salts.length).map((output) => toHex(output.expose()));
    };
    const [a, b] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
    const [[onlyA], [firstA, secondB], [firstB, secondA]] = [
      await outputs(a),
      await outputs(a, b),
      await outputs(b, a),
    ];
    expect(firstA).toBe(onlyA);
    expect(secondA).toBe(onlyA);
    expect(secondB).toBe(firstB);
    expect(firstB).not.toBe(onlyA);
  });
});

describe('credProtect', () => {
  it('hides a credential of level 3 from whoever is not verified', async () => {
    const alice = person(key());
    await using it = await session(alice);
    const make = (level: number) =>
      authenticatorMakeCredential(
        it.authenticator,
        {
          clientDataHash: new Uint8Array(32),
          rpId: 'unlockd',
          user: { id: ALICE.userId },
          extensions: new Map([[CRED_PROTECT, level]]),
          verification: NO_VERIFICATION,
        },
        withTouch(alice.ceremony, { device: it.device, why: 'enrol' }),
      );
    const open = await make(CRED_PROTECT_POLICY.userVerificationOptional);
    const closed = await make(CRED_PROTECT_POLICY.userVerificationRequired);
    expect([credProtectLevel(open.data), credProtectLevel(closed.data)]).toEqual([1, 3]);
    const allowList = [closed.credential.credentialId, open.credential.credentialId];
    const request = { rpId: 'unlockd', clientDataHash: new Uint8Array(32), allowList };
    const held = await assertSilently(it.authenticator, request, { signal: alice.ceremony.signal });
    expect(held).toEqual(open.credential.credentialId);
  });
});

describe('selection', () => {
  it.each<ProfileName>(['2.1', '2.0'])('of a key of profile %s waits for the touch', async (profile) => {
    const one = key(profile);
    const alice = person(one);
    alice.willing = false;
    alice.whenTouchWanted = () => queueMicrotask(() => one.touch());
    await using it = await session(alice);
    const options = withTouch(alice.ceremony, { device: it.device, why: 'select' });
    await authenticatorSelection(it.authenticator, it.info, options);
    expect(alice.touches).toHaveLength(1);
    alice.whenTouchWanted = () => undefined;
    const untouched = { ...options, budget: milliseconds(50) };
    await expect(authenticatorSelection(it.authenticator, it.info, untouched)).rejects.toMatchObject({
      code: 'ERR_CTAP_TOUCH_TIMEOUT',
    });
  });
});

/** A key with a fingerprint reader that answers every finger with `status`. */
const reader = (status: number, attempts: number): Behaviour => ({
  name: 'a fingerprint reader',
  reply: (reply) => {
    if (reply.command === CTAP_COMMAND.authenticatorGetInfo && reply.body !== null) {
      const options = reply.body.get(GET_INFO.options);
      if (!(options instanceof Map)) return reply;
      const body = new Map(reply.body);
      body.set(GET_INFO.options, new Map([...options, ['uv', true]]));
      body.set(GET_INFO.preferredPlatformUvAttempts, attempts);
      return { ...reply, body };
    }
    // The virtual authenticator has no reader and refuses the subcommand.
    const refused =
      reply.command === CTAP_COMMAND.authenticatorClientPIN &&
      reply.status === CTAP_STATUS.CTAP2_ERR_INVALID_SUBCOMMAND;
    return refused ? { ...reply, status } : reply;
  },
});

describe('a fingerprint reader', () => {
  it.each([
    ['is blocked', CTAP_STATUS.CTAP2_ERR_UV_BLOCKED],
    ['does not know the finger', CTAP_STATUS.CTAP2_ERR_UV_INVALID],
  ])('that %s gives way to the PIN', async (_, status) => {
    const one = key();
    const alice = person(one);
    await givePin(alice, '248163');
    one.misbehave(reader(status, 3));
    alice.pins.push('248163');
    const enrolled = await enrolSecurityKey({ ...alice.ceremony, ...ALICE, uv: 'required' });
    expect(enrolled.uvUsed).toBe(true);
    expect(alice.pinRequests).toHaveLength(1);
    enrolled.hmacSecret.dispose();
  });

  it.each([
    ['is blocked', CTAP_STATUS.CTAP2_ERR_UV_BLOCKED, 'ERR_CTAP_UV_BLOCKED'],
    ['does not know the finger', CTAP_STATUS.CTAP2_ERR_UV_INVALID, 'ERR_CTAP_UV_INVALID'],
  ])('that %s is an error where there is no PIN', async (_, status, code) => {
    const one = key();
    one.misbehave(reader(status, 1));
    await expect(enrolSecurityKey({ ...person(one).ceremony, ...ALICE, uv: 'required' })).rejects.toMatchObject({
      code,
    });
  });
});
