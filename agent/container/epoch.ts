/**
 * Where a container stands between its state file and its counter: in step; behind, so that a change has to be finished
 * (without any factor); or in need of recovery. Run at start-up and before every unlock.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import { bumpCounter, readCounter } from './counter.ts';
import { counterOf, policyOf, toSignature } from './plan.ts';
import type { RootSession } from './root.ts';
import type { ContainerState } from './state.ts';

/**
 * @returns true when the counter had to be moved: a change was finished just now
 * @throws {ERR_EPOCH_AHEAD} the file is an old copy {ERR_EPOCH_LOST} the counter is gone or another one
 */
export async function settleEpoch(root: RootSession, state: ContainerState): Promise<boolean> {
  const { n, bump } = policyOf(state);
  const counter = counterOf(state);
  const value = await readCounter(root, counter);
  if (value > n) {
    throw new UnlockdError('ERR_EPOCH_AHEAD', `the state file is of epoch ${n}, the TPM is at ${value}`, {
      detail: { file: n, tpm: value },
    });
  }
  if (value === n) return false;
  await bumpCounter(root, counter, n, toSignature(bump));
  return true;
}
