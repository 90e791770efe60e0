/**
 * What a security key says to the commands that manage it, and what is read besides its answers: recorded from the virtual
 * key in every kind of conversation, spoiled, and given to the readers one by one.
 */
import { concat, toHex, utf8 } from '../../drivers/base/bytes.ts';
import { systemClock } from '../../drivers/base/clock.ts';
import { systemEntropy } from '../../drivers/base/entropy.ts';
import { Secret } from '../../drivers/base/secret.ts';
import { verifyAttestation } from '../../drivers/fido2/attestation.ts';
import { checkPackedCertificate, readCertificate } from '../../drivers/fido2/attestation-certificate.ts';
import { hashRpId, parseAuthenticatorData } from '../../drivers/fido2/auth-data.ts';
import { Authenticator } from '../../drivers/fido2/authenticator.ts';
import { toggleAlwaysUv } from '../../drivers/fido2/authenticator-config.ts';
import { BioEnrollment } from '../../drivers/fido2/bio-enrollment.ts';
import type { CtapHidChannel } from '../../drivers/fido2/channel.ts';
import { getUvRetries, type PinUvAuthToken } from '../../drivers/fido2/client-pin.ts';
import { type CosePublicKey, readCoseKey } from '../../drivers/fido2/cose-key.ts';
import { CredentialManagement } from '../../drivers/fido2/credential-management.ts';
import { credBlobOf, minPinLengthOf } from '../../drivers/fido2/extensions.ts';
import { parseFidoMetadata } from '../../drivers/fido2/fido-metadata.ts';
import { type AuthenticatorInfo, authenticatorGetInfo } from '../../drivers/fido2/get-info.ts';
import { checkAttestedModel } from '../../drivers/fido2/key-models.ts';
import { openLargeBlob, readLargeBlobArray, sealLargeBlob } from '../../drivers/fido2/large-blobs.ts';
import { openMetadataBlob } from '../../drivers/fido2/metadata-blob.ts';
import { authenticatorGetAssertions } from '../../drivers/fido2/next-assertion.ts';
import { encapsulate, platformKey } from '../../drivers/fido2/pin-uv-protocol.ts';
import { type CborMap, decodeLenient, encodeCanonical } from '../../drivers/fido2/wire/cbor.ts';
import { CTAP_COMMAND, MAKE_CREDENTIAL_RESPONSE } from '../../drivers/fido2/wire/constants.ts';
import { attestationCertificate } from '../../hal-mocks/fido2/attestation-certificate.ts';
import { PROFILES } from '../../hal-mocks/fido2/profile.ts';
import { VirtualAuthenticator } from '../../hal-mocks/fido2/virtual-authenticator.ts';
import { opened, store } from '../support/fido2/managed-key.ts';
import { metadataService, signedMetadata } from '../support/fido2/signed-metadata.ts';
import { textOf } from './corpus.ts';
import { type Dice, mutate } from './mutate.ts';
import type { Target } from './targets.ts';

const RP = 'fuzz.example';

interface Recorded {
  /** Whole answers by command. */
  readonly answers: ReadonlyMap<number, readonly Uint8Array[]>;
  readonly info: AuthenticatorInfo;
  readonly keys: readonly CosePublicKey[];
}

/** Has a key with a reader do everything that is read here, once. */
async function conversation(): Promise<Recorded> {
  const profile = { ...PROFILES.bio, attestation: 'certificate' } as const;
  const authenticator = new VirtualAuthenticator({ clock: systemClock, entropy: systemEntropy, profile });
  const answers = new Map<number, Uint8Array[]>();
  authenticator.misbehave({
    name: 'recorder',
    encoded: (bytes, { command }) => {
      answers.set(command, [...(answers.get(command) ?? []), new Uint8Array(bytes)]);
      return bytes;
    },
  });
  authenticator.reader.onWait(() => queueMicrotask(() => authenticator.reader.show('finger', 'good')));
  const { alice, session, token, options } = await opened('bio', authenticator);
  await using _ = session;
  const extensions = new Map([['largeBlobKey', true]]);
  const made = [
    await store(alice, session, RP, 'first', extensions),
    await store(alice, session, RP, 'second', extensions),
    await store(alice, session, 'other.example', 'third', extensions),
  ];
  using cm = await token(4);
  const management = new CredentialManagement(session.authenticator, session.info, cm);
  await management.relyingParties(options);
  await management.credentials(hashRpId(RP), options);
  using be = await token(8);
  const bio = new BioEnrollment(session.authenticator, session.info);
  await bio.sensor(options);
  await bio.enrol(be, () => undefined, options);
  await bio.templates(be, await authenticatorGetInfo(session.authenticator, options), options);
  await readLargeBlobArray(session.authenticator, session.info, options);
  const parameters = new Map<number, string | Uint8Array>([
    [1, RP],
    [2, new Uint8Array(32)],
  ]);
  await session.authenticator.call('authenticatorGetAssertion', parameters, options);
  await session.authenticator.call('authenticatorGetNextAssertion', null, options);
  const info = await authenticatorGetInfo(session.authenticator, options);
  return { answers, info, keys: made.map(({ publicKey }) => publicKey) };
}

/** A token that no key has given: its reader does not see it. */
function token(): PinUvAuthToken {
  const peer = new Map<number, number | Uint8Array>([
    [1, 2],
    [3, -25],
    [-1, 1],
    [-2, Buffer.from('axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY=', 'base64')],
    [-3, Buffer.from('T+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfU=', 'base64')],
  ]);
  const shared = encapsulate(2, peer, platformKey(systemEntropy));
  return { protocol: 2, token: Secret.take(new Uint8Array(32)), shared, [Symbol.dispose]: () => undefined };
}

export async function fido2AnswerTargets(): Promise<Target[]> {
  const { answers, info, keys } = await conversation();
  const options = { signal: new AbortController().signal };
  const it = token();
  const all = [...answers.values()].flat();
  const of = (name: keyof typeof CTAP_COMMAND) => answers.get(CTAP_COMMAND[name]) ?? all;
  /** A key whose answers to one command are spoiled; the first of a conversation is whole more often than not. */
  const spoiled = (dice: Dice, name: keyof typeof CTAP_COMMAND): Authenticator => {
    const recordings = of(name);
    const transact = async (): Promise<Uint8Array> =>
      dice.roll(3) === 0 ? dice.pick(recordings) : mutate(recordings, dice);
    return new Authenticator({ transact } as unknown as CtapHidChannel);
  };
  const management = (dice: Dice) =>
    new CredentialManagement(spoiled(dice, 'authenticatorCredentialManagement'), info, it);
  const bio = (dice: Dice) => new BioEnrollment(spoiled(dice, 'authenticatorBioEnrollment'), info);
  const pick = async (dice: Dice, ...reads: readonly ((dice: Dice) => unknown)[]): Promise<unknown> =>
    await dice.pick(reads)(dice);
  const blobKey = new Uint8Array(32).fill(7);
  const elements = [utf8('short'), new Uint8Array(3000)].map((blob) =>
    encodeCanonical(sealLargeBlob(blobKey, blob, systemEntropy)),
  );
  const arrays = [
    concat(Uint8Array.of(0, 0xa1, 0x01, 0x58, 17, 0x80), Buffer.from('76be8b528d0075f7aae98d6fa57a6d3c', 'hex')),
    ...of('authenticatorLargeBlobs'),
  ];
  const certificate = attestationCertificate(info.aaguid);
  const statements = of('authenticatorMakeCredential').flatMap((answer) => {
    const body = decodeLenient(answer.subarray(1), { maxDepth: 8 }).value as CborMap;
    const [data, statement] = [body.get(MAKE_CREDENTIAL_RESPONSE.authData), body.get(MAKE_CREDENTIAL_RESPONSE.attStmt)];
    return data instanceof Uint8Array && statement instanceof Map
      ? [{ data, statement: encodeCanonical(statement) }]
      : [];
  });
  const metadata = [
    { aaguid: '5a5a5a5a-5a5a-5a5a-5a5a-5a5a5a5a5a5a', description: 'one', attestationTypes: ['basic_full'] },
  ].map((statement) => ({ ...statement, attestationRootCertificates: [Buffer.from(certificate).toString('base64')] }));
  const files = [
    ...metadata,
    {
      no: 1,
      entries: metadata.map((one) => ({
        aaguid: one.aaguid,
        metadataStatement: one,
        statusReports: [{ status: 'REVOKED' }],
      })),
    },
  ].map((file) => utf8(JSON.stringify(file)));
  const { root, signer } = metadataService();
  const blob = signedMetadata({ no: 1, nextUpdate: '2099-01-01', entries: [] }, [signer], signer.key);
  return [
    {
      name: 'fido2/management',
      weight: 8,
      read: (dice) =>
        pick(
          dice,
          (d) => management(d).metadata(options),
          (d) => management(d).relyingParties(options),
          (d) => management(d).credentials(hashRpId(RP), options),
        ),
    },
    {
      name: 'fido2/fingers',
      weight: 8,
      read: (dice) =>
        pick(
          dice,
          (d) => bio(d).sensor(options),
          (d) => bio(d).enrol(it, () => undefined, options),
          (d) => bio(d).templates(it, info, options),
          (d) => getUvRetries(spoiled(d, 'authenticatorClientPIN'), options),
        ),
    },
    {
      name: 'fido2/large-blobs',
      weight: 8,
      read: (dice) =>
        pick(
          dice,
          (d) => {
            const transact = async (): Promise<Uint8Array> => mutate(arrays, d);
            return readLargeBlobArray(new Authenticator({ transact } as unknown as CtapHidChannel), info, options);
          },
          (d) => openLargeBlob(blobKey, decodeLenient(mutate(elements, d)).value),
        ),
    },
    {
      name: 'fido2/config',
      weight: 2,
      read: (dice) => toggleAlwaysUv(spoiled(dice, 'authenticatorConfig'), info, it, options),
    },
    {
      name: 'fido2/assertions',
      weight: 8,
      read: async (dice) => {
        const name = dice.roll(2) === 0 ? 'authenticatorGetAssertion' : 'authenticatorGetNextAssertion';
        const request = {
          clientDataHash: new Uint8Array(32),
          rpId: RP,
          publicKeyOf: () => dice.pick([...keys, null]),
          verification: { kind: 'none' } as const,
        };
        const found = await authenticatorGetAssertions(spoiled(dice, name), request, options);
        return found.map(({ data }) => [credBlobOf(data), minPinLengthOf(data)]);
      },
    },
    {
      name: 'fido2/attestation',
      weight: 8,
      read: (dice) => {
        if (dice.roll(3) === 0) {
          const der = mutate([certificate], dice);
          checkPackedCertificate(der, info.aaguid);
          return readCertificate(der);
        }
        const { data, statement } = dice.pick(statements);
        const parsed = parseAuthenticatorData(data);
        if (parsed.attested === null) return false;
        const value = decodeLenient(mutate([statement], dice), { maxDepth: 8 }).value;
        if (!(value instanceof Map)) return false;
        const key = readCoseKey(parsed.attested.publicKeyValue);
        return verifyAttestation(dice.pick(['packed', 'fido-u2f']), value, parsed, key, new Uint8Array(32));
      },
    },
    {
      name: 'fido2/models',
      weight: 4,
      read: (dice) => {
        const chain = Array.from({ length: 1 + dice.roll(3) }, () => mutate([certificate], dice));
        const attestation = { format: 'packed', signedBy: 'certificate', certificates: chain } as const;
        const roots = [dice.roll(2) === 0 ? certificate : mutate([certificate], dice)];
        const model = { description: 'one', roots, attestsItself: false, compromised: null };
        const models = { allowed: new Set<string>(), metadata: { models: new Map([[toHex(info.aaguid), model]]) } };
        return checkAttestedModel(info.aaguid, attestation, models, systemClock.wall());
      },
    },
    {
      name: 'fido2/metadata-blob',
      // Each verifies a signature or two.
      weight: 1,
      read: (dice) => {
        // One part at a time: a header that is whole lets the rest be looked at.
        const parts = blob.split('.').map((part) => new Uint8Array(Buffer.from(part, 'base64url')));
        const spoilt = dice.roll(3);
        const text = parts.map((part, i) =>
          Buffer.from(i === spoilt ? mutate([part], dice) : part).toString('base64url'),
        );
        return openMetadataBlob(text.join('.'), [root.der], systemClock.wall());
      },
    },
    { name: 'fido2/metadata', weight: 6, read: (dice) => parseFidoMetadata(textOf(mutate(files, dice))) },
  ];
}
