/** The lanes in words, for reports and the documentation: what each is, and what on it is no real device. */
import type { LaneName } from './lane.ts';

export interface LaneFacts {
  readonly about: string;
  /** Mocks behind the seam: real drivers above them at most. */
  readonly simulated: readonly string[];
  /** Models of the device behind the real driver or protocol. */
  readonly emulated: readonly string[];
}

export const LANE_FACTS: Readonly<Record<LaneName, LaneFacts>> = {
  mock: {
    about:
      'the real service in the process that runs the walkthrough, over mocks; its machine says that it is simulated',
    simulated: ['security keys', 'phones', 'networks', 'Wi-Fi', 'the fingerprint reader', 'sessions'],
    emulated: ['the TPM (swtpm)'],
  },
  emulator: {
    about:
      'the daemon as a process of its own, with its socket and its real drivers of security keys and TPM; where networks are given, its machine says that it is simulated',
    simulated: ['networks', 'Wi-Fi'],
    emulated: ['the TPM (swtpm)', 'security keys as /dev/hidrawN (umockdev)'],
  },
  lab: {
    about: 'the unmodified daemon in a guest, on devices that are real to its kernel',
    simulated: [],
    emulated: ['every device of the guest'],
  },
  hardware: {
    about: 'the daemon of this machine, with what is plugged into it; a person or a robot does what is physical',
    simulated: [],
    emulated: [],
  },
};
