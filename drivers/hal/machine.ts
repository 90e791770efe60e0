/** What a host offers to the drivers. A part that the host does not have is null: absent hardware is a value. */
import type { BiometricHal } from './biometric.ts';
import type { BluetoothHal } from './bluetooth.ts';
import type { HidHal } from './hid.ts';
import type { IpHal, WifiHal } from './network.ts';
import type { TpmHal } from './tpm.ts';

/** The parts of a host that see what lies around the machine, and who stands before it. */
export interface Senses {
  readonly bluetooth: BluetoothHal | null;
  readonly wifi: WifiHal | null;
  readonly ip: IpHal | null;
  readonly biometric: BiometricHal | null;
}

export interface Machine {
  /** How the host names itself in status and reports, e.g. `linux` or `mock`. */
  readonly name: string;
  /** True when the devices come from `hal-mocks`. Emulated devices behind real drivers are not simulated. */
  readonly simulated: boolean;
  readonly hid: HidHal | null;
  readonly tpm: TpmHal | null;
}
