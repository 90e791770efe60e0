/**
 * X.509 certificates as attestation keys and their makers have them, made as a test wants them: right, or wrong in one
 * point. DER is written here by hand, so that the reader under test cannot share a mistake with it.
 */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { concat, fromHex, utf8 } from '../../../drivers/base/bytes.ts';

const der = (tag: number, ...content: readonly Uint8Array[]): Uint8Array => {
  const body = concat(...content);
  const { length } = body;
  const head = length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length];
  return concat(Uint8Array.from(head.map((byte) => byte & 0xff)), body);
};
const oid = (hex: string): Uint8Array => der(0x06, fromHex(hex));
const ECDSA_WITH_SHA256 = der(0x30, oid('2a8648ce3d040302'));
const name = (parts: readonly (readonly [string, string])[]): Uint8Array =>
  der(0x30, ...parts.map(([type, value]) => der(0x31, der(0x30, oid(type), der(0x0c, utf8(value))))));

export const UNIT = 'Authenticator Attestation';
export const subjectOf = (unit: string, commonName: string): Uint8Array =>
  name([
    ['550406', 'ZZ'],
    ['55040a', 'a maker'],
    ['55040b', unit],
    ['550403', commonName],
  ]);

export interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}
export const newPair = (): Pair => generateKeyPairSync('ec', { namedCurve: 'P-256' });

export interface CertificateOptions {
  readonly subject?: Uint8Array;
  readonly key?: Pair;
  readonly issuer?: { readonly subject: Uint8Array; readonly key: Pair };
  /** 1, 2 or 3; 1 is written by leaving it out. */
  readonly version?: number;
  /** Null: no basicConstraints at all. */
  readonly authority?: boolean | null;
  /** Of id-fido-gen-ce-aaguid; null: no such extension. */
  readonly aaguid?: Uint8Array | null;
  readonly criticalAaguid?: boolean;
  /** GeneralizedTime. */
  readonly until?: string;
}

export interface Certificate {
  readonly der: Uint8Array;
  readonly subject: Uint8Array;
  readonly key: Pair;
}

export function certificate(options: CertificateOptions = {}): Certificate {
  const {
    subject = subjectOf(UNIT, 'a model'),
    key = newPair(),
    version = 3,
    authority = false,
    aaguid = null,
  } = options;
  const issuer = options.issuer ?? { subject, key };
  const yes = der(0x01, Uint8Array.of(0xff));
  const extensions = [
    ...(authority === null ? [] : [der(0x30, oid('551d13'), yes, der(0x04, authority ? der(0x30, yes) : der(0x30)))]),
    ...(aaguid === null
      ? []
      : [
          der(
            0x30,
            oid('2b0601040182e51c010104'),
            ...(options.criticalAaguid ? [yes] : []),
            der(0x04, der(0x04, aaguid)),
          ),
        ]),
  ];
  const time = (text: string) => der(0x18, utf8(text));
  const body = der(
    0x30,
    ...(version === 1 ? [] : [der(0xa0, der(0x02, Uint8Array.of(version - 1)))]),
    der(0x02, Uint8Array.of(7)),
    ECDSA_WITH_SHA256,
    issuer.subject,
    der(0x30, time('20200101000000Z'), time(options.until ?? '20991231235959Z')),
    subject,
    new Uint8Array(key.publicKey.export({ format: 'der', type: 'spki' })),
    ...(extensions.length === 0 ? [] : [der(0xa3, der(0x30, ...extensions))]),
  );
  const signature = new Uint8Array(sign('sha256', body, issuer.key.privateKey));
  return {
    der: der(0x30, body, ECDSA_WITH_SHA256, der(0x03, Uint8Array.of(0), signature)),
    subject,
    key,
  };
}
