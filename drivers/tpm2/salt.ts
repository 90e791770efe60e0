/**
 * The salt of a session (Part 1 §19.6.13): a secret that only the TPM with the private part of the pinned storage root
 * key can read. ECC: one-pass Diffie-Hellman with a fresh ephemeral key; RSA: OAEP with the label SECRET.
 */
import { constants, createECDH, createPublicKey, type ECDH, publicEncrypt } from 'node:crypto';
import { concat } from '../base/bytes.ts';
import type { Entropy } from '../base/entropy.ts';
import { kdfe } from './kdf.ts';
import { TPM_ECC } from './wire/constants.ts';
import { hashInfo } from './wire/hash.ts';
import { malformed, tpm2b } from './wire/marshal.ts';
import { coordinateSize, type EccPublic, type PublicArea, type RsaPublic } from './wire/public-area.ts';

export interface EncryptedSalt {
  /** The clear salt; the caller zeroes it. */
  readonly salt: Uint8Array<ArrayBuffer>;
  /** The content of TPM2B_ENCRYPTED_SECRET. */
  readonly encrypted: Uint8Array<ArrayBuffer>;
}

function leftPad(bytes: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  if (bytes.length > size) throw malformed('coordinate longer than its curve');
  return concat(new Uint8Array(size - bytes.length), bytes);
}

/** A fresh key pair of a curve of `size` bytes. */
function ephemeral(curve: string, size: number, entropy: Entropy): ECDH {
  const ecdh = createECDH(curve);
  for (;;) {
    const scalar = entropy.bytes(size);
    try {
      ecdh.setPrivateKey(scalar);
      return ecdh;
    } catch {
      // Zero or not below the order of the group: once in 2^32 draws.
    } finally {
      scalar.fill(0);
    }
  }
}

function eccSalt(key: EccPublic, entropy: Entropy): EncryptedSalt {
  const size = coordinateSize(key.curve);
  const ecdh = ephemeral(key.curve === TPM_ECC.NIST_P256 ? 'prime256v1' : 'secp384r1', size, entropy);
  const point = ecdh.getPublicKey();
  const ephemeralX = new Uint8Array(point.subarray(1, 1 + size));
  const ephemeralY = new Uint8Array(point.subarray(1 + size));
  let z: Uint8Array;
  try {
    // OpenSSL refuses points that are not on the curve.
    z = ecdh.computeSecret(concat(Uint8Array.of(4), leftPad(key.x, size), leftPad(key.y, size)));
  } catch {
    throw malformed('the salt key is not a point of its curve');
  }
  const bits = hashInfo(key.nameAlg).size * 8;
  const salt = kdfe(key.nameAlg, leftPad(z, size), 'SECRET', ephemeralX, leftPad(key.x, size), bits);
  z.fill(0);
  return { salt, encrypted: concat(tpm2b(ephemeralX), tpm2b(ephemeralY)) };
}

function rsaSalt(key: RsaPublic, entropy: Entropy): EncryptedSalt {
  const { node, size } = hashInfo(key.nameAlg);
  const salt = entropy.bytes(size);
  const exponent = key.exponent === 0 ? 65537 : key.exponent;
  const exponentBytes = Buffer.from(exponent.toString(16).padStart(8, '0'), 'hex');
  let encrypted: Uint8Array;
  try {
    const publicKey = createPublicKey({
      format: 'jwk',
      key: {
        kty: 'RSA',
        n: Buffer.from(key.modulus).toString('base64url'),
        e: exponentBytes.subarray(exponentBytes.findIndex((byte) => byte !== 0)).toString('base64url'),
      },
    });
    encrypted = publicEncrypt(
      { key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: node, oaepLabel: Buffer.from('SECRET\0') },
      salt,
    );
  } catch {
    throw malformed('the salt key is not a usable RSA key');
  }
  return { salt, encrypted: new Uint8Array(encrypted) };
}

/** @throws {ERR_TPM_MALFORMED_RESPONSE} when `key` cannot encrypt a salt */
export function makeSalt(key: PublicArea, entropy: Entropy): EncryptedSalt {
  if (key.type === 'ecc') return eccSalt(key, entropy);
  if (key.type === 'rsa') return rsaSalt(key, entropy);
  throw malformed('a keyed hash object cannot encrypt a salt');
}
