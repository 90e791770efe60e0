/**
 * The epoch counter of a container: an NV counter that moves only as far as the authority has signed. Its value says
 * which policies are still good; a state file that is older than it opens nothing.
 */
import { bytesEqual } from '../../drivers/base/bytes.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import {
  counterPublic,
  emptyAuth,
  encodeNvPublic,
  getHandles,
  getProperties,
  isTpmResponse,
  type NvIndex,
  type NvPublic,
  nvDefineSpace,
  nvIncrement,
  nvIndex,
  nvRead,
  nvReadPublic,
  nvUndefineSpace,
  type PublicArea,
  policyAuthorizeDigest,
  policyNv,
  policyNvWritten,
  type Signature,
  sessionAuth,
  startAuthSession,
  TPM_EO,
  TPM_PT,
  type Tpm,
} from '../../drivers/tpm2/index.ts';
import { authorizePolicy } from './approval.ts';
import { COUNTER_RANGE, firstWriteDigest } from './authority/statement.ts';
import { bumpDigest, epochOperand } from './compile/compile.ts';
import { epochReference } from './references.ts';
import type { RootSession } from './root.ts';

const TPM_RC_HANDLE_1 = 0x18b;
const TPM_RC_NV_UNINITIALIZED = 0x14a;
const TPM_RC_NV_SPACE = 0x14b;

/** A counter as its container knows it. */
export interface CounterIdentity {
  readonly index: number;
  readonly containerId: Uint8Array;
  readonly authority: PublicArea;
  readonly authorityName: Uint8Array;
}

const authPolicyOf = (counter: CounterIdentity): Uint8Array =>
  policyAuthorizeDigest(counter.authorityName, epochReference(counter.containerId));

const publicOf = (counter: CounterIdentity, written: boolean): NvPublic =>
  counterPublic(counter.index, authPolicyOf(counter), written);

/** The counter as policies name it: written. */
export const writtenCounter = (counter: CounterIdentity): NvIndex => nvIndex(publicOf(counter, true));

/** TPMS_NV_PUBLIC of the written counter, for statements. */
export const counterPublicArea = (counter: CounterIdentity): Uint8Array => encodeNvPublic(publicOf(counter, true));

const lost = (reason: string, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_EPOCH_LOST', `the epoch counter is lost: ${reason}`, { cause });

/**
 * The value of the counter, read under the salted session.
 * @throws {ERR_EPOCH_LOST} undefined, redefined otherwise, or never written
 */
export async function readCounter(root: RootSession, counter: CounterIdentity): Promise<number> {
  const wanted = publicOf(counter, true);
  try {
    const found = await nvReadPublic(root.tpm, counter.index);
    if (bytesEqual(encodeNvPublic(found), encodeNvPublic(publicOf(counter, false)))) throw lost('it was made anew');
    if (!bytesEqual(encodeNvPublic(found), encodeNvPublic(wanted))) throw lost('another index stands in its place');
    const value = await nvRead(root.tpm, nvIndex(wanted), 8, sessionAuth(root.session));
    return epochFrom(value);
  } catch (error) {
    if (isTpmResponse(error, TPM_RC_HANDLE_1)) throw lost('the index is not defined', error);
    if (isTpmResponse(error, TPM_RC_NV_UNINITIALIZED)) throw lost('it was never written', error);
    throw error;
  }
}

function epochFrom(value: Uint8Array): number {
  if (value.length !== 8) throw lost('its value is not eight bytes');
  const epoch = new DataView(value.buffer, value.byteOffset).getBigUint64(0);
  if (epoch > BigInt(Number.MAX_SAFE_INTEGER)) throw lost('its value is beyond every number that can be signed');
  return Number(epoch);
}

/** An index of the owner's range that is free now, chosen at random so that two programs do not race for the first one. */
export async function freeCounterIndex(tpm: Tpm, entropy: Entropy): Promise<number> {
  const available = (await getProperties(tpm, TPM_PT.NV_COUNTERS_AVAIL, 1)).get(TPM_PT.NV_COUNTERS_AVAIL);
  if (available === 0) throw new UnlockdError('ERR_TPM_NO_COUNTER_LEFT', 'the TPM has no NV counter left');
  const taken = new Set(await getHandles(tpm, COUNTER_RANGE.first, 256));
  const span = COUNTER_RANGE.last - COUNTER_RANGE.first + 1;
  for (let attempt = 0; attempt < 64; attempt++) {
    const random = new DataView(entropy.bytes(4).buffer).getUint32(0) % span;
    if (!taken.has(COUNTER_RANGE.first + random)) return COUNTER_RANGE.first + random;
  }
  throw new UnlockdError('ERR_TPM_NO_COUNTER_LEFT', 'no free NV index was found for a counter');
}

/** @throws {ERR_TPM_NO_COUNTER_LEFT | ERR_TPM_OWNER_AUTH_SET} */
export async function defineCounter(root: RootSession, counter: CounterIdentity): Promise<void> {
  try {
    await nvDefineSpace(root.tpm, publicOf(counter, false));
  } catch (error) {
    if (isTpmResponse(error, TPM_RC_NV_SPACE)) {
      throw new UnlockdError('ERR_TPM_NO_COUNTER_LEFT', 'the TPM has no space for another counter', { cause: error });
    }
    throw ownerAuthError(error);
  }
}

/** A refusal of empty ownerAuth, in the product's words. */
export function ownerAuthError(error: unknown): unknown {
  if (!isTpmResponse(error, 0x9a2, 0x98e)) return error;
  return new UnlockdError('ERR_TPM_OWNER_AUTH_SET', 'the owner hierarchy of the TPM has a password', { cause: error });
}

/**
 * Frees the index; one that is not there, or is not this container's, is left alone.
 * @throws {ERR_TPM_OWNER_AUTH_SET}
 */
export async function undefineCounter(tpm: Tpm, counter: CounterIdentity): Promise<void> {
  try {
    const found = await nvReadPublic(tpm, counter.index);
    if (!bytesEqual(found.authPolicy, authPolicyOf(counter))) return;
    await nvUndefineSpace(tpm, nvIndex(found));
  } catch (error) {
    if (!isTpmResponse(error, TPM_RC_HANDLE_1)) throw ownerAuthError(error);
  }
}

/** The first increment, which makes the counter readable, by the authority's once-given approval. */
export async function firstWrite(root: RootSession, counter: CounterIdentity, signature: Signature): Promise<void> {
  const { tpm, session } = root;
  await using policy = await startAuthSession(tpm, { kind: 'policy', sessions: [{ session, flags: { audit: true } }] });
  await policyNvWritten(tpm, policy, false);
  const policyRef = epochReference(counter.containerId);
  await authorizePolicy(tpm, policy, counter.authority, { digest: firstWriteDigest(), policyRef, signature });
  await nvIncrement(tpm, nvIndex(publicOf(counter, false)), sessionAuth(policy));
}

/**
 * Moves the counter to `n` with the bump statement, without any factor. Safe to repeat: a counter that is there already
 * is left alone, and the TPM refuses to move it further.
 * @returns the value, which is `n`, or more if it was ahead before
 */
export async function bumpCounter(
  root: RootSession,
  counter: CounterIdentity,
  n: number,
  signature: Signature,
): Promise<number> {
  const { tpm, session } = root;
  const index = writtenCounter(counter);
  const digest = bumpDigest(index.name, n);
  const policyRef = epochReference(counter.containerId);
  let value = await readCounter(root, counter);
  while (value < n) {
    await using policy = await startAuthSession(tpm, {
      kind: 'policy',
      sessions: [{ session, flags: { audit: true } }],
    });
    await policyNv(tpm, policy, index, emptyAuth, epochOperand(n), TPM_EO.UNSIGNED_LT);
    await authorizePolicy(tpm, policy, counter.authority, { digest, policyRef, signature });
    await nvIncrement(tpm, index, sessionAuth(policy));
    const next = await readCounter(root, counter);
    if (next <= value) throw lost('it does not move');
    value = next;
  }
  return value;
}
