/** Names and numbers of NetworkManager's D-Bus interface (nm-dbus-interface.h; NetworkManager 1.42 reference, "D-Bus API"). */

export const NM_NAME = 'org.freedesktop.NetworkManager';
export const NM_PATH = '/org/freedesktop/NetworkManager';

export const NM_INTERFACE = {
  manager: 'org.freedesktop.NetworkManager',
  device: 'org.freedesktop.NetworkManager.Device',
  wireless: 'org.freedesktop.NetworkManager.Device.Wireless',
  accessPoint: 'org.freedesktop.NetworkManager.AccessPoint',
  activeConnection: 'org.freedesktop.NetworkManager.Connection.Active',
  settingsConnection: 'org.freedesktop.NetworkManager.Settings.Connection',
  ip4Config: 'org.freedesktop.NetworkManager.IP4Config',
  ip6Config: 'org.freedesktop.NetworkManager.IP6Config',
  dhcp4Config: 'org.freedesktop.NetworkManager.DHCP4Config',
} as const;

/** NMDeviceState. Everything below is on the way up, everything above on the way down. */
export const NM_ACTIVATED = 100;

/** NMDeviceType. */
export const NM_TYPE_WIFI = 2;
