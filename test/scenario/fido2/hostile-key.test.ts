/** What a key does wrong, and what the ceremonies make of it: a typed error or the right answer, never anything else. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import {
  deriveFromSecurityKey,
  type EnrolledSecurityKey,
  enrolSecurityKey,
} from '../../../drivers/fido2/security-key.ts';
import { CTAP_COMMAND } from '../../../drivers/fido2/wire/constants.ts';
import type { Behaviour } from '../../../hal-mocks/fido2/behaviour.ts';
import {
  busy,
  endlessKeepalive,
  foreignTraffic,
  keepaliveStorm,
  mergedReports,
  reorderedReports,
  shortReports,
  silent,
  truncatedAnswers,
  unplugAtFrame,
  unplugAtHostFrame,
  wrongChannel,
} from '../../../hal-mocks/fido2/behaviours.ts';
import {
  answerStatus,
  answerWith,
  brokenSignature,
  claimUserVerified,
  deepNesting,
  dropExtensions,
  extensionOutput,
  hideUserPresence,
  hugeClaim,
  indefiniteMap,
  longMapHead,
  otherCredentialId,
  otherRelyingParty,
  trailingBytes,
  unsortedMaps,
} from '../../../hal-mocks/fido2/lies.ts';
import { ALICE, givePin, key, type Person, person } from '../../support/fido2/person.ts';
import { notOn, PIPE } from '../../support/fido2/pipe.ts';

/** For keys that never answer; whatever answers gets the usual time, however busy the machine is. */
const IMPATIENT = {
  timing: { init: milliseconds(600), operation: milliseconds(900), idle: milliseconds(500), drain: milliseconds(200) },
  touchWithin: milliseconds(900),
};

const enrol = (someone: Person) => enrolSecurityKey({ ...someone.ceremony, ...ALICE, uv: 'preferred' });
const derive = (someone: Person, credential: EnrolledSecurityKey, timing: Partial<typeof IMPATIENT> = {}) =>
  deriveFromSecurityKey({ ...someone.ceremony, ...timing, credentials: [credential] });

async function enrolled() {
  const one = key();
  const alice = person(one);
  const credential = await enrol(alice);
  onTestFinished(() => credential.hmacSecret.dispose());
  return { one, alice, credential };
}

async function expectRight(behaviour: Behaviour): Promise<void> {
  const { one, alice, credential } = await enrolled();
  one.misbehave(behaviour);
  const derived = await derive(alice, credential);
  expect(derived.hmacSecret.equals(credential.hmacSecret)).toBe(true);
  derived.hmacSecret.dispose();
}

describe('a key that misbehaves harmlessly still derives the right secret when it', () => {
  it.each<[string, () => Behaviour]>([
    ['is busy three times', () => busy(3)],
    ['sends fifty keep-alives', () => keepaliveStorm(50)],
    ['is used by another program meanwhile', () => foreignTraffic()],
    ['has its reports merged by the host', () => mergedReports()],
    ['sends map keys out of order', () => unsortedMaps()],
  ])('%s', async (_, behaviour) => {
    await expectRight(behaviour());
  });

  const storm = notOn(['udp', 'hidraw'], 'a socket or a terminal does not hold so many reports');
  it.skipIf(storm.skip)(`sends five hundred keep-alives${storm.why}`, async () => {
    await expectRight(keepaliveStorm(500));
  });
});

async function expectRefused(behaviour: Behaviour, code: string): Promise<void> {
  const { one, alice, credential } = await enrolled();
  const good = one.misbehave(behaviour);
  const timing = code === 'ERR_CTAP_TIMEOUT' || code === 'ERR_CTAP_BUSY' ? IMPATIENT : {};
  await expect(derive(alice, credential, timing)).rejects.toMatchObject({ code });
  good();
  const derived = await derive(alice, credential);
  expect(derived.hmacSecret.equals(credential.hmacSecret)).toBe(true);
  derived.hmacSecret.dispose();
}

describe('a key that lies at unlock is refused when it', () => {
  it.each<[string, () => Behaviour, string]>([
    ['is of another relying party', () => otherRelyingParty(), 'ERR_CTAP_VERIFICATION'],
    ['was not touched', () => hideUserPresence(), 'ERR_CTAP_VERIFICATION'],
    ['claims to have verified the user', () => claimUserVerified(true), 'ERR_CTAP_UV_CHANGED'],
    ['names another credential', () => otherCredentialId(new Uint8Array(32)), 'ERR_CTAP_VERIFICATION'],
    ['signs wrongly', () => brokenSignature(), 'ERR_CTAP_VERIFICATION'],
    ['leaves the hmac-secret output out', () => dropExtensions(), 'ERR_CTAP_NO_HMAC_SECRET'],
    [
      'answers with 31 bytes of hmac-secret',
      () => extensionOutput('hmac-secret', new Uint8Array(31)),
      'ERR_CTAP_MALFORMED_RESPONSE',
    ],
    [
      'answers with two secrets for one salt',
      () => extensionOutput('hmac-secret', new Uint8Array(80)),
      'ERR_CTAP_MALFORMED_RESPONSE',
    ],
    ['answers hmac-secret with true', () => extensionOutput('hmac-secret', true), 'ERR_CTAP_MALFORMED_RESPONSE'],
    [
      'answers getInfo with an array',
      () => answerWith(CTAP_COMMAND.authenticatorGetInfo, Uint8Array.of(0, 0x80)),
      'ERR_CTAP_MALFORMED_RESPONSE',
    ],
    [
      'answers getInfo with nothing',
      () => answerWith(CTAP_COMMAND.authenticatorGetInfo, new Uint8Array(0)),
      'ERR_CTAP_MALFORMED_RESPONSE',
    ],
    [
      'answers with a status nobody knows',
      () => answerStatus(CTAP_COMMAND.authenticatorGetAssertion, 0xf1),
      'ERR_CTAP_STATUS',
    ],
    ['answers with map heads that are too long', () => longMapHead(), 'ERR_CTAP_INVALID_CBOR'],
    ['answers with maps without end', () => indefiniteMap(), 'ERR_CTAP_INVALID_CBOR'],
    ['answers with bytes behind the answer', () => trailingBytes(0), 'ERR_CTAP_INVALID_CBOR'],
    ['nests its answers two thousand deep', () => deepNesting(2_000), 'ERR_CTAP_INVALID_CBOR'],
    ['claims four gigabytes', () => hugeClaim(), 'ERR_CTAP_INVALID_CBOR'],
    ['reorders its packets', () => reorderedReports(), 'ERR_CTAP_MALFORMED_RESPONSE'],
    ['loses the end of its answers', () => truncatedAnswers(), 'ERR_CTAP_TIMEOUT'],
    ['answers on another channel', () => wrongChannel(), 'ERR_CTAP_TIMEOUT'],
    ['says nothing at all', () => silent(), 'ERR_CTAP_TIMEOUT'],
    ['is busy for ever', () => busy(Number.POSITIVE_INFINITY), 'ERR_CTAP_BUSY'],
    ['is at it for ever', () => endlessKeepalive(), 'ERR_CTAP_TIMEOUT'],
  ])('%s', async (_, behaviour, code) => {
    await expectRefused(behaviour(), code);
  });

  const short = notOn(['hidraw'], 'its reports have no ends of their own there');
  it.skipIf(short.skip)(`cuts its reports short${short.why}`, async () => {
    await expectRefused(shortReports(40), 'ERR_CTAP_MALFORMED_RESPONSE');
  });
});

describe('a key that lies at enrolment is refused when it', () => {
  it.each<[string, () => Behaviour, string]>([
    ['is of another relying party', () => otherRelyingParty(), 'ERR_CTAP_VERIFICATION'],
    ['was not touched', () => hideUserPresence(), 'ERR_CTAP_VERIFICATION'],
    ['makes no hmac-secret', () => dropExtensions(), 'ERR_CTAP_NO_HMAC_SECRET'],
    ['denies hmac-secret', () => extensionOutput('hmac-secret', false), 'ERR_CTAP_NO_HMAC_SECRET'],
    [
      'has no room for another credential',
      () => answerStatus(CTAP_COMMAND.authenticatorMakeCredential, 0x28),
      'ERR_CTAP_STORAGE_FULL',
    ],
  ])('%s', async (_, behaviour, code) => {
    const one = key();
    one.misbehave(behaviour());
    await expect(enrol(person(one))).rejects.toMatchObject({ code });
  });

  it('hides that the user was verified', async () => {
    const one = key();
    const alice = person(one);
    await givePin(alice, '248163');
    alice.pins.push('248163');
    one.misbehave(claimUserVerified(false));
    await expect(enrol(alice)).rejects.toMatchObject({ code: 'ERR_CTAP_VERIFICATION' });
  });
});

describe('a key that is pulled out at any moment of an unlock', () => {
  it.each([
    ['sent', unplugAtFrame],
    ['received', unplugAtHostFrame],
  ])(
    'counted in reports it %s, ends it with a typed error, and works again after it was plugged in',
    async (_, unplug) => {
      const { one, alice, credential } = await enrolled();
      const codes = new Set<string>();
      let frames = 0;
      // Where plugging in takes a while, not every moment is tried.
      for (let done = false; !done; frames += PIPE === 'hidraw' ? 6 : 1) {
        const off = one.misbehave(unplug(frames + 1));
        const derived = await derive(alice, credential).catch((error) => {
          codes.add(error.code);
          return null;
        });
        off();
        one.insert();
        done = derived !== null;
        expect(derived?.hmacSecret.equals(credential.hmacSecret) ?? true).toBe(true);
        derived?.hmacSecret.dispose();
      }
      expect(frames).toBeGreaterThan(10);
      expect([...codes].sort()).toEqual(['ERR_CTAP_NO_KEY', 'ERR_HAL_DISCONNECTED']);
    },
  );
});
