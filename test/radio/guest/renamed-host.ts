/**
 * The virtual controllers have the addresses that they have, and the contract's phone has its own. This is the host as
 * it is, but for the one address, in both directions, and for what the phone's own adapter says of the computer: both
 * adapters belong to one daemon.
 */
import type { BluetoothHal } from '../../../drivers/hal/bluetooth.ts';

export function renamed(
  hal: BluetoothHal,
  phone: { readonly here: string; readonly there: string },
  computer: () => string,
): BluetoothHal {
  const { here, there } = phone;
  const inward = (address: string): string => (address === there ? here : address);
  const outward = (address: string): string => (address === here ? there : address);
  return {
    name: hal.name,
    simulated: hal.simulated,
    bonded: async (options) =>
      (await hal.bonded(options)).map((device) => ({ ...device, address: outward(device.address) })),
    probe: (address, options) => hal.probe(inward(address), options),
    watch: async function* (options) {
      for await (const event of hal.watch(options)) {
        if (event.type === 'hint' && event.address === computer()) continue;
        yield event.type === 'hint' ? { ...event, address: outward(event.address) } : event;
      }
    },
    [Symbol.asyncDispose]: () => hal[Symbol.asyncDispose](),
  };
}
