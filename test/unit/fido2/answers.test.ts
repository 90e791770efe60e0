import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { concat, u16, u32 } from '../../../drivers/base/bytes.ts';
import { verifyAttestation } from '../../../drivers/fido2/attestation.ts';
import { checkAuthenticatorData, hashRpId, parseAuthenticatorData } from '../../../drivers/fido2/auth-data.ts';
import { parseCoseKey, readCoseKey, verifySignature } from '../../../drivers/fido2/cose-key.ts';
import { parseInfo } from '../../../drivers/fido2/get-info.ts';
import { allowLists } from '../../../drivers/fido2/held-credential.ts';
import { statusError } from '../../../drivers/fido2/status.ts';
import { type CborMap, type CborValue, encodeCanonical } from '../../../drivers/fido2/wire/cbor.ts';
import { COSE_ALG } from '../../../drivers/fido2/wire/constants.ts';

const malformed = expect.objectContaining({ code: 'ERR_CTAP_MALFORMED_RESPONSE' });
const bytes = (base64url: string | undefined) => new Uint8Array(Buffer.from(base64url ?? '', 'base64url'));

function coseOf(key: KeyObject): CborMap {
  const jwk = key.export({ format: 'jwk' });
  if (jwk.kty === 'EC')
    return new Map<number, CborValue>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, bytes(jwk.x)],
      [-3, bytes(jwk.y)],
    ]);
  if (jwk.kty === 'OKP')
    return new Map<number, CborValue>([
      [1, 1],
      [3, -8],
      [-1, 6],
      [-2, bytes(jwk.x)],
    ]);
  return new Map<number, CborValue>([
    [1, 3],
    [3, -257],
    [-1, bytes(jwk.n)],
    [-2, bytes(jwk.e)],
  ]);
}

const PAIRS = [
  ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' }), 'sha256'],
  ['EdDSA', generateKeyPairSync('ed25519'), null],
  ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048 }), 'sha256'],
] as const;

describe('a COSE public key', () => {
  const data = new Uint8Array(100).fill(3);

  it.each(PAIRS)('of %s verifies its own signature and nothing else', (_, { publicKey, privateKey }, digest) => {
    const key = parseCoseKey(encodeCanonical(coseOf(publicKey)));
    const signature = sign(digest, data, privateKey);
    expect(verifySignature(key, data, signature)).toBe(true);
    expect(verifySignature(key, data.with(0, 4), signature)).toBe(false);
    expect(verifySignature(key, data, signature.subarray(1))).toBe(false);
    expect(verifySignature(key, data, new Uint8Array(0))).toBe(false);
    for (const algorithm of Object.values(COSE_ALG).filter((other) => other !== key.algorithm)) {
      expect(verifySignature({ ...key, algorithm }, data, signature)).toBe(false);
    }
  });

  const ec = coseOf(PAIRS[0][1].publicKey);
  const rsa = coseOf(PAIRS[2][1].publicKey);
  it.each<[string, CborMap, string]>([
    ['without a key type', new Map([...ec].filter(([label]) => label !== 1)), 'ERR_CTAP_MALFORMED_RESPONSE'],
    ['of another curve', new Map([...ec, [-1, 2]]), 'ERR_CTAP_MALFORMED_RESPONSE'],
    [
      'with a short coordinate',
      new Map<number | string, CborValue>([...ec, [-2, new Uint8Array(31)]]),
      'ERR_CTAP_MALFORMED_RESPONSE',
    ],
    [
      'off its curve',
      new Map<number | string, CborValue>([...ec, [-2, new Uint8Array(32)]]),
      'ERR_CTAP_MALFORMED_RESPONSE',
    ],
    ['of an algorithm nobody asked for', new Map([...ec, [3, -47]]), 'ERR_CTAP_UNSUPPORTED'],
    [
      'of RSA with a short modulus',
      new Map<number | string, CborValue>([...rsa, [-1, new Uint8Array(64)]]),
      'ERR_CTAP_MALFORMED_RESPONSE',
    ],
    [
      'of RSA with a modulus of a megabit',
      new Map<number | string, CborValue>([...rsa, [-1, new Uint8Array(131072)]]),
      'ERR_CTAP_MALFORMED_RESPONSE',
    ],
    [
      'of RSA with a long exponent',
      new Map<number | string, CborValue>([...rsa, [-2, new Uint8Array(5).fill(1)]]),
      'ERR_CTAP_MALFORMED_RESPONSE',
    ],
  ])('%s is refused', (_, map, code) => {
    expect(() => readCoseKey(map)).toThrow(expect.objectContaining({ code }));
  });
});

/** Authenticator data as an authenticator would make it. */
function authData(
  flags: number,
  options: { id?: Uint8Array; extensions?: CborMap; tail?: Uint8Array } = {},
): Uint8Array {
  const { id = Uint8Array.of(7, 7), extensions, tail = new Uint8Array(0) } = options;
  const attested = concat(
    new Uint8Array(16).fill(1),
    u16(id.length),
    id,
    encodeCanonical(coseOf(PAIRS[0][1].publicKey)),
  );
  return concat(
    hashRpId('unlockd'),
    Uint8Array.of(flags),
    u32(5),
    (flags & 0x40) === 0 ? new Uint8Array(0) : attested,
    extensions === undefined ? new Uint8Array(0) : encodeCanonical(extensions),
    tail,
  );
}

describe('authenticator data', () => {
  it('is read with credential and extensions', () => {
    const data = parseAuthenticatorData(authData(0xc5, { extensions: new Map([['hmac-secret', true]]) }));
    expect(data).toMatchObject({ userPresent: true, userVerified: true, signCount: 5 });
    expect(data.attested?.credentialId).toEqual(Uint8Array.of(7, 7));
    expect(data.extensions).toEqual(new Map([['hmac-secret', true]]));
  });

  it.each([
    ['cut short', authData(0x01).subarray(0, 36)],
    ['followed by bytes that no flag announces', authData(0x01, { tail: Uint8Array.of(0xa0) })],
    ['without the credential it announces', authData(0x01).with(32, 0x41)],
    ['with an empty credential id', authData(0x41, { id: new Uint8Array(0) })],
    ['with a credential id of 1024 bytes', authData(0x41, { id: new Uint8Array(1024) })],
  ])('%s is refused', (_, raw) => {
    expect(() => parseAuthenticatorData(raw)).toThrow(malformed);
  });

  it.each([
    ['another relying party', 0x05, 'other', true, true],
    ['no user present', 0x04, 'unlockd', true, true],
    ['no user verified', 0x01, 'unlockd', true, true],
  ])('with %s does not pass', (_, flags, rpId, userPresent, userVerified) => {
    const data = parseAuthenticatorData(authData(flags));
    expect(() => checkAuthenticatorData(data, { rpId, userPresent, userVerified })).toThrow(
      expect.objectContaining({ code: 'ERR_CTAP_VERIFICATION' }),
    );
  });
});

describe('an attestation statement', () => {
  const [, { publicKey, privateKey }] = PAIRS[0];
  const data = parseAuthenticatorData(authData(0x41));
  const hash = new Uint8Array(32).fill(9);
  const credential = readCoseKey(coseOf(publicKey));
  const statement = (alg: number, sig: Uint8Array, x5c?: CborValue): CborMap =>
    new Map<string, CborValue>([['alg', alg], ['sig', sig], ...(x5c === undefined ? [] : [['x5c', x5c] as const])]);
  const good = new Uint8Array(sign('sha256', concat(data.bytes, hash), privateKey));

  it('of the credential itself is verified', () => {
    expect(verifyAttestation('packed', statement(-7, good), data, credential, hash)).toMatchObject({
      signedBy: 'self',
    });
  });

  it.each([
    ['over something else', statement(-7, new Uint8Array(sign('sha256', hash, privateKey)))],
    ['with another algorithm', statement(-8, good)],
  ])('%s is refused', (_, wrong) => {
    expect(() => verifyAttestation('packed', wrong, data, credential, hash)).toThrow(
      expect.objectContaining({ code: 'ERR_CTAP_VERIFICATION' }),
    );
  });

  it('with a certificate that is none is refused', () => {
    const wrong = statement(-7, good, [Uint8Array.of(1, 2, 3)]);
    expect(() => verifyAttestation('packed', wrong, data, credential, hash)).toThrow(malformed);
  });

  it('of an unknown format is said to be unchecked', () => {
    expect(verifyAttestation('tpm', new Map(), data, credential, hash)).toMatchObject({ signedBy: 'unchecked' });
    expect(verifyAttestation('none', new Map(), data, credential, hash)).toMatchObject({ signedBy: 'nobody' });
  });
});

describe('authenticatorGetInfo', () => {
  const minimal = new Map<number, CborValue>([
    [1, ['FIDO_2_0']],
    [3, new Uint8Array(16)],
  ]);

  it('reads every member and keeps those it does not know', () => {
    const full = new Map<number, CborValue>([
      ...minimal,
      [2, ['hmac-secret']],
      [
        4,
        new Map([
          ['rk', true],
          ['clientPin', false],
        ]),
      ],
      [5, 1200],
      [6, [2, 1]],
      [7, 8],
      [8, 128],
      [9, ['usb']],
      [
        10,
        [
          new Map<string, CborValue>([
            ['alg', -7],
            ['type', 'public-key'],
          ]),
          new Map<string, CborValue>([
            ['alg', -1],
            ['type', 'x'],
          ]),
        ],
      ],
      [11, 2048],
      [12, true],
      [13, 6],
      [14, 328706],
      [15, 32],
      [16, 1],
      [17, 3],
      [18, 2],
      [19, new Map([['FIDO', 1]])],
      [20, 20],
      [21, [1]],
      [99, 'later'],
    ]);
    expect(parseInfo(full)).toEqual({
      versions: ['FIDO_2_0'],
      extensions: ['hmac-secret'],
      aaguid: new Uint8Array(16),
      options: new Map([
        ['rk', true],
        ['clientPin', false],
      ]),
      maxMsgSize: 1200,
      pinUvAuthProtocols: [2, 1],
      maxCredentialCountInList: 8,
      maxCredentialIdLength: 128,
      transports: ['usb'],
      algorithms: [-7],
      maxSerializedLargeBlobArray: 2048,
      forcePinChange: true,
      minPinLength: 6,
      firmwareVersion: 328706,
      maxCredBlobLength: 32,
      maxRpIdsForSetMinPinLength: 1,
      preferredPlatformUvAttempts: 3,
      uvModality: 2,
      certifications: new Map([['FIDO', 1]]),
      remainingDiscoverableCredentials: 20,
      vendorPrototypeConfigCommands: [1],
      unknown: new Map([[99, 'later']]),
    });
  });

  it.each<[string, readonly (readonly [number, CborValue])[]]>([
    ['an aaguid of 15 bytes', [[3, new Uint8Array(15)]]],
    ['versions that are no array', [[1, 'FIDO_2_0']]],
    ['an option that is no boolean', [[4, new Map([['rk', 1]])]]],
    ['a negative size', [[5, -1]]],
    ['an algorithm that is no map', [[10, [1]]]],
  ])('refuses %s', (_, members) => {
    expect(() => parseInfo(new Map([...minimal, ...members]))).toThrow(malformed);
  });
});

describe('a status byte', () => {
  it.each([
    [0x2d, 'ERR_CTAP_CANCELLED', 'CTAP2_ERR_KEEPALIVE_CANCEL'],
    [0x31, 'ERR_CTAP_PIN_WRONG', 'CTAP2_ERR_PIN_INVALID'],
    [0x01, 'ERR_CTAP_STATUS', 'CTAP1_ERR_INVALID_COMMAND'],
    [0xf1, 'ERR_CTAP_STATUS', 'vendor specific 0xf1'],
    [0xe5, 'ERR_CTAP_STATUS', 'extension specific 0xe5'],
    [0x99, 'ERR_CTAP_STATUS', 'unassigned 0x99'],
  ])('%d keeps its number and name', (status, code, name) => {
    expect(statusError(status, 'authenticatorGetInfo')).toMatchObject({ code, detail: { status, name } });
  });
});

describe('a list of credentials', () => {
  const ids = (...lengths: number[]) => lengths.map((length) => new Uint8Array(length));
  const sizes = (lists: Uint8Array[][]) => lists.map((list) => list.map(({ length }) => length));

  it.each([
    [
      'one at a time where the key does not say',
      { count: undefined, idLength: undefined, maxMsgSize: 1024 },
      [[10], [20], [30]],
    ],
    ['by count', { count: 2, idLength: undefined, maxMsgSize: 1024 }, [[10, 20], [30]]],
    ['by size', { count: 9, idLength: undefined, maxMsgSize: 210 }, [[10, 20], [30]]],
    ['without ids that are longer than the key makes', { count: 9, idLength: 20, maxMsgSize: 1024 }, [[10, 20]]],
  ])('is split %s', (_, limits, expected) => {
    expect(sizes(allowLists(ids(10, 20, 30), limits))).toEqual(expected);
  });
});
