/**
 * A batch attestation certificate (WebAuthn §8.2.1) for authenticators that are to show one, as keys of a maker do. Its key
 * is the same in every virtual authenticator and known to everybody: it attests nothing, and its subject says so.
 */
import { createHash } from 'node:crypto';
import { concat, fromHex, toHex, utf8 } from '../../drivers/base/bytes.ts';
import { keyPairFrom, type P256KeyPair, signEs256 } from './p256.ts';

const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OID = 0x06;
const UTF8_STRING = 0x0c;
const PRINTABLE_STRING = 0x13;
const GENERALIZED_TIME = 0x18;
const BOOLEAN = 0x01;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;

/** One DER element (X.690 §8.1, §10.1). */
function der(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = concat(...content);
  const { length } = body;
  const head =
    length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return concat(Uint8Array.from(head), body);
}

const oid = (hex: string): Uint8Array => der(OID, fromHex(hex));
const ECDSA_WITH_SHA256 = der(SEQUENCE, oid('2a8648ce3d040302'));
const P256_PUBLIC_KEY = der(SEQUENCE, oid('2a8648ce3d0201'), oid('2a8648ce3d030107'));
const [COUNTRY, ORGANIZATION, UNIT, COMMON_NAME] = ['550406', '55040a', '55040b', '550403'].map(oid) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
const BASIC_CONSTRAINTS = oid('551d13');
/** id-fido-gen-ce-aaguid, 1.3.6.1.4.1.45724.1.1.4. */
const AAGUID = oid('2b0601040182e51c010104');

const attribute = (type: Uint8Array, tag: number, text: string): Uint8Array =>
  der(SET, der(SEQUENCE, type, der(tag, utf8(text))));

const SUBJECT = der(
  SEQUENCE,
  attribute(COUNTRY, PRINTABLE_STRING, 'ZZ'),
  attribute(ORGANIZATION, UTF8_STRING, 'the unlockd authors'),
  attribute(UNIT, UTF8_STRING, 'Authenticator Attestation'),
  attribute(COMMON_NAME, UTF8_STRING, 'unlockd virtual security key, for tests'),
);

const bits = (bytes: Uint8Array): Uint8Array => der(BIT_STRING, Uint8Array.of(0), bytes);
const time = (text: string): Uint8Array => der(GENERALIZED_TIME, utf8(text));

function extensions(aaguid: Uint8Array): Uint8Array {
  const notAnAuthority = der(
    SEQUENCE,
    BASIC_CONSTRAINTS,
    der(BOOLEAN, Uint8Array.of(0xff)),
    der(OCTET_STRING, der(SEQUENCE)),
  );
  const model = der(SEQUENCE, AAGUID, der(OCTET_STRING, der(OCTET_STRING, aaguid)));
  return der(EXTENSIONS, der(SEQUENCE, notAnAuthority, model));
}

/** The key that everybody knows. */
export const batchKey = (): P256KeyPair =>
  keyPairFrom(
    concat(
      createHash('sha512')
        .update('unlockd virtual authenticator: batch attestation key, public')
        .digest()
        .subarray(0, 48),
    ),
  );

/** A signature differs each time, and a model has one certificate. */
const made = new Map<string, Uint8Array>();

/** @param aaguid 16 bytes @returns DER, the same for the same model as long as the program runs */
export function attestationCertificate(aaguid: Uint8Array): Uint8Array {
  const known = made.get(toHex(aaguid));
  if (known !== undefined) return known;
  const certificate = certificateOf(aaguid);
  made.set(toHex(aaguid), certificate);
  return certificate;
}

function certificateOf(aaguid: Uint8Array): Uint8Array {
  const key = batchKey();
  const publicKey = der(SEQUENCE, P256_PUBLIC_KEY, bits(concat(Uint8Array.of(4), key.x, key.y)));
  const body = der(
    SEQUENCE,
    der(VERSION, der(INTEGER, Uint8Array.of(2))),
    der(INTEGER, Uint8Array.of(1)),
    ECDSA_WITH_SHA256,
    SUBJECT,
    der(SEQUENCE, time('20200101000000Z'), time('20991231235959Z')),
    SUBJECT,
    publicKey,
    extensions(aaguid),
  );
  return der(SEQUENCE, body, ECDSA_WITH_SHA256, bits(signEs256(key, body)));
}
