/**
 * authenticatorLargeBlobs (CTAP 2.1 §6.10): one array for all credentials, each element encrypted under the large-blob key
 * of its credential. Elements of others are kept as they came, also where they are no elements at all.
 */
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { bytesEqual, concat, fromHex, utf8 } from '../base/bytes.ts';
import type { Entropy } from '../base/entropy.ts';
import { UnlockdError } from '../base/errors.ts';
import type { Authenticator, CallOptions } from './authenticator.ts';
import type { PinUvAuthToken } from './client-pin.ts';
import { asBytes, malformed, member } from './fields.ts';
import type { AuthenticatorInfo } from './get-info.ts';
import { unsupported } from './managed-call.ts';
import { authenticate } from './pin-uv-protocol.ts';
import { type CborMap, type CborValue, decodeLenient, encodeCanonical } from './wire/cbor.ts';
import { LARGE_BLOB_ELEMENT, LARGE_BLOB_OVERHEAD, LARGE_BLOBS, LARGE_BLOBS_RESPONSE } from './wire/constants.ts';

const DIGEST = 16;
const NONCE = 12;
const TAG = 16;
/** §6.10.2: in front of the offset and the digest of a fragment. */
const PREFIX = concat(new Uint8Array(32).fill(0xff), fromHex('0c00'));
/** What a key that does not say may store (§6.4); and more than any key has. */
const DEFAULT_CAPACITY = 1024;
const MAX_ARRAY = 1024 * 1024;
/** A blob that claims to be larger is a bomb. */
const MAX_BLOB = 1024 * 1024;
const ELEMENT_DEPTH = 4;

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

/** @throws {ERR_CTAP_UNSUPPORTED} */
function requireLargeBlobs({ options }: AuthenticatorInfo): void {
  if (options.get('largeBlobs') !== true) throw unsupported('stores no large blobs');
}

const fragmentSize = (authenticator: Authenticator): number =>
  Math.max(1, authenticator.maxMsgSize - LARGE_BLOB_OVERHEAD);

/**
 * Reads the array. One that was never written, or whose digest is wrong, is an empty one (§6.10.4).
 * @throws {ERR_CTAP_UNSUPPORTED | ERR_CTAP_MALFORMED_RESPONSE}
 */
export async function readLargeBlobArray(
  authenticator: Authenticator,
  info: AuthenticatorInfo,
  options: CallOptions,
): Promise<readonly CborValue[]> {
  requireLargeBlobs(info);
  const size = fragmentSize(authenticator);
  const fragments: Uint8Array[] = [];
  for (let offset = 0, last = size; last === size; offset += last) {
    if (offset > MAX_ARRAY) throw malformed('a large-blob array without end');
    const request = new Map<number, CborValue>([
      [LARGE_BLOBS.get, size],
      [LARGE_BLOBS.offset, offset],
    ]);
    const response = await authenticator.call('authenticatorLargeBlobs', request, options);
    const fragment = member(response, LARGE_BLOBS_RESPONSE.config, asBytes, 'config');
    if (fragment.length > size) throw malformed(`a fragment of ${fragment.length} bytes`);
    fragments.push(fragment);
    last = fragment.length;
  }
  const whole = concat(...fragments);
  const body = whole.subarray(0, Math.max(0, whole.length - DIGEST));
  if (!bytesEqual(sha256(body).subarray(0, DIGEST), whole.subarray(body.length))) return [];
  const { value } = decodeLenient(body, { maxDepth: ELEMENT_DEPTH });
  if (!Array.isArray(value)) throw malformed('the large-blob array is none');
  return value;
}

function uint32LittleEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/**
 * Writes the whole array. The key puts it in the place of the old one only when the last fragment has come.
 * @param token with the permission `lbw`; null where the key has neither PIN nor finger
 * @throws {ERR_CTAP_UNSUPPORTED | ERR_CTAP_STORAGE_FULL}
 */
export async function writeLargeBlobArray(
  authenticator: Authenticator,
  info: AuthenticatorInfo,
  elements: readonly CborValue[],
  token: PinUvAuthToken | null,
  options: CallOptions,
): Promise<void> {
  requireLargeBlobs(info);
  const body = encodeCanonical(elements, { maxDepth: ELEMENT_DEPTH });
  const whole = concat(body, sha256(body).subarray(0, DIGEST));
  const capacity = info.maxSerializedLargeBlobArray ?? DEFAULT_CAPACITY;
  if (whole.length > capacity) {
    throw new UnlockdError(
      'ERR_CTAP_STORAGE_FULL',
      `${whole.length} bytes, and the security key has room for ${capacity}`,
      {
        detail: { length: whole.length, capacity },
      },
    );
  }
  const size = fragmentSize(authenticator);
  for (let offset = 0; offset < whole.length; offset += size) {
    const fragment = whole.subarray(offset, offset + size);
    const request = new Map<number, CborValue>([
      [LARGE_BLOBS.set, fragment],
      [LARGE_BLOBS.offset, offset],
    ]);
    if (offset === 0) request.set(LARGE_BLOBS.length, whole.length);
    if (token !== null) {
      const message = concat(PREFIX, uint32LittleEndian(offset), sha256(fragment));
      request.set(LARGE_BLOBS.pinUvAuthParam, authenticate(token.protocol, token.token, message));
      request.set(LARGE_BLOBS.pinUvAuthProtocol, token.protocol);
    }
    await authenticator.call('authenticatorLargeBlobs', request, options);
  }
}

/** §6.10.3: "blob", and the length of what was compressed. */
function associatedData(origSize: number): Uint8Array {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(origSize), true);
  return concat(utf8('blob'), length);
}

/** An element for the array. @param key 32 bytes */
export function sealLargeBlob(key: Uint8Array, blob: Uint8Array, entropy: Entropy): CborMap {
  const nonce = entropy.bytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(associatedData(blob.length));
  const ciphertext = concat(cipher.update(deflateRawSync(blob)), cipher.final(), cipher.getAuthTag());
  return new Map<number, CborValue>([
    [LARGE_BLOB_ELEMENT.ciphertext, ciphertext],
    [LARGE_BLOB_ELEMENT.nonce, nonce],
    [LARGE_BLOB_ELEMENT.origSize, blob.length],
  ]);
}

/** The blob of an element. @returns null: it is of another credential, or no element */
export function openLargeBlob(key: Uint8Array, element: CborValue): Uint8Array | null {
  if (!(element instanceof Map)) return null;
  const [ciphertext, nonce, origSize] = [
    element.get(LARGE_BLOB_ELEMENT.ciphertext),
    element.get(LARGE_BLOB_ELEMENT.nonce),
    element.get(LARGE_BLOB_ELEMENT.origSize),
  ];
  if (!(ciphertext instanceof Uint8Array) || ciphertext.length < TAG) return null;
  if (!(nonce instanceof Uint8Array) || nonce.length !== NONCE) return null;
  if (typeof origSize !== 'number' || origSize < 0 || origSize > MAX_BLOB) return null;
  const end = ciphertext.length - TAG;
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG });
  decipher.setAAD(associatedData(origSize));
  decipher.setAuthTag(ciphertext.subarray(end));
  try {
    const packed = concat(decipher.update(ciphertext.subarray(0, end)), decipher.final());
    const blob = inflateRawSync(packed, { maxOutputLength: Math.max(1, origSize) });
    return blob.length === origSize ? new Uint8Array(blob) : null;
  } catch {
    return null;
  }
}
