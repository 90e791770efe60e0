/**
 * Where a container stands between its state file and its counter: in step; behind, so that a change has to be finished
 * (without any factor); or in need of recovery. Run at start-up and before every unlock.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import { MAX_EPOCH_STEP } from './authority/statement.ts';
import { bumpCounter, readCounter } from './counter.ts';
import { counterOf, policyOf, toSignature } from './plan.ts';
import type { RootSession } from './root.ts';
import type { ContainerState } from './state.ts';

/** The numbers of the file and of the TPM are further apart than changes ever bring them. */
export const epochGap = (n: number, value: number): UnlockdError =>
  new UnlockdError('ERR_EPOCH_GAP', `the number ${n} is too far ahead of the epoch counter, which is at ${value}`, {
    detail: { file: n, tpm: value },
  });

/** The file is an old copy. */
export const epochAhead = (n: number, value: number): UnlockdError =>
  new UnlockdError('ERR_EPOCH_AHEAD', `the state file is of epoch ${n}, the TPM is at ${value}`, {
    detail: { file: n, tpm: value },
  });

/**
 * @param sync makes the state file last through a power cut. The counter is moved only after that: were the old file to
 *   come back afterwards, neither would open.
 * @returns true when the counter had to be moved: a change was finished just now
 * @throws {ERR_EPOCH_AHEAD} the file is an old copy {ERR_EPOCH_LOST} the counter is gone or another one {ERR_EPOCH_GAP}
 * @throws {ERR_STATE_NOT_DURABLE} the counter was left where it is; the container opens all the same
 */
export async function settleEpoch(
  root: RootSession,
  state: ContainerState,
  sync: () => Promise<void>,
): Promise<boolean> {
  const { n, bump } = policyOf(state);
  const counter = counterOf(state);
  const value = await readCounter(root, counter);
  if (value > n) throw epochAhead(n, value);
  if (value === n) return false;
  if (n - value > MAX_EPOCH_STEP) throw epochGap(n, value);
  await sync();
  await bumpCounter(root, counter, n, toSignature(bump));
  return true;
}
