/** The biometric contract on the mock, and on Debian's fprintd with the virtual reader of libfprint. */
import { fprintd } from '../../../drivers/linux/biometric/fprintd.ts';
import { MockBiometric } from '../../../hal-mocks/biometric/mock-biometric.ts';
import { missingForFprintd, RealFprintd } from '../../support/biometric/real-fprintd.ts';
import { type BiometricWorld, describeBiometricContract } from './describe-biometric-contract.ts';

async function mockWorld(): Promise<BiometricWorld> {
  const hal = new MockBiometric();
  const reader = { name: 'a reader', modality: 'fingerprint', manner: 'swipe' } as const;
  hal.plug(reader);
  const waited = () => hal.waited('fingerprint', { signal: new AbortController().signal });
  return {
    hal,
    enrol: async (user, finger) => hal.enrol(user, 'fingerprint', finger),
    show: async (finger) => {
      await waited();
      hal.show('fingerprint', finger);
    },
    askRetry: async (reason) => {
      await waited();
      hal.askRetry('fingerprint', reason);
    },
    hold: waited,
    pull: async () => {
      await waited();
      hal.pull('fingerprint');
    },
    stop: async () => hal.setAvailable(false),
    start: async () => hal.setAvailable(true),
    claimed: async () => hal.claimed('fingerprint'),
    [Symbol.asyncDispose]: () => hal.close(),
  };
}

/** FpDeviceRetry of libfprint. */
const RETRIES = { unclear: 0, 'too-short': 1, 'not-centered': 2, 'remove-and-retry': 3, 'too-fast': 4 } as const;

async function fprintdWorld(): Promise<BiometricWorld> {
  const real = await RealFprintd.start();
  const hal = fprintd({ bus: real.bus.address });
  return {
    hal,
    enrol: (user, finger) => real.enrol(user, finger),
    show: (finger) => real.command(`SCAN ${finger}`),
    askRetry: (reason) => real.command(`RETRY ${RETRIES[reason]}`),
    hold: () => real.command('SLEEP 20000'),
    pull: async () => {
      await real.command('UNPLUG');
      await real.command('ERROR 0');
    },
    stop: () => real.killDaemon(),
    start: () => real.startDaemon(),
    claimed: () => real.claimed(),
    [Symbol.asyncDispose]: async () => {
      await hal[Symbol.asyncDispose]();
      await real[Symbol.asyncDispose]();
    },
  };
}

const missing = missingForFprintd();
describeBiometricContract('of the mock', mockWorld);
describeBiometricContract('fprintd on a private bus', missing === null ? fprintdWorld : { skip: missing });
