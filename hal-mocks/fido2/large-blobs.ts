/**
 * authenticatorLargeBlobs (CTAP 2.1 §6.10): one byte string for everybody, read by whoever asks, written fragment by
 * fragment under a token, and put in place only when its digest is right.
 */
import { bytesEqual, concat, fromHex } from '../../drivers/base/bytes.ts';
import type { CborMap } from '../../drivers/fido2/wire/cbor.ts';
import {
  LARGE_BLOB_OVERHEAD,
  LARGE_BLOBS,
  LARGE_BLOBS_RESPONSE,
  PERMISSION,
} from '../../drivers/fido2/wire/constants.ts';
import { sha256 } from './credential.ts';
import type { Params } from './params.ts';
import { refusal } from './refusal.ts';
import type { CommandContext } from './session.ts';
import { type AuthKeys, requireToken } from './subcommand-auth.ts';

const KEYS: AuthKeys = { param: LARGE_BLOBS.pinUvAuthParam, protocol: LARGE_BLOBS.pinUvAuthProtocol };
/** §6.10.2: 32 bytes of 0xff and the command, in front of the offset and the fragment's digest. */
const PREFIX = concat(new Uint8Array(32).fill(0xff), fromHex('0c00'));
const DIGEST = 16;
/** An empty array and its digest: less can not be. */
const SHORTEST = 1 + DIGEST;

function uint32LittleEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function read(context: CommandContext, params: Params, count: number, offset: number): CborMap {
  if (params.has(LARGE_BLOBS.length) || params.has(KEYS.param) || params.has(KEYS.protocol)) {
    throw refusal('CTAP1_ERR_INVALID_PARAMETER');
  }
  if (count < 0 || count > context.profile.maxMsgSize - LARGE_BLOB_OVERHEAD) throw refusal('CTAP1_ERR_INVALID_LENGTH');
  const { largeBlobs } = context.state;
  if (offset > largeBlobs.length) throw refusal('CTAP1_ERR_INVALID_PARAMETER');
  return new Map([[LARGE_BLOBS_RESPONSE.config, largeBlobs.slice(offset, offset + count)]]);
}

function write(context: CommandContext, params: Params, fragment: Uint8Array, offset: number): null {
  const { profile, session, state } = context;
  if (fragment.length > profile.maxMsgSize - LARGE_BLOB_OVERHEAD) throw refusal('CTAP1_ERR_INVALID_LENGTH');
  const length = params.intOr(LARGE_BLOBS.length);
  if (offset === 0) {
    if (length === undefined) throw refusal('CTAP1_ERR_INVALID_PARAMETER');
    if (length > profile.largeBlobs) throw refusal('CTAP2_ERR_LARGE_BLOB_STORAGE_FULL');
    if (length < SHORTEST) throw refusal('CTAP1_ERR_INVALID_PARAMETER');
    session.largeBlobs = { length, written: new Uint8Array(0) };
  } else if (length !== undefined) throw refusal('CTAP1_ERR_INVALID_PARAMETER');
  const pending = session.largeBlobs;
  if (pending === null || offset !== pending.written.length) throw refusal('CTAP1_ERR_INVALID_SEQ');
  const needsToken = state.pinHash !== null || state.templates.length > 0 || state.alwaysUv;
  if (needsToken || params.has(KEYS.param)) {
    const message = concat(PREFIX, uint32LittleEndian(offset), sha256(fragment));
    requireToken(context, params, KEYS, message, PERMISSION.lbw);
  }
  const whole = concat(pending.written, fragment);
  if (whole.length > pending.length) throw refusal('CTAP1_ERR_INVALID_PARAMETER');
  pending.written = whole;
  if (whole.length < pending.length) return null;
  session.largeBlobs = null;
  const body = whole.subarray(0, whole.length - DIGEST);
  if (!bytesEqual(sha256(body).subarray(0, DIGEST), whole.subarray(whole.length - DIGEST))) {
    throw refusal('CTAP2_ERR_INTEGRITY_FAILURE');
  }
  state.largeBlobs = whole;
  context.save();
  return null;
}

export function largeBlobs(context: CommandContext, params: Params): CborMap | null {
  params.require(LARGE_BLOBS.offset);
  const offset = params.int(LARGE_BLOBS.offset);
  if (offset < 0) throw refusal('CTAP1_ERR_INVALID_PARAMETER');
  const [count, fragment] = [params.intOr(LARGE_BLOBS.get), params.bytesOr(LARGE_BLOBS.set)];
  if ((count === undefined) === (fragment === undefined)) throw refusal('CTAP1_ERR_INVALID_PARAMETER');
  if (fragment !== undefined) return write(context, params, fragment, offset);
  return read(context, params, count ?? 0, offset);
}
