/** Discoverable credentials and the extensions that ride on them, by our client against the virtual authenticator. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { toHex, utf8 } from '../../../drivers/base/bytes.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { setMinPinLength } from '../../../drivers/fido2/authenticator-config.ts';
import { withTouch } from '../../../drivers/fido2/ceremony.ts';
import {
  CRED_BLOB,
  credBlobOf,
  credBlobStored,
  LARGE_BLOB_KEY,
  MIN_PIN_LENGTH,
  minPinLengthOf,
} from '../../../drivers/fido2/extensions.ts';
import type { MadeCredential } from '../../../drivers/fido2/make-credential.ts';
import { authenticatorGetAssertions } from '../../../drivers/fido2/next-assertion.ts';
import { deriveFromSecurityKey, enrolSecurityKey } from '../../../drivers/fido2/security-key.ts';
import { KeyPin, verifyUser } from '../../../drivers/fido2/user-verification.ts';
import type { CborValue } from '../../../drivers/fido2/wire/cbor.ts';
import { CTAP_COMMAND, GET_ASSERTION_RESPONSE, PERMISSION } from '../../../drivers/fido2/wire/constants.ts';
import type { Behaviour } from '../../../hal-mocks/fido2/behaviour.ts';
import {
  answerStatus,
  brokenSignature,
  changeAnswer,
  claimUserVerified,
  extensionOutput,
  hideUserPresence,
  otherCredentialId,
  otherRelyingParty,
} from '../../../hal-mocks/fido2/lies.ts';
import { PROFILES, type ProfileName } from '../../../hal-mocks/fido2/profile.ts';
import { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import { opened, PIN, store } from '../../support/fido2/managed-key.ts';
import { ALICE, givePin, key, person } from '../../support/fido2/person.ts';
import { notOn } from '../../support/fido2/pipe.ts';

const RP = 'accounts.example';

/** A key that stores accounts of one relying party, and how they are asked for. */
async function accounts(names: readonly string[], extensions: ReadonlyMap<string, CborValue> = new Map()) {
  const it = await opened('2.1');
  onTestFinished(() => it.session[Symbol.asyncDispose]());
  const { alice, session } = it;
  const made: MadeCredential[] = [];
  for (const name of names) made.push(await store(alice, session, RP, name, extensions));
  const get = async (known: readonly MadeCredential[] = made, ask: ReadonlyMap<string, CborValue> = new Map()) => {
    alice.pins.push(PIN);
    using pin = new KeyPin();
    const verification = await verifyUser(session, { ...alice.ceremony, rpId: RP }, PERMISSION.ga, pin);
    const publicKeyOf = (id: Uint8Array) =>
      known.find(({ credential }) => toHex(credential.credentialId) === toHex(id))?.publicKey ?? null;
    const request = { clientDataHash: systemEntropy.bytes(32), rpId: RP, publicKeyOf, extensions: ask, verification };
    const touch = withTouch(alice.ceremony, { device: session.device, why: 'confirm' });
    return await authenticatorGetAssertions(session.authenticator, request, touch);
  };
  return { ...it, made, get };
}

describe('assertions without an allow list', () => {
  it('are one for each account, newest first, with its names, by one touch', async () => {
    const { alice, made, get } = await accounts(['one', 'two', 'three']);
    const touches = alice.touches.length;
    const found = await get();
    expect(found.map(({ user }) => user?.displayName)).toEqual(['three in full', 'two in full', 'one in full']);
    expect(found.map(({ credentialId }) => credentialId)).toEqual(
      made.map(({ credential }) => credential.credentialId).reverse(),
    );
    expect(found.every(({ data }) => data.userVerified)).toBe(true);
    expect(alice.touches.length - touches).toBe(1);
  });

  it('of one account name nobody, as there is no choice', async () => {
    const { get } = await accounts(['only']);
    expect(await get()).toMatchObject([{ user: { id: utf8('only'), name: null, displayName: null } }]);
  });

  it('leave out what nobody knows, and are an error where nothing is left', async () => {
    const { made, get } = await accounts(['one', 'two']);
    expect(await get(made.slice(0, 1))).toMatchObject([{ credentialId: made[0]?.credential.credentialId }]);
    await expect(get([])).rejects.toMatchObject({ code: 'ERR_CTAP_NO_CREDENTIAL' });
  });

  const R = GET_ASSERTION_RESPONSE;
  const [FIRST, NEXT] = [CTAP_COMMAND.authenticatorGetAssertion, CTAP_COMMAND.authenticatorGetNextAssertion];
  it.each<[string, () => Behaviour, string]>([
    ['claims to have none', () => changeAnswer(FIRST, [[R.numberOfCredentials, 0]]), 'ERR_CTAP_MALFORMED_RESPONSE'],
    ['claims a million', () => changeAnswer(FIRST, [[R.numberOfCredentials, 1e6]]), 'ERR_CTAP_MALFORMED_RESPONSE'],
    ['claims one more than it has', () => changeAnswer(FIRST, [[R.numberOfCredentials, 3]]), 'ERR_CTAP_STATUS'],
    ['leaves the credential out', () => changeAnswer(NEXT, [[R.credential, null]]), 'ERR_CTAP_MALFORMED_RESPONSE'],
    ['leaves the signature out', () => changeAnswer(NEXT, [[R.signature, undefined]]), 'ERR_CTAP_MALFORMED_RESPONSE'],
    ['signs wrongly', () => brokenSignature(), 'ERR_CTAP_VERIFICATION'],
    ['signs the second one wrongly', () => brokenSignature(NEXT), 'ERR_CTAP_VERIFICATION'],
    ['has a user without an id', () => changeAnswer(NEXT, [[R.user, new Map()]]), 'ERR_CTAP_MALFORMED_RESPONSE'],
    ['has a user that is none', () => changeAnswer(NEXT, [[R.user, 7]]), 'ERR_CTAP_MALFORMED_RESPONSE'],
    [
      'has a large-blob key of three bytes',
      () => changeAnswer(NEXT, [[R.largeBlobKey, new Uint8Array(3)]]),
      'ERR_CTAP_MALFORMED_RESPONSE',
    ],
    ['is of another relying party', () => otherRelyingParty(), 'ERR_CTAP_VERIFICATION'],
    ['was not touched', () => hideUserPresence(), 'ERR_CTAP_VERIFICATION'],
    ['did not verify its user', () => claimUserVerified(false), 'ERR_CTAP_VERIFICATION'],
    ['forgets the second one', () => answerStatus(NEXT, 0x2e), 'ERR_CTAP_NO_CREDENTIAL'],
  ])('of a key that %s are refused', async (_, lie, code) => {
    const { authenticator, get } = await accounts(['one', 'two']);
    authenticator.misbehave(lie());
    await expect(get()).rejects.toMatchObject({ code });
  });

  it('of a key that gives the same one again and again are refused', async () => {
    const { authenticator, made, get } = await accounts(['one', 'two']);
    const again = made[1]?.credential.credentialId ?? expect.fail('none');
    authenticator.misbehave(otherCredentialId(again, NEXT));
    await expect(get()).rejects.toMatchObject({ code: 'ERR_CTAP_VERIFICATION' });
  });
});

describe('the extension', () => {
  it('credBlob keeps its bytes with the credential, and says when they are too many', async () => {
    const blob = systemEntropy.bytes(32);
    const { alice, authenticator, session, made, get } = await accounts(['one'], new Map([[CRED_BLOB, blob]]));
    expect(made.map(({ data }) => credBlobStored(data))).toEqual([true]);
    const [found] = await get(made, new Map([[CRED_BLOB, true]]));
    expect(found && credBlobOf(found.data)).toEqual(blob);
    const [silent] = await get();
    expect(silent && credBlobOf(silent.data)).toBe(null);
    const tooMany = await store(alice, session, 'b.example', 'b', new Map([[CRED_BLOB, new Uint8Array(33)]]));
    expect(credBlobStored(tooMany.data)).toBe(false);
    authenticator.misbehave(extensionOutput(CRED_BLOB, new Uint8Array(1025)));
    const [lied] = await get(made, new Map([[CRED_BLOB, true]]));
    expect(() => lied && credBlobOf(lied.data)).toThrow(
      expect.objectContaining({ code: 'ERR_CTAP_MALFORMED_RESPONSE' }),
    );
  });

  it('largeBlobKey gives the same key at the making and at each assertion that asks for it', async () => {
    const wanted = new Map([[LARGE_BLOB_KEY, true]]);
    const { made, get } = await accounts(['one'], wanted);
    const [asked] = await get(made, wanted);
    const [silent] = await get();
    expect(asked?.largeBlobKey).toEqual(made[0]?.largeBlobKey ?? expect.fail('none'));
    expect(silent?.largeBlobKey).toBe(null);
  });

  it('minPinLength tells it to the relying parties that were named, and to no other', async () => {
    const { alice, session, token, options } = await accounts([]);
    using acfg = await token(PERMISSION.acfg);
    await setMinPinLength(session.authenticator, session.info, acfg, { rpIds: [RP] }, options);
    const wanted = new Map([[MIN_PIN_LENGTH, true]]);
    const [told, other] = [
      await store(alice, session, RP, 'one', wanted),
      await store(alice, session, 'b.example', 'one', wanted),
    ];
    expect([minPinLengthOf(told.data), minPinLengthOf(other.data)]).toEqual([4, null]);
  });

  it.each([[3], ['four']])('minPinLength of %s is refused', async (value) => {
    const { authenticator, alice, session } = await accounts([]);
    authenticator.misbehave(extensionOutput(MIN_PIN_LENGTH, value));
    const { data } = await store(alice, session, RP, 'one');
    expect(() => minPinLengthOf(data)).toThrow(expect.objectContaining({ code: 'ERR_CTAP_MALFORMED_RESPONSE' }));
  });
});

describe('at the ceremonies', () => {
  it.each<ProfileName>(['2.1', '2.0'])(
    'a second salt gives a second secret with the same touch (%s)',
    async (profile) => {
      const alice = person(key(profile));
      const enrolled = await enrolSecurityKey({ ...alice.ceremony, ...ALICE, uv: 'preferred' });
      const next = systemEntropy.bytes(32);
      const derive = (credential: typeof enrolled & { secondSalt?: Uint8Array }) =>
        deriveFromSecurityKey({ ...alice.ceremony, credentials: [credential] });
      const both = await derive({ ...enrolled, secondSalt: next });
      const later = await derive({ ...enrolled, salt: next });
      expect(both.hmacSecret.equals(enrolled.hmacSecret)).toBe(true);
      expect(both.secondSecret?.equals(later.hmacSecret)).toBe(true);
      expect(later.secondSecret).toBe(null);
      expect(alice.touches.map(({ why }) => why)).toEqual(['enrol', 'confirm', 'confirm', 'confirm']);
      for (const secret of [enrolled.hmacSecret, both.hmacSecret, both.secondSecret, later.hmacSecret])
        secret?.dispose();
    },
  );

  it.each([
    ['with a PIN', true],
    ['without a PIN', false],
  ])('a key with hmac-secret-mc %s enrols with one touch, and derives the same later', async (_, withPin) => {
    const alice = person(key('2.3'));
    if (withPin) await givePin(alice, PIN);
    alice.pins.push(PIN, PIN);
    const enrolled = await enrolSecurityKey({ ...alice.ceremony, ...ALICE, uv: 'preferred', singleTouch: true });
    expect(alice.touches.map(({ why }) => why)).toEqual(['enrol']);
    const derived = await deriveFromSecurityKey({ ...alice.ceremony, credentials: [enrolled] });
    expect(derived.hmacSecret.equals(enrolled.hmacSecret)).toBe(true);
    expect([enrolled.uvUsed, derived.uv]).toEqual([withPin, withPin]);
    for (const { hmacSecret } of [enrolled, derived]) hmacSecret.dispose();
  });

  it.each<[string, ProfileName, boolean]>([
    ['that does not know hmac-secret-mc', '2.1', true],
    ['that is not asked to', '2.3', false],
  ])('a key %s is touched twice', async (_, profile, singleTouch) => {
    const alice = person(key(profile));
    const enrolled = await enrolSecurityKey({ ...alice.ceremony, ...ALICE, uv: 'preferred', singleTouch });
    expect(alice.touches.map(({ why }) => why)).toEqual(['enrol', 'confirm']);
    enrolled.hmacSecret.dispose();
  });

  it.each([
    ['nothing', undefined, 'ERR_CTAP_NO_HMAC_SECRET'],
    ['true', true, 'ERR_CTAP_MALFORMED_RESPONSE'],
    ['31 bytes', new Uint8Array(31), 'ERR_CTAP_MALFORMED_RESPONSE'],
  ])('a key that answers hmac-secret-mc with %s is refused', async (_, output, code) => {
    const one = key('2.3');
    one.misbehave(
      output === undefined
        ? { name: 'no output', authData: (it) => ({ ...it, extensions: new Map([['hmac-secret', true]]) }) }
        : extensionOutput('hmac-secret-mc', output),
    );
    const enrolling = enrolSecurityKey({ ...person(one).ceremony, ...ALICE, uv: 'preferred', singleTouch: true });
    await expect(enrolling).rejects.toMatchObject({ code });
  });

  it('a model that is not allowed is refused before it blinks', async () => {
    const alice = person(key());
    const models = { allowed: new Set(['00'.repeat(16)]), metadata: null };
    const enrolling = enrolSecurityKey({ ...alice.ceremony, ...ALICE, uv: 'preferred', models });
    await expect(enrolling).rejects.toMatchObject({ code: 'ERR_CTAP_NOT_ALLOWED_MODEL' });
    expect(alice.touches).toEqual([]);
  });

  it('a key that says it is another model than it attests is refused', async () => {
    const one = key();
    const claimed = new Uint8Array(16).fill(7);
    one.misbehave(changeAnswer(CTAP_COMMAND.authenticatorGetInfo, [[3, claimed]]));
    const models = { allowed: new Set([toHex(claimed)]), metadata: null };
    const enrolling = enrolSecurityKey({ ...person(one).ceremony, ...ALICE, uv: 'preferred', models });
    await expect(enrolling).rejects.toMatchObject({ code: 'ERR_CTAP_NOT_ALLOWED_MODEL' });
  });

  const sizes = notOn(['tcp', 'udp', 'hidraw'], 'its reports have 64 bytes');
  it.skipIf(sizes.skip).each([32, 62, 65, 512, 1024])(
    `reports of %i bytes carry an enrolment and an unlock${sizes.why}`,
    async (reportSize) => {
      const profile = PROFILES['2.1'];
      const one = new VirtualAuthenticator({ clock: systemClock, entropy: systemEntropy, profile, reportSize });
      const alice = person(one);
      const enrolled = await enrolSecurityKey({ ...alice.ceremony, ...ALICE, uv: 'preferred' });
      const derived = await deriveFromSecurityKey({ ...alice.ceremony, credentials: [enrolled] });
      expect(derived.hmacSecret.equals(enrolled.hmacSecret)).toBe(true);
      for (const { hmacSecret } of [enrolled, derived]) hmacSecret.dispose();
    },
  );
});
