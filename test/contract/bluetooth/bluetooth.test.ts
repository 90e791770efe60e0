/**
 * The Bluetooth contract on the mock, and on BlueZ as python3-dbusmock plays it on a private bus. There, the radio is
 * played as well; the real prober meets real controllers in the guest of `npm run test:radio`.
 */
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { MockBluetooth } from '../../../hal-mocks/bluetooth/mock-bluetooth.ts';
import { MockBluez } from '../../support/bluetooth/mock-bluez.ts';
import { missingForBus } from '../../support/session/private-bus.ts';
import type { BluetoothWorld } from './bluetooth-cases.ts';
import { describeBluetoothContract } from './describe-bluetooth-contract.ts';

describeBluetoothContract('of the mock', async (): Promise<BluetoothWorld> => {
  const hal = new MockBluetooth(systemClock);
  hal.silentFor = milliseconds(20);
  return {
    hal,
    pair: async ({ identityKey, ...phone }) =>
      hal.put({ ...phone, identityKey: identityKey === null ? null : Buffer.from(identityKey, 'hex') }),
    unpair: async (address) => hal.forget(address),
    answer: async (address, who) => hal.answer(address, who),
    link: async (address, up) => hal.tell({ type: 'hint', address, rssi: null, what: up ? 'link-up' : 'link-down' }),
    power: async (on) => hal.setOutage(on ? null : 'radio-off'),
    stopDaemon: async () => hal.setOutage('daemon-gone'),
    startDaemon: async () => hal.setOutage(null),
    pages: () => hal.probes.length,
    [Symbol.asyncDispose]: () => hal.close(),
  };
});

const missing = missingForBus();
describeBluetoothContract(
  'BlueZ on a private bus, over a radio that is played',
  missing === null ? () => MockBluez.start() : { skip: missing },
);
