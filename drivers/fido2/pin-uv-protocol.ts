/**
 * PIN/UV auth protocols 1 and 2 from the platform's side (CTAP 2.1 §6.5.6, §6.5.7): key agreement on P-256, AES-256-CBC
 * without padding, HMAC-SHA-256. What both protocols derive stays in `Secret`s.
 */
import { createCipheriv, createDecipheriv, createECDH, createHash, createHmac, type ECDH } from 'node:crypto';
import { concat } from '../base/bytes.ts';
import type { Entropy } from '../base/entropy.ts';
import { Secret } from '../base/secret.ts';
import { asBytes, asInteger, malformed, member } from './fields.ts';
import type { CborMap } from './wire/cbor.ts';
import { COSE_ALG, COSE_CRV, COSE_KEY, COSE_KTY } from './wire/constants.ts';

export type PinUvProtocolId = 1 | 2;

/** Which protocols this client speaks, best first: 2 has separate keys and a random IV. */
const PREFERENCE: readonly PinUvProtocolId[] = [2, 1];

const BLOCK = 16;
const COORDINATE = 32;
const HMAC_KEY_LENGTH = 32;

/** @returns the best protocol that both sides speak; null: there is none */
export const choosePinUvProtocol = (offered: readonly number[]): PinUvProtocolId | null =>
  PREFERENCE.find((id) => offered.includes(id)) ?? null;

/** What {@link encapsulate} agreed on. */
export interface SharedSecret extends Disposable {
  readonly protocol: PinUvProtocolId;
  /** The platform's public key, to be sent as `keyAgreement`. */
  readonly keyAgreement: CborMap;
  /** 32 bytes in protocol 1; in protocol 2 the HMAC key and then the AES key. */
  readonly secret: Secret;
}

/** Reads the authenticator's key-agreement key as an uncompressed point. @throws {ERR_CTAP_MALFORMED_RESPONSE} */
function pointOf(peer: CborMap): Uint8Array {
  const kty = member(peer, COSE_KEY.kty, asInteger, 'keyAgreement.kty');
  const crv = member(peer, COSE_KEY.crv, asInteger, 'keyAgreement.crv');
  const x = member(peer, COSE_KEY.x, asBytes, 'keyAgreement.x');
  const y = member(peer, COSE_KEY.y, asBytes, 'keyAgreement.y');
  if (kty !== COSE_KTY.EC2 || crv !== COSE_CRV.P256) throw malformed('keyAgreement is not a P-256 key');
  if (x.length !== COORDINATE || y.length !== COORDINATE) throw malformed('keyAgreement has short coordinates');
  return concat(Uint8Array.of(4), x, y);
}

/** HKDF-SHA-256 (RFC 5869) for one block: the platform's own takes many times as long, and derives from scratch each time. */
const HKDF_SALT = new Uint8Array(32);
const expand = (key: Uint8Array, info: string): Buffer =>
  createHmac('sha256', key).update(info).update(Uint8Array.of(1)).digest();

function derive(protocol: PinUvProtocolId, z: Uint8Array): Secret {
  if (protocol === 1) return Secret.take(createHash('sha256').update(z).digest());
  const pseudorandom = createHmac('sha256', HKDF_SALT).update(z).digest();
  const hmacKey = expand(pseudorandom, 'CTAP2 HMAC key');
  const aesKey = expand(pseudorandom, 'CTAP2 AES key');
  const both = Secret.take(concat(hmacKey, aesKey));
  for (const bytes of [pseudorandom, hmacKey, aesKey]) bytes.fill(0);
  return both;
}

/** The platform's half of one key agreement. It can be made before the authenticator's is known. */
export function platformKey(entropy: Entropy): ECDH {
  const own = createECDH('prime256v1');
  for (;;) {
    const scalar = entropy.bytes(COORDINATE);
    try {
      own.setPrivateKey(scalar);
      return own;
    } catch {
      // Zero or not below the order of the group: once in 2^32 draws.
    } finally {
      scalar.fill(0);
    }
  }
}

/**
 * Agrees with the authenticator.
 * @param peer the COSE_Key of getKeyAgreement
 * @param own {@link platformKey}, for this one use
 * @throws {ERR_CTAP_MALFORMED_RESPONSE} where it is no point of the curve
 */
export function encapsulate(protocol: PinUvProtocolId, peer: CborMap, own: ECDH): SharedSecret {
  const point = pointOf(peer);
  let z: Uint8Array;
  try {
    z = own.computeSecret(point);
  } catch {
    throw malformed('keyAgreement is not a point of P-256');
  }
  const secret = derive(protocol, z);
  z.fill(0);
  const ownPoint = own.getPublicKey();
  const keyAgreement = new Map<number, number | Uint8Array>([
    [COSE_KEY.kty, COSE_KTY.EC2],
    [COSE_KEY.alg, COSE_ALG.ECDH_ES_HKDF_256],
    [COSE_KEY.crv, COSE_CRV.P256],
    [COSE_KEY.x, new Uint8Array(ownPoint.subarray(1, 1 + COORDINATE))],
    [COSE_KEY.y, new Uint8Array(ownPoint.subarray(1 + COORDINATE))],
  ]);
  return { protocol, keyAgreement, secret, [Symbol.dispose]: () => secret.dispose() };
}

const aesKeyOf = ({ protocol, secret }: SharedSecret): Uint8Array =>
  protocol === 1 ? secret.expose() : secret.expose().subarray(HMAC_KEY_LENGTH);

/** @param plaintext a multiple of 16 bytes */
export function encrypt(shared: SharedSecret, plaintext: Uint8Array, entropy: Entropy): Uint8Array {
  const iv = shared.protocol === 1 ? new Uint8Array(BLOCK) : entropy.bytes(BLOCK);
  const cipher = createCipheriv('aes-256-cbc', aesKeyOf(shared), iv).setAutoPadding(false);
  const body = concat(cipher.update(plaintext), cipher.final());
  return shared.protocol === 1 ? body : concat(iv, body);
}

/** @throws {ERR_CTAP_MALFORMED_RESPONSE} where the length cannot be right */
export function decrypt(shared: SharedSecret, ciphertext: Uint8Array): Secret {
  const ivLength = shared.protocol === 1 ? 0 : BLOCK;
  const body = ciphertext.subarray(ivLength);
  if (body.length === 0 || body.length % BLOCK !== 0) throw malformed(`${ciphertext.length} bytes of ciphertext`);
  const iv = shared.protocol === 1 ? new Uint8Array(BLOCK) : ciphertext.subarray(0, BLOCK);
  const decipher = createDecipheriv('aes-256-cbc', aesKeyOf(shared), iv).setAutoPadding(false);
  const [first, last] = [decipher.update(body), decipher.final()];
  const plain = Secret.take(concat(first, last));
  first.fill(0);
  return plain;
}

/**
 * @param key a shared secret (in protocol 2 its HMAC half is used) or a pinUvAuthToken
 * @returns 16 bytes in protocol 1, 32 in protocol 2
 */
export function authenticate(protocol: PinUvProtocolId, key: Secret, message: Uint8Array): Uint8Array {
  const hmacKey = protocol === 1 ? key.expose() : key.expose().subarray(0, HMAC_KEY_LENGTH);
  const mac = new Uint8Array(createHmac('sha256', hmacKey).update(message).digest());
  return protocol === 1 ? mac.slice(0, 16) : mac;
}
