/**
 * What stands between the daemon of a lane in one process and its devices, where a run is recorded or replayed. Each wraps the
 * real seam; where everything is played there is none, and no device of the lane is started.
 */
import type { Entropy } from '../../drivers/base/entropy.ts';
import type { HidHal } from '../../drivers/hal/hid.ts';
import type { OperatorHal } from '../../drivers/hal/operator.ts';
import type { TpmHal } from '../../drivers/hal/tpm.ts';

/** Who draws random bytes in a run. */
export type Drawing = 'daemon' | 'tpm' | 'keys' | 'person';

export interface LaneSeams {
  readonly isPlayed: boolean;
  entropy(of: Drawing): Entropy;
  tpm(hal: TpmHal): TpmHal;
  hid(hal: HidHal): HidHal;
  operator(hal: OperatorHal): OperatorHal;
}

/** Nothing in between. */
export const noSeams = (entropy: Entropy): LaneSeams => ({
  isPlayed: false,
  entropy: () => entropy,
  tpm: (hal) => hal,
  hid: (hal) => hal,
  operator: (hal) => hal,
});
