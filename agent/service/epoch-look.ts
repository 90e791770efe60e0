/**
 * Whether a state file that is in its place now belongs to where its epoch counter stands. Asked at a status, so that an
 * old file is told before somebody has typed a PIN for nothing; the TPM is asked once for each state that is found.
 */
import { toHex } from '../../drivers/base/bytes.ts';
import { isUnlockdError } from '../../drivers/base/errors.ts';
import { readCounter } from '../container/counter.ts';
import { epochAhead } from '../container/epoch.ts';
import { counterOf, requireFactors } from '../container/plan.ts';
import type { ContainerState, MachineState } from '../container/state.ts';
import type { ServiceParts } from './parts.ts';
import { needsRecovery } from './startup.ts';

/** What the counter is compared with; null: no policy is in force yet. */
const keyOf = ({ containerId, policy }: ContainerState): string | null =>
  policy === null ? null : `${toHex(containerId)} ${policy.n}`;

export class EpochLook {
  readonly #parts: ServiceParts;
  /** By uid: the container and the number that the TPM was asked about last. */
  readonly #seen = new Map<number, string>();

  constructor(parts: ServiceParts) {
    this.#parts = parts;
  }

  /**
   * Brings `parts.unsettled` up to date for one container. A TPM that cannot be asked leaves it as it is, and so does a
   * counter that is behind: the next unlock ends that change.
   */
  async look(machine: MachineState, state: ContainerState, signal: AbortSignal): Promise<void> {
    const { uid } = state;
    const found = keyOf(state);
    if (found === null || this.#seen.get(uid) === found) return;
    const { tpm, unsettled, store } = this.#parts;
    try {
      const isDone = await tpm.withRoot(signal, machine, async (root) => {
        // Read again while the TPM is ours: a change that was under way before has moved both, the file and the counter.
        const now = await store.readContainer(uid);
        if (now === null || now.policy === null || keyOf(now) !== found) return false;
        requireFactors(now);
        const value = await readCounter(root, counterOf(now));
        if (value > now.policy.n) throw epochAhead(now.policy.n, value);
        return value === now.policy.n;
      });
      if (!isDone) return;
      unsettled.delete(uid);
    } catch (error) {
      if (!isUnlockdError(error)) throw error;
      if (!needsRecovery(error)) return;
      unsettled.set(uid, error);
    }
    this.#seen.set(uid, found);
  }
}
