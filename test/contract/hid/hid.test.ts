import { once } from 'node:events';
import { connect } from 'node:net';
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
  { canReplug: true, sharesReports: true },
);

/** Port of whoever can pull the device of this machine out and plug it in again; emulated-hidraw.test.ts listens there. */
const replugPort = Number(process.env.UNLOCKD_TEST_HIDRAW_REPLUG_PORT ?? 0);

async function replug(word: 'remove' | 'insert'): Promise<void> {
  if (replugPort === 0) throw new Error('nobody can replug it here');
  const socket = connect(replugPort, '127.0.0.1');
  socket.end(`${word}\n`);
  await once(socket, 'close');
}

describeHidContract(
  'the hidraw devices of this machine',
  process.env.UNLOCKD_TEST_HIDRAW === '1'
    ? async () => {
        const hid = openLinuxHid();
        return {
          hid,
          remove: () => replug('remove'),
          insert: () => replug('insert'),
          close: async () => hid.released?.(),
        };
      }
    : { skip: 'plug one security key in and set UNLOCKD_TEST_HIDRAW=1' },
  { canReplug: replugPort !== 0, sharesReports: replugPort === 0 },
);
