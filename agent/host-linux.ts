/** The surroundings of a Linux host: BlueZ with the radio in a process of its own, NetworkManager and the others, fprintd. */
import { BluetoothWithAdvertisements } from '../drivers/bluetooth/with-advertisements.ts';
import type { BluetoothHal } from '../drivers/hal/bluetooth.ts';
import { fprintd } from '../drivers/linux/biometric/fprintd.ts';
import { bluezBluetooth } from '../drivers/linux/bluetooth/bluez.ts';
import { radioProcess } from '../drivers/linux/bluetooth/radio-process.ts';
import { NobleScanner } from '../drivers/linux/bluetooth/scanner.ts';
import { linuxIp } from '../drivers/linux/network/linux-ip.ts';
import { linuxWifi } from '../drivers/linux/wifi/linux-wifi.ts';
import type { HostOptions, HostSenses } from './host-senses.ts';

/** With the advertisements where they are wanted. */
function bluetoothOf({ signals, clock, add }: HostOptions): BluetoothHal {
  const prober = radioProcess({ clock });
  add(() => prober[Symbol.asyncDispose]());
  const bluez = bluezBluetooth({ prober, bus: signals.bus, clock });
  return signals.bleHints ? new BluetoothWithAdvertisements(bluez, new NobleScanner({ clock })) : bluez;
}

export function openSenses(options: HostOptions): HostSenses {
  const { clock } = options;
  const { bus } = options.signals;
  return {
    bluetooth: () => bluetoothOf(options),
    wifi: () => linuxWifi({ bus, clock }),
    network: () => linuxIp({ bus, clock }),
    biometric: () => fprintd({ bus, clock }),
  };
}
