import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { openLinuxHid } from '../../../drivers/linux/hid/linux-hid.ts';
import { InProcessHid } from '../../../hal-mocks/fido2/in-process-hid.ts';
import { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import { describeHidContract } from './describe-hid-contract.ts';

describeHidContract(
  'the virtual authenticator in process',
  async () => {
    const authenticator = new VirtualAuthenticator({ clock: systemClock, entropy: systemEntropy });
    return {
      hid: new InProcessHid(authenticator),
      remove: async () => authenticator.remove(),
      insert: async () => authenticator.insert(),
      close: async () => undefined,
    };
  },
  { canReplug: true },
);

const nobody = () => Promise.reject(new Error('nobody can replug it here'));

describeHidContract(
  'the hidraw devices of this machine',
  process.env.UNLOCKD_TEST_HIDRAW === '1'
    ? async () => ({ hid: openLinuxHid(), remove: nobody, insert: nobody, close: async () => undefined })
    : { skip: 'plug one security key in and set UNLOCKD_TEST_HIDRAW=1' },
  { canReplug: false },
);
