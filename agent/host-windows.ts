/**
 * The surroundings of a Windows host, over its own libraries, each loaded at its first use. Its biometric framework is not
 * driven. Built, and tested on played libraries: none of it has run on a Windows.
 */
import { windowsBluetooth } from '../drivers/windows/bluetooth/windows-bluetooth.ts';
import { windowsIp } from '../drivers/windows/network/windows-ip.ts';
import { windowsWifi } from '../drivers/windows/wifi/windows-wifi.ts';
import type { HostOptions, HostSenses } from './host-senses.ts';

export const openSenses = ({ clock }: HostOptions): HostSenses => ({
  bluetooth: () => windowsBluetooth({ clock }),
  wifi: () => windowsWifi({ clock }),
  network: () => windowsIp({ clock }),
  biometric: () => null,
});
