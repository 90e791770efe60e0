/** The commands that manage a security key, by our client against the virtual authenticator: CTAP 2.1 §6.6 to §6.11. */
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { hashRpId } from '../../../drivers/fido2/auth-data.ts';
import {
  enableEnterpriseAttestation,
  setMinPinLength,
  toggleAlwaysUv,
} from '../../../drivers/fido2/authenticator-config.ts';
import { BioEnrollment, hasReader } from '../../../drivers/fido2/bio-enrollment.ts';
import { withTouch } from '../../../drivers/fido2/ceremony.ts';
import { getUvRetries } from '../../../drivers/fido2/client-pin.ts';
import { CredentialManagement } from '../../../drivers/fido2/credential-management.ts';
import { authenticatorGetInfo } from '../../../drivers/fido2/get-info.ts';
import { authenticatorReset } from '../../../drivers/fido2/reset.ts';
import { PERMISSION } from '../../../drivers/fido2/wire/constants.ts';
import type { SampleQuality } from '../../../hal-mocks/fido2/finger-reader.ts';
import type { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import { opened, PIN, reopened, store } from '../../support/fido2/managed-key.ts';
import { ManualClock } from '../../support/fido2/manual-clock.ts';
import { givePin, key, person } from '../../support/fido2/person.ts';

describe.each(['2.1', '2.0'] as const)('authenticatorCredentialManagement of a %s key', (profile) => {
  it('lists what is stored by relying party, newest first, and deletes one', async () => {
    const { alice, session, token, options } = await opened(profile);
    await using _ = session;
    const first = await store(alice, session, 'a.example', 'first');
    const second = await store(alice, session, 'a.example', 'second');
    await store(alice, session, 'b.example', 'third');
    using cm = await token(PERMISSION.cm);
    const management = new CredentialManagement(session.authenticator, session.info, cm);
    expect(await management.metadata(options)).toEqual({ stored: 3, remaining: 22 });
    const parties = await management.relyingParties(options);
    expect(parties.map(({ id }) => id)).toEqual(['a.example', 'b.example']);
    expect(parties[0]?.idHash).toEqual(new Uint8Array(hashRpId('a.example')));
    const stored = await management.credentials(hashRpId('a.example'), options);
    expect(stored.map(({ user }) => user.name)).toEqual(['second', 'first']);
    expect(stored[1]).toMatchObject({
      id: first.credential.credentialId,
      user: { id: utf8('first'), displayName: 'first in full' },
      credProtect: 1,
      largeBlobKey: null,
    });
    await management.delete(second.credential.credentialId, options);
    expect(await management.credentials(hashRpId('a.example'), options)).toHaveLength(1);
    await expect(management.delete(second.credential.credentialId, options)).rejects.toMatchObject({
      code: 'ERR_CTAP_NO_CREDENTIAL',
    });
  });

  it('of an empty key lists nothing', async () => {
    const { session, token, options } = await opened(profile);
    await using _ = session;
    using cm = await token(PERMISSION.cm);
    const management = new CredentialManagement(session.authenticator, session.info, cm);
    expect(await management.relyingParties(options)).toEqual([]);
    await expect(management.credentials(hashRpId('a.example'), options)).rejects.toMatchObject({
      code: 'ERR_CTAP_NO_CREDENTIAL',
    });
  });
});

describe('authenticatorCredentialManagement', () => {
  it('renames an account, and refuses another one’s id', async () => {
    const { authenticator, alice, session, token, options } = await opened('2.1');
    await using _ = session;
    const { credential } = await store(alice, session, 'a.example', 'before');
    using cm = await token(PERMISSION.cm);
    const management = new CredentialManagement(session.authenticator, session.info, cm);
    const user = { id: utf8('before'), name: 'after', displayName: null };
    await management.updateUser(credential.credentialId, user, options);
    expect(authenticator.state.residents[0]?.user).toEqual(user);
    const other = { ...user, id: utf8('somebody else') };
    await expect(management.updateUser(credential.credentialId, other, options)).rejects.toMatchObject({
      detail: { name: 'CTAP1_ERR_INVALID_PARAMETER' },
    });
  });

  it('is refused with a token for something else, and where a key cannot do it', async () => {
    const { session, token, options } = await opened('2.1');
    await using _ = session;
    using acfg = await token(PERMISSION.acfg);
    const management = new CredentialManagement(session.authenticator, session.info, acfg);
    await expect(management.metadata(options)).rejects.toMatchObject({
      detail: { name: 'CTAP2_ERR_PIN_AUTH_INVALID' },
    });
    const without = { ...session.info, options: new Map() };
    expect(() => new CredentialManagement(session.authenticator, without, acfg)).toThrow(
      expect.objectContaining({ code: 'ERR_CTAP_UNSUPPORTED' }),
    );
  });

  it('of a key that claims to store more than any does is ERR_CTAP_MALFORMED_RESPONSE', async () => {
    const { authenticator, alice, session, token, options } = await opened('2.1');
    await using _ = session;
    await store(alice, session, 'a.example', 'first');
    using cm = await token(PERMISSION.cm);
    const management = new CredentialManagement(session.authenticator, session.info, cm);
    authenticator.misbehave({
      name: 'a million of relying parties',
      reply: (reply) =>
        reply.body?.has(5) === true ? { ...reply, body: new Map([...reply.body, [5, 1_000_000]]) } : reply,
    });
    await expect(management.relyingParties(options)).rejects.toMatchObject({ code: 'ERR_CTAP_MALFORMED_RESPONSE' });
  });
});

/** Puts a finger on the reader whenever it is wanted. */
function show(authenticator: VirtualAuthenticator, fingers: readonly (readonly [string, SampleQuality])[]) {
  const left = [...fingers];
  return authenticator.reader.onWait(() => {
    queueMicrotask(() => authenticator.reader.show(...(left.shift() ?? (['none', 'poorQuality'] as const))));
  });
}

describe.each(['bio', 'bio-preview'] as const)('authenticatorBioEnrollment of a %s key', (profile) => {
  it('enrols a finger sample by sample, names it, lists it and removes it', async () => {
    const { authenticator, session, token, options } = await opened(profile);
    await using _ = session;
    const bio = new BioEnrollment(session.authenticator, session.info);
    const sensor = await bio.sensor(options);
    expect(sensor).toMatchObject({ kind: 'touch', samples: 3 });
    using be = await token(PERMISSION.be);
    expect(await bio.templates(be, session.info, options)).toEqual([]);
    show(authenticator, [
      ['thumb', 'good'],
      ['thumb', 'tooShort'],
      ['index', 'good'],
      ['thumb', 'good'],
      ['thumb', 'good'],
    ]);
    const seen: unknown[] = [];
    const id = await bio.enrol(be, (sample) => seen.push(sample), options);
    expect(seen).toEqual([
      { status: 'good', remaining: 2 },
      { status: 'tooShort', remaining: 2 },
      { status: 'mergeFailure', remaining: 2 },
      { status: 'good', remaining: 1 },
      { status: 'good', remaining: 0 },
    ]);
    const info = await authenticatorGetInfo(session.authenticator, options);
    expect(await bio.templates(be, info, options)).toEqual([{ id, name: null }]);
    await bio.rename(be, id, 'my thumb', options);
    expect(await bio.templates(be, info, options)).toEqual([{ id, name: 'my thumb' }]);
    await bio.remove(be, id, options);
    expect(authenticator.state.templates).toEqual([]);
    await expect(bio.remove(be, id, options)).rejects.toMatchObject({ code: 'ERR_CTAP_STATUS' });
  });
});

describe('an enrolment of a finger', () => {
  it('that is cancelled leaves nothing of it in the key', async () => {
    const { authenticator, alice, session, token } = await opened('bio');
    await using _ = session;
    const bio = new BioEnrollment(session.authenticator, session.info);
    using be = await token(PERMISSION.be);
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, alice.ceremony.signal]);
    authenticator.reader.onWait(() => {
      if (authenticator.state.templates.length === 0) queueMicrotask(() => authenticator.reader.show('thumb'));
    });
    const enrolment = bio.enrol(be, () => stop.abort(new Error('enough')), { signal });
    await expect(enrolment).rejects.toMatchObject({ code: 'ERR_CTAP_CANCELLED' });
    expect(authenticator.state.templates).toEqual([]);
    const again = new AbortController().signal;
    await expect(bio.enrol(be, () => undefined, { signal: again })).resolves.toHaveLength(16);
  });

  it('of a key without a reader is ERR_CTAP_UNSUPPORTED', async () => {
    const { session } = await opened('2.1');
    await using _ = session;
    expect(hasReader(session.info)).toBe(false);
    expect(() => new BioEnrollment(session.authenticator, session.info)).toThrow(
      expect.objectContaining({ code: 'ERR_CTAP_UNSUPPORTED' }),
    );
  });
});

describe('a key with an enrolled finger', () => {
  const withFinger = async (pin: boolean) => {
    const authenticator = key('bio');
    authenticator.configure((state) => {
      state.templates = [{ id: systemEntropy.bytes(16), name: null, finger: 'thumb' }];
    });
    const alice = person(authenticator);
    if (pin) await givePin(alice, PIN);
    return { authenticator, alice, ...(await reopened(alice)) };
  };

  it('verifies its user by it, and wants no touch besides', async () => {
    const { authenticator, alice, session, options } = await withFinger(false);
    await using _ = session;
    show(authenticator, [
      ['index', 'good'],
      ['thumb', 'good'],
    ]);
    const made = await store(alice, session, 'unlockd', 'someone');
    expect(made.data.userVerified).toBe(true);
    expect(alice.touches.map(({ why }) => why)).toEqual(['verify-user', 'verify-user']);
    expect(await getUvRetries(session.authenticator, options)).toBe(3);
    expect(alice.pins).toEqual([PIN]);
  });

  it('asks for its PIN when the finger was wrong too often, and counts again after it', async () => {
    const { authenticator, alice, session, options } = await withFinger(true);
    await using _ = session;
    show(authenticator, []);
    const made = await store(alice, session, 'unlockd', 'someone');
    expect(made.data.userVerified).toBe(true);
    expect(alice.pinRequests).toMatchObject([{ why: 'needed', triesLeft: 8 }]);
    expect(await getUvRetries(session.authenticator, options)).toBe(3);
  });

  it('without a PIN is ERR_CTAP_UV_BLOCKED then', async () => {
    const { authenticator, alice, session } = await withFinger(false);
    await using _ = session;
    show(authenticator, []);
    await expect(store(alice, session, 'unlockd', 'someone')).rejects.toMatchObject({ code: 'ERR_CTAP_UV_BLOCKED' });
  });
});

describe('authenticatorConfig', () => {
  it('sets the minimum length of the PIN, who may ask for it, and that it has to be changed', async () => {
    const { authenticator, alice, session, token, options } = await opened('2.1');
    await using _ = session;
    using acfg = await token(PERMISSION.acfg);
    const set = (change: Parameters<typeof setMinPinLength>[3]) =>
      setMinPinLength(session.authenticator, session.info, acfg, change, options);
    await set({ length: 6, rpIds: ['a.example'] });
    expect(authenticator.state).toMatchObject({ minPinLength: 6, minPinLengthRpIds: ['a.example'] });
    await expect(set({ length: 5 })).rejects.toMatchObject({ code: 'ERR_CTAP_PIN_POLICY' });
    await set({ forceChange: true });
    await session[Symbol.asyncDispose]();
    const { session: again, token: tokenAgain } = await reopened(alice);
    await using __ = again;
    expect(again.info.forcePinChange).toBe(true);
    await expect(tokenAgain(PERMISSION.acfg)).rejects.toMatchObject({ code: 'ERR_CTAP_PIN_CHANGE_REQUIRED' });
  });

  it('turns alwaysUv over, and enterprise attestation on', async () => {
    const { authenticator, session, token, options } = await opened('enterprise');
    await using _ = session;
    using acfg = await token(PERMISSION.acfg);
    await toggleAlwaysUv(session.authenticator, session.info, acfg, options);
    expect(authenticator.state.alwaysUv).toBe(true);
    await toggleAlwaysUv(session.authenticator, session.info, acfg, options);
    expect(authenticator.state.alwaysUv).toBe(false);
    await enableEnterpriseAttestation(session.authenticator, session.info, acfg, options);
    expect(authenticator.state.enterpriseAttestation).toBe(true);
  });

  it('of what a key has not is ERR_CTAP_UNSUPPORTED before anything is sent', async () => {
    const { session, options } = await opened('2.1');
    await using _ = session;
    await expect(toggleAlwaysUv(session.authenticator, session.info, null, options)).rejects.toMatchObject({
      code: 'ERR_CTAP_UNSUPPORTED',
    });
    await expect(enableEnterpriseAttestation(session.authenticator, session.info, null, options)).rejects.toMatchObject(
      { code: 'ERR_CTAP_UNSUPPORTED' },
    );
  });
});

describe('authenticatorReset', () => {
  it('within ten seconds of power-up forgets everything, and later is ERR_CTAP_RESET_TOO_LATE', async () => {
    const clock = new ManualClock();
    const { authenticator, alice, session } = await opened('2.1', key('2.1', clock));
    await using _ = session;
    await store(alice, session, 'a.example', 'gone');
    const reset = () =>
      authenticatorReset(session.authenticator, withTouch(alice.ceremony, { device: session.device, why: 'confirm' }));
    await clock.advance(10_001);
    await expect(reset()).rejects.toMatchObject({ code: 'ERR_CTAP_RESET_TOO_LATE' });
    expect(authenticator.state.residents).toHaveLength(1);
    authenticator.remove();
    authenticator.insert();
    const { session: again } = await reopened(alice);
    await using __ = again;
    await authenticatorReset(again.authenticator, withTouch(alice.ceremony, { device: again.device, why: 'confirm' }));
    expect(authenticator.state).toMatchObject({ residents: [], pinHash: null });
  });
});
