/** The signed form of FIDO metadata: taken when it leads to the root that is named, and hostile in every other way. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { unixMs } from '../../../drivers/base/brand.ts';
import { readFidoMetadata } from '../../../drivers/fido2/fido-metadata.ts';
import { parseMetadataRoots } from '../../../drivers/fido2/metadata-blob.ts';
import { type Certificate, certificate, newPair, type Pair, subjectOf } from '../../support/fido2/certificates.ts';
import { SERVICE, signedMetadata } from '../../support/fido2/signed-metadata.ts';

const AT = unixMs(Date.UTC(2026, 5, 1));
const MODEL = '00112233-4455-6677-8899-aabbccddeeff';
const root = certificate({ subject: subjectOf('root', 'a root'), authority: true });
const between = certificate({ subject: subjectOf('between', 'a middle'), authority: true, issuer: root });
const leaf = certificate({ subject: SERVICE, issuer: between });
const rsa: Pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const rsaLeaf = certificate({ subject: SERVICE, key: rsa, issuer: between });

const base64 = (der: Uint8Array) => Buffer.from(der).toString('base64');
const base64url = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64url');
const payload = (more: object = {}) => ({
  no: 7,
  nextUpdate: '2026-07-01',
  entries: [
    {
      aaguid: MODEL,
      metadataStatement: { description: 'a model', attestationTypes: ['basic_full'], attestationRootCertificates: [] },
      statusReports: [{ status: 'FIDO_CERTIFIED' }],
    },
  ],
  ...more,
});

interface Made {
  readonly header?: object;
  readonly payload?: object | string;
  readonly chain?: readonly Certificate[];
  readonly signer?: Pair;
  readonly alg?: string;
}

function blob({ header = {}, payload: body = payload(), chain = [leaf, between], signer, alg = 'ES256' }: Made = {}) {
  return signedMetadata(body, chain, signer ?? chain[0]?.key ?? newPair(), { alg, ...header });
}

const read = (text: string, { at = AT, roots = [root.der] } = {}) => readFidoMetadata(text, { roots, at });
const refusal = expect.objectContaining({ code: 'ERR_CTAP_METADATA_FILE' });

describe('a metadata BLOB', () => {
  it.each([
    ['by ES256', blob()],
    ['by RS256', blob({ alg: 'RS256', chain: [rsaLeaf, between] })],
    ['whose chain brings the root as well', blob({ chain: [leaf, between, root] })],
    ['with a line break at its end', `${blob()}\n`],
    ['on the last day', blob({ payload: payload({ nextUpdate: '2026-06-01' }) })],
  ])('%s is taken', (_, text) => {
    expect([...read(text).models.keys()]).toEqual([MODEL.replaceAll('-', '')]);
  });

  const other = certificate({ subject: subjectOf('root', 'a root'), authority: true });
  const signature = blob().split('.')[2] ?? '';
  const stranger = certificate({ subject: subjectOf('metadata', 'elsewhere.example'), issuer: between });
  const authority = certificate({ subject: SERVICE, authority: true, issuer: between });
  const expired = certificate({ subject: SERVICE, issuer: between, until: '20250101000000Z' });
  const weak: Pair = generateKeyPairSync('rsa', { modulusLength: 1024 });
  it.each<[string, () => string]>([
    ['signed by somebody else', () => blob({ signer: newPair() })],
    [
      'with the signature of another',
      () =>
        `${blob({ payload: payload({ no: 8 }) })
          .split('.')
          .slice(0, 2)
          .join('.')}.${signature}`,
    ],
    ['of algorithm none', () => `${blob({ alg: 'none' }).split('.').slice(0, 2).join('.')}.AA`],
    ['of algorithm none with no signature at all', () => `${blob({ alg: 'none' }).split('.').slice(0, 2).join('.')}.`],
    ['of algorithm HS256', () => blob({ alg: 'HS256' })],
    ['of algorithm constructor', () => blob({ alg: 'constructor' })],
    ['of RS256 with a key for ES256', () => blob({ alg: 'RS256' })],
    ['of ES256 with an RSA key', () => blob({ chain: [rsaLeaf, between] })],
    [
      'with a short RSA key',
      () => blob({ alg: 'RS256', chain: [certificate({ subject: SERVICE, key: weak, issuer: between }), between] }),
    ],
    ['of another root of the same name', () => blob({ chain: [certificate({ subject: SERVICE, issuer: other })] })],
    ['without the middle of its chain', () => blob({ chain: [leaf] })],
    ['signed by the middle of the chain', () => blob({ chain: [leaf, between], signer: between.key })],
    ['of a certificate for somebody else under the same root', () => blob({ chain: [stranger, between] })],
    ['of an authority', () => blob({ chain: [authority, between] })],
    ['of a certificate that has expired', () => blob({ chain: [expired, between] })],
    ['that should have been replaced', () => blob({ payload: payload({ nextUpdate: '2026-05-31' }) })],
    ['without a next update', () => blob({ payload: payload({ nextUpdate: undefined }) })],
    ['whose next update is none', () => blob({ payload: payload({ nextUpdate: 'soon' }) })],
    ['without certificates', () => blob({ header: { x5c: [] } })],
    ['with certificates elsewhere', () => blob({ header: { x5c: undefined, x5u: 'https://mds.fidoalliance.org/x' } })],
    ['with a certificate that is none', () => blob({ header: { x5c: ['AAAA'] } })],
    ['with seven certificates', () => blob({ header: { x5c: Array.from({ length: 7 }, () => base64(leaf.der)) } })],
    ['with a critical extension', () => blob({ header: { crit: ['b64'], b64: false } })],
    ['whose payload is no JSON', () => blob({ payload: 'x' })],
    ['whose payload is null', () => blob({ payload: 'null' })],
    ['of four parts', () => `${blob()}.AA`],
    ['of two parts', () => blob().split('.').slice(0, 2).join('.')],
    ['whose header is a list', () => `${base64url('[]')}.AA.AA`],
    ['whose header has no end', () => `${'A'.repeat(100_000)}.AA.AA`],
  ])('%s is refused', (_, text) => {
    expect(() => read(text())).toThrow(refusal);
  });

  it('is not taken without a root, and JSON not with one', () => {
    expect(() => read(blob(), { roots: [] })).toThrow(refusal);
    expect(() => read(JSON.stringify(payload()))).toThrow(refusal);
    expect(read(JSON.stringify(payload()), { roots: [] }).models.size).toBe(1);
  });

  it('is checked with the roots of a PEM file', () => {
    const pem = new X509Certificate(root.der).toString();
    expect(parseMetadataRoots(`a root\n${pem}\n`)).toEqual([root.der]);
    for (const text of ['', 'x', pem.replace(/[A-Za-z]{8}/, 'AAAAAAAA').slice(0, 40), pem.repeat(7)]) {
      expect(() => parseMetadataRoots(text)).toThrow(refusal);
    }
  });
});
