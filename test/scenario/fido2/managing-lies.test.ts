/** Lies of a key to whoever manages it: every answer of those commands, hostile in form and in content. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { hashRpId } from '../../../drivers/fido2/auth-data.ts';
import { setMinPinLength, toggleAlwaysUv } from '../../../drivers/fido2/authenticator-config.ts';
import { BioEnrollment } from '../../../drivers/fido2/bio-enrollment.ts';
import { getPinRetries } from '../../../drivers/fido2/client-pin.ts';
import { CredentialManagement } from '../../../drivers/fido2/credential-management.ts';
import { readLargeBlobArray } from '../../../drivers/fido2/large-blobs.ts';
import {
  BIO_ENROLLMENT_RESPONSE,
  CREDENTIAL_MANAGEMENT_RESPONSE,
  CTAP_COMMAND,
  PERMISSION,
} from '../../../drivers/fido2/wire/constants.ts';
import type { Behaviour } from '../../../hal-mocks/fido2/behaviour.ts';
import { busy, keepaliveStorm, reorderedReports, unplugAtFrame } from '../../../hal-mocks/fido2/behaviours.ts';
import {
  alwaysAnswer,
  answerStatus,
  answerWith,
  changeAnswer,
  deepNesting,
  hugeClaim,
  indefiniteMap,
  longMapHead,
  trailingBytes,
  unsortedMaps,
} from '../../../hal-mocks/fido2/lies.ts';
import { opened, store } from '../../support/fido2/managed-key.ts';

const RP = 'accounts.example';
type Managed = Awaited<ReturnType<typeof managed>>;

/** A key with a reader that stores two accounts, and tokens for everything. */
async function managed() {
  const it = await opened('bio');
  onTestFinished(() => it.session[Symbol.asyncDispose]());
  const { alice, authenticator, session, token } = it;
  authenticator.reader.onWait(() => queueMicrotask(() => authenticator.reader.show('finger', 'good')));
  await store(alice, session, RP, 'one');
  await store(alice, session, RP, 'two');
  const [cm, be, acfg] = [await token(PERMISSION.cm), await token(PERMISSION.be), await token(PERMISSION.acfg)];
  return { ...it, cm, be, acfg };
}

const management = ({ session, cm }: Managed) => new CredentialManagement(session.authenticator, session.info, cm);
const bio = ({ session }: Managed) => new BioEnrollment(session.authenticator, session.info);

/** Tokens end with the next one of another permission: each call here gets its own. */
const CALLS: readonly (readonly [string, (it: Managed) => Promise<unknown>])[] = [
  ['credential management (parties)', async (it) => management(await fresh(it, 'cm')).relyingParties(it.options)],
  [
    'credential management (accounts)',
    async (it) => management(await fresh(it, 'cm')).credentials(hashRpId(RP), it.options),
  ],
  ['bio enrolment (sensor)', (it) => bio(it).sensor(it.options)],
  ['bio enrolment (a finger)', async (it) => bio(it).enrol((await fresh(it, 'be')).be, () => undefined, it.options)],
  ['large blobs', ({ session, options }) => readLargeBlobArray(session.authenticator, session.info, options)],
  [
    'client PIN',
    ({ session, options }) => getPinRetries(session.authenticator, { ...options, entropy: systemEntropy, protocol: 2 }),
  ],
];

async function fresh(it: Managed, which: 'cm' | 'be' | 'acfg'): Promise<Managed> {
  return { ...it, [which]: await it.token(PERMISSION[which]) };
}

const FORMS: readonly (readonly [string, () => Behaviour, string])[] = [
  ['map heads that are too long', longMapHead, 'ERR_CTAP_INVALID_CBOR'],
  ['maps without end', indefiniteMap, 'ERR_CTAP_INVALID_CBOR'],
  ['bytes behind the answer', () => trailingBytes(0), 'ERR_CTAP_INVALID_CBOR'],
  ['two thousand levels', () => deepNesting(2000), 'ERR_CTAP_INVALID_CBOR'],
  ['a claim of four gigabytes', hugeClaim, 'ERR_CTAP_INVALID_CBOR'],
];

describe.each(CALLS)('an answer to %s', (_, call) => {
  it('in any hostile form is refused, and the next one is taken', async () => {
    const it = await managed();
    const plain = it.authenticator;
    for (const [what, form, code] of FORMS) {
      // The token comes whole: what is spoiled is the answer that is asked about.
      const off = plain.misbehave(afterTokens(form()));
      await expect(call(it), what).rejects.toMatchObject({ code });
      off();
    }
    await expect(call(it)).resolves.toBeDefined();
  });

  it('out of order, after keep-alives and BUSY is taken', async () => {
    const it = await managed();
    it.authenticator.misbehave(unsortedMaps());
    it.authenticator.misbehave(keepaliveStorm(50));
    it.authenticator.misbehave(busy(2));
    await expect(call(it)).resolves.toBeDefined();
  });

  it('that is nothing, an array or an unknown status is refused', async () => {
    const it = await managed();
    for (const [command, bytes, code] of [
      [0x0a, [], 'ERR_CTAP_MALFORMED_RESPONSE'],
      [0x0a, [0, 0x80], 'ERR_CTAP_MALFORMED_RESPONSE'],
      [0x0a, [0xf1], 'ERR_CTAP_STATUS'],
    ] as const) {
      const off = [0x06, 0x09, command, 0x0c].map((each) =>
        it.authenticator.misbehave(afterTokens(answerWith(each, Uint8Array.from(bytes)))),
      );
      await expect(call(it)).rejects.toMatchObject({ code });
      for (const end of off) end();
    }
  });

  it('cut by the key being pulled out is ERR_HAL_DISCONNECTED', async () => {
    const it = await managed();
    it.authenticator.misbehave(afterTokens(unplugAtFrame(1)));
    await expect(call(it)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_HAL_(DISCONNECTED|CLOSED)$/) });
  });
});

/** Lets answers of authenticatorClientPIN pass that carry a key or a token: they are lied about elsewhere. */
function afterTokens(behaviour: Behaviour): Behaviour {
  let passes = false;
  return {
    ...behaviour,
    encoded: (bytes, reply) => {
      passes =
        reply.command === CTAP_COMMAND.authenticatorClientPIN &&
        (reply.body?.has(1) === true || reply.body?.has(2) === true);
      return passes ? bytes : (behaviour.encoded?.(bytes, reply) ?? bytes);
    },
    outgoing: (reports, host) => (passes ? reports : (behaviour.outgoing?.(reports, host) ?? reports)),
  };
}

const C = CREDENTIAL_MANAGEMENT_RESPONSE;
const B = BIO_ENROLLMENT_RESPONSE;
const { authenticatorCredentialManagement: CM, authenticatorBioEnrollment: BE } = CTAP_COMMAND;

describe('credential management of a key that', () => {
  it.each<[string, () => Behaviour, string]>([
    [
      'names one relying party and means another',
      () => changeAnswer(CM, [[C.rpIDHash, hashRpId('b.example')]]),
      'ERR_CTAP_VERIFICATION',
    ],
    [
      'has a digest of three bytes',
      () => changeAnswer(CM, [[C.rpIDHash, new Uint8Array(3)]]),
      'ERR_CTAP_MALFORMED_RESPONSE',
    ],
    ['leaves the digest out', () => changeAnswer(CM, [[C.rpIDHash, undefined]]), 'ERR_CTAP_MALFORMED_RESPONSE'],
    ['has a million', () => changeAnswer(CM, [[C.totalRPs, 1e6]]), 'ERR_CTAP_MALFORMED_RESPONSE'],
    ['has a negative number of them', () => changeAnswer(CM, [[C.totalRPs, -1]]), 'ERR_CTAP_MALFORMED_RESPONSE'],
    ['counts one that it does not have', () => changeAnswer(CM, [[C.totalRPs, 2]]), 'ERR_CTAP_STATUS'],
    ['has a name that is none', () => changeAnswer(CM, [[C.rp, new Map([['id', 7]])]]), 'ERR_CTAP_MALFORMED_RESPONSE'],
    ['refuses', () => answerStatus(CM, 0x30), 'ERR_CTAP_STATUS'],
  ])('%s is refused (relying parties)', async (_, lie, code) => {
    const it = await managed();
    const with_ = management(await fresh(it, 'cm'));
    it.authenticator.misbehave(lie());
    await expect(with_.relyingParties(it.options)).rejects.toMatchObject({ code });
  });

  it.each<[string, () => Behaviour, string]>([
    [
      'lists one account again and again',
      () => changeAnswer(CM, [[C.credentialID, new Map([['id', new Uint8Array(4)]])]]),
      'ERR_CTAP_VERIFICATION',
    ],
    [
      'has an account without an id',
      () => changeAnswer(CM, [[C.credentialID, new Map()]]),
      'ERR_CTAP_MALFORMED_RESPONSE',
    ],
    ['has an account of nobody', () => changeAnswer(CM, [[C.user, new Map()]]), 'ERR_CTAP_MALFORMED_RESPONSE'],
    ['has an account without a key', () => changeAnswer(CM, [[C.publicKey, undefined]]), 'ERR_CTAP_MALFORMED_RESPONSE'],
    ['has a million', () => changeAnswer(CM, [[C.totalCredentials, 1e6]]), 'ERR_CTAP_MALFORMED_RESPONSE'],
    ['counts one that it does not have', () => changeAnswer(CM, [[C.totalCredentials, 3]]), 'ERR_CTAP_STATUS'],
    [
      'has a large-blob key of three bytes',
      () => changeAnswer(CM, [[C.largeBlobKey, new Uint8Array(3)]]),
      'ERR_CTAP_MALFORMED_RESPONSE',
    ],
  ])('%s is refused (accounts)', async (_, lie, code) => {
    const it = await managed();
    const with_ = management(await fresh(it, 'cm'));
    it.authenticator.misbehave(lie());
    await expect(with_.credentials(hashRpId(RP), it.options)).rejects.toMatchObject({ code });
  });
});

describe('a reader of fingers that', () => {
  it.each<[string, () => Behaviour, string]>([
    [
      'never has enough',
      () =>
        alwaysAnswer(BE, [
          [B.templateId, new Uint8Array(1)],
          [B.lastEnrollSampleStatus, 0],
          [B.remainingSamples, 1],
        ]),
      'ERR_CTAP_MALFORMED_RESPONSE',
    ],
    ['wants a million samples', () => changeAnswer(BE, [[B.remainingSamples, 1e6]]), 'ERR_CTAP_MALFORMED_RESPONSE'],
    ['gives the finger no id', () => changeAnswer(BE, [[B.templateId, undefined]]), 'ERR_CTAP_MALFORMED_RESPONSE'],
    ['gives a text for an id', () => changeAnswer(BE, [[B.templateId, 'finger']]), 'ERR_CTAP_MALFORMED_RESPONSE'],
    [
      'does not say what is left',
      () => changeAnswer(BE, [[B.remainingSamples, undefined]]),
      'ERR_CTAP_MALFORMED_RESPONSE',
    ],
    ['has no room', () => answerStatus(BE, 0x28), 'ERR_CTAP_STORAGE_FULL'],
  ])('%s is refused', async (_, lie, code) => {
    const it = await managed();
    const { be } = await fresh(it, 'be');
    it.authenticator.misbehave(lie());
    await expect(bio(it).enrol(be, () => undefined, it.options)).rejects.toMatchObject({ code });
  });
});

describe('settings of a key that', () => {
  it.each<[string, number, string]>([
    ['does not take the token', 0x33, 'ERR_CTAP_STATUS'],
    ['says that the PIN is too short', 0x37, 'ERR_CTAP_PIN_POLICY'],
  ])('%s are refused', async (_, status, code) => {
    const it = await managed();
    const { acfg } = await fresh(it, 'acfg');
    const { session, options } = it;
    it.authenticator.misbehave(answerStatus(CTAP_COMMAND.authenticatorConfig, status));
    const { authenticator, info } = session;
    await expect(toggleAlwaysUv(authenticator, info, acfg, options)).rejects.toMatchObject({ code });
    await expect(setMinPinLength(authenticator, info, acfg, { length: 6 }, options)).rejects.toMatchObject({ code });
  });
});

describe('large blobs of a key that', () => {
  const LB = CTAP_COMMAND.authenticatorLargeBlobs;
  it.each<[string, () => Behaviour]>([
    ['gives more than was asked for', () => changeAnswer(LB, [[1, new Uint8Array(1200)]])],
    ['gives no bytes', () => changeAnswer(LB, [[1, 'text']])],
    ['gives nothing', () => changeAnswer(LB, [[1, undefined]])],
    ['never ends', () => alwaysAnswer(LB, [[1, new Uint8Array(1200 - 64)]])],
  ])('%s are ERR_CTAP_MALFORMED_RESPONSE', async (_, lie) => {
    const { authenticator, session, options } = await managed();
    authenticator.misbehave(lie());
    const reading = readLargeBlobArray(session.authenticator, session.info, options);
    await expect(reading).rejects.toMatchObject({ code: 'ERR_CTAP_MALFORMED_RESPONSE' });
  });

  it('reorders its packets are refused', async () => {
    const { authenticator, session, options } = await managed();
    authenticator.configure((state) => {
      state.largeBlobs = new Uint8Array(300);
    });
    authenticator.misbehave(reorderedReports());
    const reading = readLargeBlobArray(session.authenticator, session.info, options);
    await expect(reading).rejects.toMatchObject({ code: 'ERR_CTAP_MALFORMED_RESPONSE' });
  });
});
