/** A Linux machine: the parts of the seam that this host has, as the configuration names them. Nothing is opened yet. */
import type { Machine } from '../hal/machine.ts';
import { openLinuxHid } from './hid/linux-hid.ts';
import { linuxTpm } from './tpm/open.ts';

export interface LinuxMachineOptions {
  /** Which TPM, and no other; see {@link linuxTpm}. */
  readonly tpm: string;
  /** Whether security keys are used. */
  readonly securityKeys: boolean;
}

/** @throws {ERR_TPM_SETTING} the setting names no TPM */
export const linuxMachine = (options: LinuxMachineOptions): Machine => ({
  name: 'linux',
  simulated: false,
  hid: options.securityKeys ? openLinuxHid() : null,
  tpm: linuxTpm(options.tpm),
});
