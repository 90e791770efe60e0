/**
 * PIN/UV auth protocols one and two as the authenticator runs them (CTAP 2.1 §6.5.6 and §6.5.7): decapsulate, encrypt,
 * decrypt, verify. Written from the text of the specification and shared with no client.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { concat } from '../../drivers/base/bytes.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import { COSE_ALG } from '../../drivers/fido2/wire/constants.ts';
import { agreementKeyOf, coseKey, ecdhX, keyPairFrom, type P256KeyPair } from './p256.ts';
import type { Params } from './params.ts';
import { refusal } from './refusal.ts';

const BLOCK = 16;
const ZERO_IV = new Uint8Array(BLOCK);

const hmac = (key: Uint8Array, message: Uint8Array): Uint8Array =>
  new Uint8Array(createHmac('sha256', key).update(message).digest());

function aesCbc(direction: 'encrypt' | 'decrypt', key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array {
  const make = direction === 'encrypt' ? createCipheriv : createDecipheriv;
  const cipher = make('aes-256-cbc', key, iv);
  cipher.setAutoPadding(false);
  return concat(cipher.update(data), cipher.final());
}

/** What two numbers of the protocol do differently; the rest is common. */
interface Scheme {
  kdf(z: Uint8Array): Uint8Array;
  encrypt(key: Uint8Array, plaintext: Uint8Array, entropy: Entropy): Uint8Array;
  /** Undefined: the ciphertext cannot be one. */
  decrypt(key: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined;
  authenticate(key: Uint8Array, message: Uint8Array): Uint8Array;
}

const whole = (length: number): boolean => length > 0 && length % BLOCK === 0;

const ONE: Scheme = {
  kdf: (z) => new Uint8Array(createHash('sha256').update(z).digest()),
  encrypt: (key, plaintext) => aesCbc('encrypt', key, ZERO_IV, plaintext),
  decrypt: (key, ciphertext) => (whole(ciphertext.length) ? aesCbc('decrypt', key, ZERO_IV, ciphertext) : undefined),
  authenticate: (key, message) => hmac(key, message).slice(0, 16),
};

const derive = (z: Uint8Array, info: string): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', z, new Uint8Array(32), info, 32));

/** The shared secret is two keys in a row: 32 bytes for HMAC, 32 for AES. */
const TWO: Scheme = {
  kdf: (z) => concat(derive(z, 'CTAP2 HMAC key'), derive(z, 'CTAP2 AES key')),
  encrypt: (key, plaintext, entropy) => {
    const iv = entropy.bytes(BLOCK);
    return concat(iv, aesCbc('encrypt', key.subarray(32), iv, plaintext));
  },
  decrypt: (key, ciphertext) =>
    whole(ciphertext.length - BLOCK)
      ? aesCbc('decrypt', key.subarray(32), ciphertext.subarray(0, BLOCK), ciphertext.subarray(BLOCK))
      : undefined,
  authenticate: (key, message) => hmac(key.subarray(0, 32), message),
};

export class PinUvAuthProtocol {
  readonly number: 1 | 2;
  readonly #scheme: Scheme;
  readonly #entropy: Entropy;
  #pair: P256KeyPair;

  constructor(number: 1 | 2, entropy: Entropy) {
    this.number = number;
    this.#scheme = number === 1 ? ONE : TWO;
    this.#entropy = entropy;
    this.#pair = keyPairFrom(entropy.bytes(48));
  }

  /** A new key agreement key: at power-up and after every wrong PIN (§6.5.5.4). */
  regenerate(): void {
    this.#pair = keyPairFrom(this.#entropy.bytes(48));
  }

  /** getPublicKey: the COSE_Key for the platform. */
  publicKey(): ReturnType<typeof coseKey> {
    return coseKey(this.#pair, COSE_ALG.ECDH_ES_HKDF_256);
  }

  /** decapsulate: the shared secret with the platform's COSE_Key. @throws {CtapRefusal} CTAP1_ERR_INVALID_PARAMETER */
  decapsulate(platformKey: Params): Uint8Array {
    const z = ecdhX(this.#pair, agreementKeyOf(platformKey));
    const shared = this.#scheme.kdf(z);
    z.fill(0);
    return shared;
  }

  encrypt(shared: Uint8Array, plaintext: Uint8Array): Uint8Array {
    return this.#scheme.encrypt(shared, plaintext, this.#entropy);
  }

  decrypt(shared: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
    return this.#scheme.decrypt(shared, ciphertext);
  }

  /** verify. `key` is a shared secret or a pinUvAuthToken. @throws {CtapRefusal} CTAP2_ERR_PIN_AUTH_INVALID */
  verify(key: Uint8Array, message: Uint8Array, signature: Uint8Array): void {
    const expected = this.#scheme.authenticate(key, message);
    if (expected.length !== signature.length || !timingSafeEqual(expected, signature)) {
      throw refusal('CTAP2_ERR_PIN_AUTH_INVALID');
    }
  }
}
