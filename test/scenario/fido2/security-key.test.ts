import { describe, expect, it, onTestFinished } from 'vitest';
import { milliseconds, seconds } from '../../../drivers/base/brand.ts';
import { toHex } from '../../../drivers/base/bytes.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import {
  deriveFromSecurityKey,
  type EnrolledSecurityKey,
  enrolSecurityKey,
  type UserVerification,
} from '../../../drivers/fido2/security-key.ts';
import { PROFILES, type ProfileName } from '../../../hal-mocks/fido2/profile.ts';
import { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import { ALICE, GaveUp, givePin, key, type Person, person } from '../../support/fido2/person.ts';

async function enrol(someone: Person, uv: UserVerification = 'preferred'): Promise<EnrolledSecurityKey> {
  const enrolled = await enrolSecurityKey({ ...someone.ceremony, ...ALICE, uv });
  onTestFinished(() => enrolled.hmacSecret.dispose());
  return enrolled;
}

async function derive(someone: Person, ...credentials: readonly EnrolledSecurityKey[]) {
  const derived = await deriveFromSecurityKey({ ...someone.ceremony, credentials });
  onTestFinished(() => derived.hmacSecret.dispose());
  return derived;
}

describe('a security key', () => {
  it.each<ProfileName>(['2.1', '2.0', 'small-messages', 'protocol-1-only', '2.1-no-pin'])(
    'of profile %s without a PIN derives at unlock what enrolment got',
    async (profile) => {
      const alice = person(key(profile));
      const enrolled = await enrol(alice);
      const derived = await derive(alice, enrolled);
      expect(derived.hmacSecret.equals(enrolled.hmacSecret)).toBe(true);
      expect(derived.hmacSecret.length).toBe(32);
      expect(derived.uv).toBe(false);
      expect(derived.signCount).toBeGreaterThan(enrolled.signCount);
      expect(alice.touches.map(({ why }) => why)).toEqual(['enrol', 'confirm', 'confirm']);
      expect(alice.pinRequests).toEqual([]);
    },
  );

  it.each<ProfileName>(['2.1', '2.0', 'protocol-1-only', 'always-uv'])(
    'of profile %s with a PIN derives at unlock what enrolment got, and asks for the PIN once a ceremony',
    async (profile) => {
      const alice = person(key(profile));
      await givePin(alice, '248163');
      alice.pins.push('248163', '248163');
      const enrolled = await enrol(alice, 'required');
      expect(enrolled.uvUsed).toBe(true);
      expect(alice.pinRequests).toHaveLength(1);
      const derived = await derive(alice, enrolled);
      expect(derived.hmacSecret.equals(enrolled.hmacSecret)).toBe(true);
      expect(derived.uv).toBe(true);
      expect(alice.pinRequests).toMatchObject([
        { why: 'needed', triesLeft: 8 },
        { why: 'needed', triesLeft: 8 },
      ]);
    },
  );

  it('with a PIN that is not to be used is asked for it only where making a credential needs it', async () => {
    const alice = person(key('2.0'));
    await givePin(alice, '248163');
    alice.pins.push('248163');
    const enrolled = await enrol(alice, 'discouraged');
    expect(enrolled.uvUsed).toBe(false);
    const derived = await derive(alice, enrolled);
    expect(derived.hmacSecret.equals(enrolled.hmacSecret)).toBe(true);
    expect(alice.pinRequests).toHaveLength(1);
  });

  it('gives other secrets for other salts, with and without user verification', async () => {
    const alice = person(key());
    await givePin(alice, '248163');
    alice.pins.push(...Array.from({ length: 4 }, () => '248163'));
    const enrolled = await enrol(alice, 'required');
    const otherSalt = await derive(alice, { ...enrolled, salt: new Uint8Array(32) });
    const noUv = await derive(alice, { ...enrolled, uvUsed: false });
    const outputs = [enrolled, otherSalt, noUv].map(({ hmacSecret }) => toHex(hmacSecret.expose()));
    expect(new Set(outputs).size).toBe(3);
  });

  it('is asked again after a wrong PIN, with the tries that are left', async () => {
    const alice = person(key());
    await givePin(alice, '248163');
    alice.pins.push('000000', '111111', '248163');
    await enrol(alice, 'required');
    expect(alice.pinRequests.map(({ why, triesLeft }) => [why, triesLeft])).toEqual([
      ['needed', 8],
      ['wrong', 7],
      ['wrong', 6],
    ]);
  });

  it('takes no PIN after three wrong ones until it is plugged in again, and blocks after the last try', async () => {
    const one = key();
    const alice = person(one);
    await givePin(alice, '248163');
    const codes: string[] = [];
    for (let round = 0; round < 3; round++) {
      alice.pins.splice(0, 10, '0000', '1111', '2222', '3333');
      codes.push(
        await enrol(alice, 'required').then(
          () => 'ok',
          (error) => error.code,
        ),
      );
      one.remove();
      one.insert();
    }
    expect(codes).toEqual(['ERR_CTAP_PIN_AUTH_BLOCKED', 'ERR_CTAP_PIN_AUTH_BLOCKED', 'ERR_CTAP_PIN_BLOCKED']);
    alice.pins.splice(0, 10, '248163');
    await expect(enrol(alice, 'required')).rejects.toMatchObject({ code: 'ERR_CTAP_PIN_BLOCKED' });
  });

  it('ends with the error of whoever refuses to type a PIN', async () => {
    const alice = person(key());
    await givePin(alice, '248163');
    await expect(enrol(alice, 'required')).rejects.toBeInstanceOf(GaveUp);
  });

  it('without a PIN is refused where user verification is required', async () => {
    await expect(enrol(person(key()), 'required')).rejects.toMatchObject({ code: 'ERR_CTAP_PIN_NOT_SET' });
    await expect(enrol(person(key('always-uv')), 'discouraged')).rejects.toMatchObject({
      code: 'ERR_CTAP_PIN_NOT_SET',
    });
  });

  it('without hmac-secret is refused at enrolment', async () => {
    await expect(enrol(person(key('no-hmac-secret')))).rejects.toMatchObject({ code: 'ERR_CTAP_NO_HMAC_SECRET' });
  });

  it('that lost its PIN by a reset is told from one that never had the credential', async () => {
    const one = key();
    const alice = person(one);
    await givePin(alice, '248163');
    alice.pins.push('248163');
    const enrolled = await enrol(alice, 'required');
    one.configure((state) => {
      state.pinHash = null;
    });
    await expect(derive(alice, enrolled)).rejects.toMatchObject({ code: 'ERR_CTAP_PIN_NOT_SET' });
    one.configure((state) => {
      state.masterSecret = new Uint8Array(32);
    });
    await expect(derive(alice, enrolled)).rejects.toMatchObject({ code: 'ERR_CTAP_WRONG_KEY' });
  });

  it.each([
    ['says so', false],
    ['does not say so', null],
  ])('that began to verify always and %s is refused, because its secret would be another', async (_, alwaysUv) => {
    const profile = { ...PROFILES['2.1'], alwaysUv };
    const one = new VirtualAuthenticator({ clock: systemClock, entropy: systemEntropy, profile });
    const alice = person(one);
    const enrolled = await enrol(alice);
    await givePin(alice, '248163');
    one.configure((state) => {
      state.alwaysUv = true;
    });
    alice.touches.length = 0;
    await expect(derive(alice, enrolled)).rejects.toMatchObject({ code: 'ERR_CTAP_UV_CHANGED' });
    expect(alice.touches).toEqual([]);
  });

  it('is not enrolled twice for the same user', async () => {
    const alice = person(key());
    const { credentialId } = await enrol(alice);
    const again = enrolSecurityKey({ ...alice.ceremony, ...ALICE, uv: 'preferred', exclude: [credentialId] });
    await expect(again).rejects.toMatchObject({ code: 'ERR_CTAP_ALREADY_ENROLLED' });
  });

  it('of another enrolment does not verify, even if it claims the credential id', async () => {
    const alice = person(key());
    const [first, second] = [await enrol(alice), await enrol(alice)];
    const mixed = { ...first, publicKey: second.publicKey };
    await expect(derive(alice, mixed)).rejects.toMatchObject({ code: 'ERR_CTAP_VERIFICATION' });
  });

  it('tells how long its answers were awaited', async () => {
    const alice = person(key());
    const enrolled = await enrol(alice);
    const { timings } = await derive(alice, enrolled);
    expect(enrolled.timings.deviceMs).toBeGreaterThan(0);
    expect(timings.deviceMs).toBeGreaterThan(0);
  });
});

describe('among several keys', () => {
  it('the one that holds the credential is found without a touch, whatever the order', async () => {
    const [a, b] = [key(), key('2.0')];
    const onlyB = person(b);
    const enrolled = await enrol(onlyB);
    const both = person(a, b);
    const derived = await derive(both, enrolled);
    expect(derived.hmacSecret.equals(enrolled.hmacSecret)).toBe(true);
    expect(both.touches.map(({ device, why }) => [device.path, why])).toEqual([['virtual:fido2:1', 'confirm']]);
    expect(a.presence.waiting).toBe(false);
  });

  it.each<ProfileName>(['2.1', '2.0'])(
    'of profile %s that are both enrolled, the touched one is taken and the other stops waiting',
    async (profile) => {
      const [a, b] = [key(profile), key(profile)];
      const [ownerOfA, ownerOfB] = [person(a), person(b)];
      const [enrolledA, enrolledB] = [await enrol(ownerOfA), await enrol(ownerOfB)];
      ownerOfA.willing = false;
      ownerOfB.willing = false;
      const both = person(a, b);
      both.willing = false;
      both.whenTouchWanted = ({ why }) => {
        if (why === 'confirm' || both.touches.length === 2) queueMicrotask(() => b.touch());
      };
      const derived = await derive(both, enrolledA, enrolledB);
      expect(derived.credentialId).toEqual(enrolledB.credentialId);
      expect(derived.hmacSecret.equals(enrolledB.hmacSecret)).toBe(true);
      expect(both.touches.map(({ why }) => why)).toEqual(['select', 'select', 'confirm']);
      expect(a.presence.waiting).toBe(false);
    },
  );

  it('a list longer than the key takes is asked in parts', async () => {
    const alice = person(key('small-messages'));
    const others = Array.from({ length: 5 }, () => key());
    const foreign = await Promise.all(others.map((other) => enrol(person(other))));
    const own = await enrol(alice);
    const derived = await derive(alice, ...foreign, own);
    expect(derived.credentialId).toEqual(own.credentialId);
  });
});

describe('waiting for a key', () => {
  it('says that there is none, or that it is the wrong one, when nobody plugs the right one in', async () => {
    const [a, b] = [key(), key()];
    const enrolled = await enrol(person(a));
    a.remove();
    await expect(derive(person(a), enrolled)).rejects.toMatchObject({ code: 'ERR_CTAP_NO_KEY' });
    await expect(derive(person(b), enrolled)).rejects.toMatchObject({ code: 'ERR_CTAP_WRONG_KEY' });
    const waiting = person(a, b);
    const soon = { ...waiting.ceremony, insertWithin: milliseconds(20), credentials: [enrolled] };
    await expect(deriveFromSecurityKey(soon)).rejects.toMatchObject({ code: 'ERR_CTAP_WRONG_KEY' });
    expect(waiting.inserts.map(({ why }) => why)).toEqual(['wrong-key']);
  });

  it('goes on when the right key is plugged in after the wrong one', async () => {
    const [a, b] = [key(), key()];
    const enrolled = await enrol(person(a));
    a.remove();
    b.remove();
    const alice = person(a, b);
    alice.whenAsked = ({ why }) => queueMicrotask(() => (why === 'no-key' ? b : a).insert());
    const derived = await deriveFromSecurityKey({
      ...alice.ceremony,
      insertWithin: seconds(30),
      credentials: [enrolled],
    });
    expect(derived.hmacSecret.equals(enrolled.hmacSecret)).toBe(true);
    expect(alice.inserts.map(({ why, present }) => [why, present.length])).toEqual([
      ['no-key', 0],
      ['wrong-key', 1],
    ]);
    derived.hmacSecret.dispose();
  });

  it('ends when it is cancelled', async () => {
    const a = key();
    const enrolled = await enrol(person(a));
    a.remove();
    const alice = person(a);
    alice.whenAsked = () => alice.abort.abort(new Error('enough'));
    const waiting = deriveFromSecurityKey({ ...alice.ceremony, insertWithin: seconds(30), credentials: [enrolled] });
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_CTAP_CANCELLED', cause: { message: 'enough' } });
  });
});

describe('during the touch', () => {
  it('cancelling ends the wait on the key itself, which is ready for the next command at once', async () => {
    const a = key();
    const alice = person(a);
    const enrolled = await enrol(alice);
    alice.willing = false;
    alice.whenTouchWanted = () => alice.abort.abort();
    await expect(derive(alice, enrolled)).rejects.toMatchObject({ code: 'ERR_CTAP_CANCELLED' });
    expect(a.presence.waiting).toBe(false);
    const again = await derive(person(a), enrolled);
    expect(again.hmacSecret.equals(enrolled.hmacSecret)).toBe(true);
  });

  it('nobody touching is an error of its own, and the key stops waiting', async () => {
    const a = key();
    const alice = person(a);
    alice.willing = false;
    const ceremony = { ...alice.ceremony, ...ALICE, uv: 'preferred' as const, touchWithin: milliseconds(50) };
    await expect(enrolSecurityKey(ceremony)).rejects.toMatchObject({ code: 'ERR_CTAP_TOUCH_TIMEOUT' });
    expect(a.presence.waiting).toBe(false);
  });

  it('declining on the key is an error of its own', async () => {
    const a = key();
    const alice = person(a);
    alice.willing = false;
    alice.whenTouchWanted = () => a.presence.decline();
    await expect(enrol(alice)).rejects.toMatchObject({ code: 'ERR_CTAP_DENIED' });
  });

  it('pulling the key out is noticed', async () => {
    const a = key();
    const alice = person(a);
    alice.willing = false;
    alice.whenTouchWanted = () => a.remove();
    await expect(enrol(alice)).rejects.toMatchObject({ code: 'ERR_HAL_DISCONNECTED' });
  });

  it('pulling the key out while its PIN is being typed is noticed', async () => {
    const a = key();
    const alice = person(a);
    await givePin(alice, '248163');
    const ceremony = { ...alice.ceremony, ...ALICE, uv: 'required' as const };
    const typing = enrolSecurityKey({
      ...ceremony,
      requestKeyPin: () => {
        a.remove();
        return new Promise(() => undefined);
      },
    });
    await expect(typing).rejects.toMatchObject({ code: 'ERR_HAL_DISCONNECTED' });
  });
});
