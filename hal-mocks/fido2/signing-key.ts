/**
 * The key of a credential: ES256 or EdDSA (RFC 9053 §2), derived from the credential's seed. The authenticator's own
 * code, not the client's, so that a mistake cannot cancel itself out.
 */
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { concat, fromHex } from '../../drivers/base/bytes.ts';
import type { CborKey, CborValue } from '../../drivers/fido2/wire/cbor.ts';
import { COSE_ALG, COSE_CRV, COSE_KEY, COSE_KTY } from '../../drivers/fido2/wire/constants.ts';
import { coseKey, keyPairFrom, signEs256 } from './p256.ts';

export type SigningAlgorithm = typeof COSE_ALG.ES256 | typeof COSE_ALG.EdDSA;

export interface SigningKey {
  readonly alg: SigningAlgorithm;
  readonly publicKey: ReadonlyMap<CborKey, CborValue>;
  /** As WebAuthn wants it (§6.5.5 there): ASN.1 for ES256, 64 bytes for EdDSA. */
  sign(message: Uint8Array): Uint8Array;
}

/** OneAsymmetricKey of Ed25519 up to the seed (RFC 8410 §7), and SubjectPublicKeyInfo up to the key. */
const PKCS8_ED25519 = fromHex('302e020100300506032b657004220420');
const SPKI_PREFIX_LENGTH = 12;

/** How many bytes of randomness a key is made from. */
export const KEY_RANDOM = 48;

function ed25519(random: Uint8Array): SigningKey {
  const der = concat(PKCS8_ED25519, random.subarray(0, 32));
  random.fill(0);
  const key = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
  der.fill(0);
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const publicKey = new Map<CborKey, CborValue>([
    [COSE_KEY.kty, COSE_KTY.OKP],
    [COSE_KEY.alg, COSE_ALG.EdDSA],
    [COSE_KEY.crv, COSE_CRV.Ed25519],
    [COSE_KEY.x, new Uint8Array(spki.subarray(SPKI_PREFIX_LENGTH))],
  ]);
  return { alg: COSE_ALG.EdDSA, publicKey, sign: (message) => new Uint8Array(sign(null, message, key)) };
}

function es256(random: Uint8Array): SigningKey {
  const pair = keyPairFrom(random);
  return {
    alg: COSE_ALG.ES256,
    publicKey: coseKey(pair, COSE_ALG.ES256),
    sign: (message) => signEs256(pair, message),
  };
}

/** @param random {@link KEY_RANDOM} uniformly random bytes; zeroed */
export const signingKeyFrom = (alg: SigningAlgorithm, random: Uint8Array): SigningKey =>
  alg === COSE_ALG.EdDSA ? ed25519(random) : es256(random);
