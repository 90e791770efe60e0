/**
 * What a policy authority elsewhere remembers: for each container and reference the highest number that it has signed,
 * and for what. The device's own word about its counter is not enough: whoever holds the device's files can have the same
 * number asked for twice, with another policy.
 */
import { bytesEqual, toHex } from '../../../drivers/base/bytes.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';

/** The last policy that was signed for one container and reference. */
export interface SignedPolicy {
  readonly n: number;
  /** SHA-256(approvedPolicy ‖ policyRef), 32 bytes. */
  readonly hash: Uint8Array;
}

/** Kept by the program that has the key; one program at a time. */
export interface SignerMemory {
  /** @param container hexadecimal @param reference policyRef, hexadecimal @returns null: nothing was signed yet */
  last(container: string, reference: string): Promise<SignedPolicy | null>;
  /** Returns when it would be remembered after a power cut. */
  keep(container: string, reference: string, signed: SignedPolicy): Promise<void>;
}

const refuse = (reason: string): UnlockdError =>
  new UnlockdError('ERR_AUTHORITY_REFUSED', `the policy authority refuses to sign: ${reason}`, {
    detail: { field: 'closing' },
  });

/** What is about to be signed for one reference. */
export interface ToRemember {
  readonly policyRef: Uint8Array;
  readonly signed: SignedPolicy;
}

/**
 * To be called before anything is signed: afterwards the number is taken for these policies. The same ones may be signed
 * again, since their answer may have been lost on the way.
 * @throws {ERR_AUTHORITY_REFUSED} a later number was signed before for one of them, or this one for another policy; nothing
 *   is remembered
 */
export async function rememberAll(
  memory: SignerMemory,
  containerId: Uint8Array,
  policies: readonly ToRemember[],
): Promise<void> {
  const container = toHex(containerId);
  const fresh: { readonly reference: string; readonly signed: SignedPolicy }[] = [];
  for (const { policyRef, signed } of policies) {
    const reference = toHex(policyRef);
    const last = await memory.last(container, reference);
    if (last !== null && signed.n < last.n) throw refuse(`${signed.n} was asked for, and ${last.n} was signed before`);
    if (last !== null && signed.n === last.n) {
      if (!bytesEqual(signed.hash, last.hash)) throw refuse(`${signed.n} was signed before, for another policy`);
      continue;
    }
    fresh.push({ reference, signed });
  }
  for (const { reference, signed } of fresh) await memory.keep(container, reference, signed);
}
