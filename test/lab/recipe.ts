/** What the lab's guest is made of, beyond what every guest has. */

import { RADIO_MODULES } from '../radio/modules.ts';
import type { Recipe } from './guest-image/make-image.ts';

export const LAB_RECIPE: Recipe = {
  packages: [
    // Bluetooth, and the emulator of its controllers.
    ...['bluez', 'bluez-test-tools', 'dbus', 'udev'],
    // Wi-Fi and IP: the real access point, the real client, the real DHCP.
    ...['hostapd', 'wpasupplicant', 'iw', 'network-manager', 'dnsmasq-base', 'openssl'],
    // Sessions: logind without systemd, and who may do what.
    ...['elogind', 'libpam-elogind'],
    // The TPM that takes the place of the first one.
    'swtpm',
    // node-hid links these.
    ...['libusb-1.0-0', 'libudev1'],
    // Programs that know nothing of this project, to confirm what the daemon says.
    ...['tpm2-tools', 'libtss2-tcti-device0', 'fido2-tools'],
  ],
  modules: [
    ...RADIO_MODULES,
    ...['uhid', 'hid_generic'],
    // The same key as a USB gadget.
    ...['configfs', 'dummy_hcd', 'libcomposite', 'usb_f_hid', 'usbhid'],
    ...['mac80211_hwsim', 'gcm', 'ctr'],
    'veth',
    ...['tpm_crb', 'tpm_vtpm_proxy'],
  ],
};
