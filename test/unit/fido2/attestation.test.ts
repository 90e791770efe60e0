/** Attestation by certificate: what a packed one has to be (WebAuthn §8.2.1), fido-u2f (§8.6), and whose it is. */
import { sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { unixMs } from '../../../drivers/base/brand.ts';
import { concat, toHex, u8, u16, u32 } from '../../../drivers/base/bytes.ts';
import { verifyAttestation } from '../../../drivers/fido2/attestation.ts';
import { hashRpId, parseAuthenticatorData } from '../../../drivers/fido2/auth-data.ts';
import { readCoseKey } from '../../../drivers/fido2/cose-key.ts';
import { MAX_METADATA_FILE, parseFidoMetadata } from '../../../drivers/fido2/fido-metadata.ts';
import { checkAttestedModel, checkClaimedModel } from '../../../drivers/fido2/key-models.ts';
import { type CborKey, type CborValue, encodeCanonical } from '../../../drivers/fido2/wire/cbor.ts';
import { attestationCertificate } from '../../../hal-mocks/fido2/attestation-certificate.ts';
import {
  type Certificate,
  type CertificateOptions,
  certificate,
  newPair,
  subjectOf,
  UNIT,
} from '../../support/fido2/certificates.ts';

const AAGUID = new Uint8Array(16).fill(0x5a);
const NAME = toHex(AAGUID);
const UUID = '5a5a5a5a-5a5a-5a5a-5a5a-5a5a5a5a5a5a';
const HASH = new Uint8Array(32).fill(9);
const ID = new Uint8Array(20).fill(3);
const owner = newPair();
const { x = '', y = '' } = owner.publicKey.export({ format: 'jwk' });
const COSE = new Map<CborKey, CborValue>([
  [1, 2],
  [3, -7],
  [-1, 1],
  [-2, new Uint8Array(Buffer.from(x, 'base64url'))],
  [-3, new Uint8Array(Buffer.from(y, 'base64url'))],
]);
const credential = readCoseKey(COSE);
const attested = concat(AAGUID, u16(ID.length), ID, encodeCanonical(COSE));
const data = parseAuthenticatorData(concat(hashRpId('unlockd'), u8(0x41), u32(1), attested));
const signedBy = (by: Certificate, bytes: Uint8Array) => new Uint8Array(sign('sha256', bytes, by.key.privateKey));

function packed(leaf: Certificate, more: readonly Uint8Array[] = []) {
  const statement = new Map<string, CborValue>([
    ['alg', -7],
    ['sig', signedBy(leaf, concat(data.bytes, HASH))],
    ['x5c', [leaf.der, ...more]],
  ]);
  return verifyAttestation('packed', statement, data, credential, HASH);
}

describe('a packed attestation certificate', () => {
  it.each<[string, CertificateOptions]>([
    ['without the model in it', {}],
    ['with the model in it', { aaguid: AAGUID }],
  ])('%s is taken', (_, options) => {
    const leaf = certificate(options);
    expect(packed(leaf)).toEqual({ format: 'packed', signedBy: 'certificate', certificates: [leaf.der] });
  });

  it.each<[string, CertificateOptions]>([
    ['of version 2', { version: 2 }],
    ['for something else than attestation', { subject: subjectOf('Web Server', 'a model') }],
    ['that names nobody', { subject: subjectOf(UNIT, '') }],
    ['of an authority', { authority: true }],
    ['that does not say whether it is an authority', { authority: null, aaguid: AAGUID }],
    ['of another model', { aaguid: new Uint8Array(16) }],
    ['whose model is critical', { aaguid: AAGUID, criticalAaguid: true }],
  ])('%s is refused', (_, options) => {
    expect(() => packed(certificate(options))).toThrow(expect.objectContaining({ code: 'ERR_CTAP_VERIFICATION' }));
  });

  it('of version 1, which has no extensions, is refused', () => {
    expect(() => packed(certificate({ version: 1, authority: null }))).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_CTAP_(VERIFICATION|MALFORMED_RESPONSE)$/) }),
    );
  });

  it('that has not signed is refused', () => {
    const [leaf, other] = [certificate(), certificate()];
    expect(() => packed({ ...leaf, key: other.key })).toThrow(
      expect.objectContaining({ code: 'ERR_CTAP_VERIFICATION' }),
    );
  });

  it('in a chain that is too long, or in none, is refused', () => {
    const leaf = certificate();
    expect(() =>
      packed(
        leaf,
        Array.from({ length: 6 }, () => leaf.der),
      ),
    ).toThrow(expect.objectContaining({ code: 'ERR_CTAP_MALFORMED_RESPONSE' }));
    const none = new Map<string, CborValue>([
      ['alg', -7],
      ['sig', HASH],
      ['x5c', []],
    ]);
    expect(() => verifyAttestation('packed', none, data, credential, HASH)).toThrow(
      expect.objectContaining({ code: 'ERR_CTAP_MALFORMED_RESPONSE' }),
    );
  });
});

describe('a fido-u2f attestation', () => {
  const point = concat(u8(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url'));
  const message = concat(u8(0), data.rpIdHash, HASH, ID, point);
  const verify = (leaf: Certificate, bytes: Uint8Array, x5c: readonly Uint8Array[]) =>
    verifyAttestation(
      'fido-u2f',
      new Map<string, CborValue>([
        ['sig', signedBy(leaf, bytes)],
        ['x5c', x5c],
      ]),
      data,
      credential,
      HASH,
    );

  it('is verified over what a U2F key signs', () => {
    const leaf = certificate();
    expect(verify(leaf, message, [leaf.der])).toMatchObject({ format: 'fido-u2f', signedBy: 'certificate' });
  });

  it.each<[string, string, (leaf: Certificate) => unknown]>([
    ['over authenticator data', 'ERR_CTAP_VERIFICATION', (leaf) => verify(leaf, data.bytes, [leaf.der])],
    ['with two certificates', 'ERR_CTAP_MALFORMED_RESPONSE', (leaf) => verify(leaf, message, [leaf.der, leaf.der])],
    ['without a certificate', 'ERR_CTAP_MALFORMED_RESPONSE', (leaf) => verify(leaf, message, [])],
    ['with bytes for a certificate', 'ERR_CTAP_MALFORMED_RESPONSE', (leaf) => verify(leaf, message, [HASH])],
    [
      'of a credential that no U2F key makes',
      'ERR_CTAP_VERIFICATION',
      (leaf) => {
        const statement = new Map<string, CborValue>([
          ['sig', signedBy(leaf, message)],
          ['x5c', [leaf.der]],
        ]);
        return verifyAttestation('fido-u2f', statement, data, { ...credential, algorithm: -8 }, HASH);
      },
    ],
  ])('%s is refused', (_, code, attempt) => {
    expect(() => attempt(certificate())).toThrow(expect.objectContaining({ code }));
  });
});

const authority = certificate({ subject: subjectOf('Roots', 'the maker'), authority: true });
const between = certificate({ subject: subjectOf('Between', 'a plant'), authority: true, issuer: authority });
const AT = unixMs(Date.UTC(2026, 0, 1));
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const statementOf = (roots: readonly Uint8Array[], types: readonly string[] = ['basic_full']) => ({
  aaguid: UUID,
  description: 'a model',
  attestationTypes: types,
  attestationRootCertificates: roots.map(base64),
  schema: 3,
});
const fileOf = (value: unknown) => parseFidoMetadata(JSON.stringify(value));
const blobOf = (statement: object, ...statuses: readonly string[]) =>
  fileOf({
    no: 1,
    nextUpdate: '2027-01-01',
    entries: [
      { aaid: '1234#5678', metadataStatement: {} },
      { aaguid: UUID, metadataStatement: statement, statusReports: statuses.map((status) => ({ status })) },
    ],
  });

describe('a model of security keys', () => {
  const anyModel = new Set<string>();
  const refusal = expect.objectContaining({ code: 'ERR_CTAP_NOT_ALLOWED_MODEL' });

  it('is allowed when it is listed, or when there is no list', () => {
    for (const allowed of [anyModel, new Set([NAME])]) {
      expect(() => checkClaimedModel(AAGUID, { allowed, metadata: null })).not.toThrow();
    }
    expect(() => checkClaimedModel(AAGUID, { allowed: new Set(['00'.repeat(16)]), metadata: null })).toThrow(refusal);
  });

  it('that the metadata file does not know, or warns of, is refused', () => {
    const metadata = blobOf(statementOf([authority.der]), 'FIDO_CERTIFIED_L1');
    expect(() => checkClaimedModel(AAGUID, { allowed: anyModel, metadata })).not.toThrow();
    expect(() => checkClaimedModel(new Uint8Array(16), { allowed: anyModel, metadata })).toThrow(refusal);
    const revoked = blobOf(statementOf([authority.der]), 'FIDO_CERTIFIED_L1', 'REVOKED');
    expect(() => checkClaimedModel(AAGUID, { allowed: anyModel, metadata: revoked })).toThrow(refusal);
  });

  const direct = certificate({ issuer: authority });
  const through = certificate({ issuer: between });
  const stranger = certificate({ subject: subjectOf('Roots', 'the maker'), authority: true });
  it.each<[string, Certificate, readonly Uint8Array[], readonly Uint8Array[]]>([
    ['by the maker', direct, [], [authority.der]],
    ['through another of the maker', through, [between.der], [authority.der]],
    ['by a certificate that is listed itself', direct, [], [stranger.der, direct.der]],
    ['with the root in the chain', direct, [authority.der], [authority.der]],
  ])('attested %s is enrolled', (_, leaf, more, roots) => {
    const models = { allowed: anyModel, metadata: fileOf(statementOf(roots)) };
    expect(() => checkAttestedModel(AAGUID, packed(leaf, more), models, AT)).not.toThrow();
  });

  it.each<[string, Certificate, readonly Uint8Array[], readonly Uint8Array[]]>([
    ['by somebody with the maker’s name', certificate({ issuer: stranger }), [], [authority.der]],
    ['by nobody', certificate(), [], [authority.der]],
    ['through one that is no authority', certificate({ issuer: direct }), [direct.der], [authority.der]],
    ['in a chain that is out of order', through, [authority.der, between.der], [authority.der]],
    ['by one that has expired', certificate({ issuer: authority, until: '20250101000000Z' }), [], [authority.der]],
    ['where no root is listed', direct, [], []],
  ])('attested %s is refused', (_, leaf, more, roots) => {
    const models = { allowed: anyModel, metadata: fileOf(statementOf(roots)) };
    expect(() => checkAttestedModel(AAGUID, packed(leaf, more), models, AT)).toThrow(refusal);
  });

  it('that attests itself is enrolled only where its metadata says that it does', () => {
    const self = { format: 'packed', signedBy: 'self', certificates: [] } as const;
    const allows = { allowed: anyModel, metadata: fileOf(statementOf([], ['basic_surrogate'])) };
    expect(() => checkAttestedModel(AAGUID, self, allows, AT)).not.toThrow();
    expect(() => checkAttestedModel(AAGUID, { ...self, signedBy: 'nobody' }, allows, AT)).toThrow(refusal);
    const refuses = { allowed: anyModel, metadata: fileOf(statementOf([authority.der])) };
    expect(() => checkAttestedModel(AAGUID, self, refuses, AT)).toThrow(refusal);
  });

  it('takes the virtual key’s own batch certificate as one', () => {
    expect(() => parseFidoMetadata(JSON.stringify(statementOf([attestationCertificate(AAGUID)])))).not.toThrow();
  });
});

describe('a FIDO metadata file', () => {
  const good = statementOf([authority.der]);
  it.each<[string, unknown, string]>([
    ['no object', [], 'it'],
    ['without a model', { ...good, aaguid: undefined }, 'aaguid'],
    ['with a model in upper case', { ...good, aaguid: UUID.toUpperCase() }, 'aaguid'],
    ['without roots', { ...good, attestationRootCertificates: undefined }, 'it.attestationRootCertificates'],
    ['with a root that is no text', { ...good, attestationRootCertificates: [7] }, 'it.attestationRootCertificates[0]'],
    [
      'with a root that is no base64',
      { ...good, attestationRootCertificates: ['%'] },
      'it.attestationRootCertificates[0]',
    ],
    [
      'with too many roots',
      { ...good, attestationRootCertificates: Array.from({ length: 65 }, () => '') },
      'it.attestationRootCertificates',
    ],
    ['without types of attestation', { ...good, attestationTypes: 1 }, 'it.attestationTypes'],
    ['without a description', { ...good, description: null }, 'it.description'],
    ['with entries that are none', { entries: {} }, 'entries'],
    ['with an entry that is none', { entries: [null] }, 'entries[0]'],
    ['without a statement', { entries: [{ aaguid: UUID }] }, 'entries[0].metadataStatement'],
    [
      'with one model twice',
      { entries: [good, good].map((it) => ({ aaguid: UUID, metadataStatement: it })) },
      'entries[1]',
    ],
    [
      'with a statement of another model',
      { entries: [{ aaguid: UUID.replaceAll('5a', '00'), metadataStatement: good }] },
      'entries[0]',
    ],
    [
      'with a status that is none',
      { entries: [{ aaguid: UUID, metadataStatement: good, statusReports: [{}] }] },
      'entries[0].statusReports[0].status',
    ],
  ])('%s is refused, and the message says where', (_, value, where) => {
    expect(() => fileOf(value)).toThrow(
      expect.objectContaining({ code: 'ERR_CTAP_METADATA_FILE', detail: expect.objectContaining({ where }) }),
    );
  });

  it.each([
    ['that is no JSON', '{'],
    ['nested deep', '['.repeat(200_000)],
    ['that is too large', `"${'x'.repeat(MAX_METADATA_FILE)}"`],
  ])('%s is refused', (_, text) => {
    expect(() => parseFidoMetadata(text)).toThrow(expect.objectContaining({ code: 'ERR_CTAP_METADATA_FILE' }));
  });

  it('with a root that is no certificate keeps its model out', () => {
    const metadata = fileOf({ ...good, attestationRootCertificates: [base64(HASH)] });
    const leaf = certificate({ issuer: authority });
    expect(() => checkAttestedModel(AAGUID, packed(leaf), { allowed: new Set(), metadata }, AT)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_CTAP_/) }),
    );
  });
});
