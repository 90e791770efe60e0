import { describe, expect, it } from 'vitest';
import { fromHex, toHex, utf8 } from '../../../drivers/base/bytes.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import { paddedPin, pinHash } from '../../../drivers/fido2/pin.ts';
import {
  authenticate,
  choosePinUvProtocol,
  decrypt,
  encapsulate,
  encrypt,
  platformKey,
} from '../../../drivers/fido2/pin-uv-protocol.ts';
import type { CborMap } from '../../../drivers/fido2/wire/cbor.ts';

/**
 * Made with python-cryptography from the private keys 0x11…11 (platform) and 0x22…22 (authenticator), the IV 0x33…33 and
 * the plaintext 00…1f; the values agree with PinProtocolV1 and PinProtocolV2 of python-fido2 0.9.1.
 */
const VECTOR = {
  authenticator: {
    x: 'd65a93977caa3d1b081852ff57a79e465f1660577304baead505dd3a48589cf3',
    y: '50185e895372df6221ea3a137557e473fddb6755f05bd507c3c533fce9c91285',
  },
  platform: {
    x: '0217e617f0b6443928278f96999e69a23a4f2c152bdf6d6cdf66e5b80282d4ed',
    y: '194a7debcb97712d2dda3ca85aa8765a56f45fc758599652f2897c65306e5794',
  },
  1: {
    secret: '98f5bf15dbc72627acd9a8ab61ce21349ea3496d79136adf08ad381cc9c0fa25',
    ciphertext: '3a6fce1f2c0517ade8dc3b3f9f6dbb4b735732c052d19aafbcf85f336946cd07',
    mac: '70639a4c02bdc71241058b44c66bf279',
  },
  2: {
    secret:
      'abc3809533cb07b6ae481ea05b28ac708ffed9777147a09aabc8ab58e167ba0eaecad75245932defecf4cd0d93420fcd05d99403d09a49655fed76fa64c2cf82',
    ciphertext: '33333333333333333333333333333333be29218dbeb9b03d6fd060dd9fc47f5c96831ef6f66695d9fecb56aae6ea37a2',
    mac: '9f50ad9d8192f9ca9c90184c9193187fa4b1e93fe79bde2c9b63ae63b9395e3e',
  },
} as const;
const PLAINTEXT = Uint8Array.from({ length: 32 }, (_, i) => i);

/** The draws of the vector; zero is no private key and has to be drawn again. */
const entropy = { bytes: (count: number) => new Uint8Array(count).fill(count === 32 ? 0x11 : 0x33) };
const coseKey = (x: string, y: string, members: readonly (readonly [number, number])[] = []): CborMap =>
  new Map<number, number | Uint8Array>([[1, 2], [3, -25], [-1, 1], [-2, fromHex(x)], [-3, fromHex(y)], ...members]);
const AUTHENTICATOR = coseKey(VECTOR.authenticator.x, VECTOR.authenticator.y);

describe.each([1, 2] as const)('PIN/UV auth protocol %d', (protocol) => {
  it('agrees, encrypts, authenticates and decrypts as the vector says', () => {
    using shared = encapsulate(protocol, AUTHENTICATOR, platformKey(entropy));
    expect(shared.keyAgreement).toEqual(coseKey(VECTOR.platform.x, VECTOR.platform.y));
    expect(toHex(shared.secret.expose())).toBe(VECTOR[protocol].secret);
    const ciphertext = encrypt(shared, PLAINTEXT, entropy);
    expect(toHex(ciphertext)).toBe(VECTOR[protocol].ciphertext);
    expect(toHex(authenticate(protocol, shared.secret, ciphertext))).toBe(VECTOR[protocol].mac);
    using plain = decrypt(shared, ciphertext);
    expect(plain.expose()).toEqual(PLAINTEXT);
  });

  it.each([0, 15, 16, 17, 31].filter((length) => protocol === 2 || length % 16 !== 0 || length === 0))(
    'refuses a ciphertext of %d bytes',
    (length) => {
      using shared = encapsulate(protocol, AUTHENTICATOR, platformKey(entropy));
      expect(() => decrypt(shared, new Uint8Array(length))).toThrow(
        expect.objectContaining({ code: 'ERR_CTAP_MALFORMED_RESPONSE' }),
      );
    },
  );
});

describe('key agreement', () => {
  it.each([
    ['a point that is not on the curve', coseKey(VECTOR.authenticator.x, VECTOR.authenticator.x)],
    ['short coordinates', coseKey('01', '02')],
    ['another key type', coseKey(VECTOR.authenticator.x, VECTOR.authenticator.y, [[1, 1]])],
    ['another curve', coseKey(VECTOR.authenticator.x, VECTOR.authenticator.y, [[-1, 2]])],
    ['an empty map', new Map()],
  ])('refuses %s', (_, peer) => {
    expect(() => encapsulate(2, peer, platformKey(entropy))).toThrow(
      expect.objectContaining({ code: 'ERR_CTAP_MALFORMED_RESPONSE' }),
    );
  });

  it('draws again where a draw is no private key', () => {
    const draws = [new Uint8Array(32), new Uint8Array(32).fill(0xff), new Uint8Array(32).fill(0x11)];
    using shared = encapsulate(1, AUTHENTICATOR, platformKey({ bytes: () => draws.shift() ?? new Uint8Array(0) }));
    expect(toHex(shared.secret.expose())).toBe(VECTOR[1].secret);
  });

  it('prefers protocol 2 whatever the key prefers, and says when there is none', () => {
    expect([choosePinUvProtocol([1, 2]), choosePinUvProtocol([1]), choosePinUvProtocol([7])]).toEqual([2, 1, null]);
  });
});

describe('the PIN of a key', () => {
  const secret = (text: string) => Secret.take(utf8(text));

  it('is hashed in Normalization Form C', () => {
    const [composed, decomposed] = ['caf\u00e9', 'cafe\u0301'].map((text) => pinHash(secret(text)));
    expect(composed?.expose()).toEqual(decomposed?.expose());
    expect(toHex(pinHash(secret('1234')).expose())).toBe('03ac674216f3e15c761ee1a5e255f067');
  });

  it('is padded to 64 bytes', () => {
    expect(toHex(paddedPin(secret('1234'), 4).expose())).toBe(`31323334${'00'.repeat(60)}`);
  });

  it.each([
    ['three characters', '123', 4],
    ['fewer than the key wants', '12345', 6],
    ['fewer code points than bytes', '\u{1f511}\u{1f511}\u{1f511}', 4],
    ['64 bytes', 'x'.repeat(64), 4],
    ['a zero at the end', '1234\0', 4],
  ])('is refused with %s', (_, pin, minLength) => {
    expect(() => paddedPin(secret(pin), minLength)).toThrow(expect.objectContaining({ code: 'ERR_CTAP_PIN_POLICY' }));
  });

  it('is refused where it is not UTF-8', () => {
    expect(() => pinHash(Secret.take(Uint8Array.of(0xff, 0xfe)))).toThrow(
      expect.objectContaining({ code: 'ERR_CTAP_PIN_POLICY' }),
    );
  });
});
