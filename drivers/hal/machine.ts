/** What a host offers to the drivers. A part that the host does not have is null: absent hardware is a value. */
import type { HidHal } from './hid.ts';
import type { TpmHal } from './tpm.ts';

export interface Machine {
  /** How the host names itself in status and reports, e.g. `linux` or `mock`. */
  readonly name: string;
  /** True when the devices come from `hal-mocks`. Emulated devices behind real drivers are not simulated. */
  readonly simulated: boolean;
  readonly hid: HidHal | null;
  readonly tpm: TpmHal | null;
}
