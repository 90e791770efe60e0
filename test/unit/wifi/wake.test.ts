import { describe, expect, it } from 'vitest';
import { isWorthALook } from '../../../drivers/linux/wifi/wake.ts';

const NM = 'org.freedesktop.NetworkManager';
const WPA = 'fi.w1.wpa_supplicant1';
const IN_USE = '/point/1';
const worth = (path: string, name: string, member: string, body: readonly unknown[]) =>
  isWorthALook({ sender: ':1.1', path, interface: name, member, body }, new Set([IN_USE]));
const changed = (of: string, name: string, path = '/x') =>
  worth(path, 'org.freedesktop.DBus.Properties', 'PropertiesChanged', [of, [[name, 1]], []]);

describe('a signal', () => {
  it.each([
    [`${NM}.Device`, 'State'],
    [`${NM}.Device`, 'ActiveConnection'],
    [`${NM}.Device.Wireless`, 'ActiveAccessPoint'],
    [`${WPA}.Interface`, 'State'],
    [`${WPA}.Interface`, 'CurrentBSS'],
  ])('that %s has another %s is worth a look', (of, name) => {
    expect(changed(of, name)).toBe(true);
  });

  it.each([
    [`${NM}.Device.Wireless`, 'Bitrate'],
    [`${NM}.Device.Wireless`, 'LastScan'],
    [`${NM}.Device.Wireless`, 'AccessPoints'],
    [`${NM}.Device.Statistics`, 'RxBytes'],
    [`${WPA}.Interface`, 'Scanning'],
    [`${WPA}.Interface`, 'BSSs'],
    ['toString', 'State'],
  ])('that %s has another %s wakes nobody', (of, name) => {
    expect(changed(of, name)).toBe(false);
  });

  it('of an access point is worth a look where it is the one that counts', () => {
    expect(changed(`${NM}.AccessPoint`, 'Strength', IN_USE)).toBe(true);
    expect(changed(`${NM}.AccessPoint`, 'Strength', '/point/2')).toBe(false);
    expect(changed(`${NM}.AccessPoint`, 'LastSeen', IN_USE)).toBe(false);
    expect(changed(`${WPA}.BSS`, 'Signal', IN_USE)).toBe(true);
    expect(changed(`${WPA}.BSS`, 'Signal', '/point/2')).toBe(false);
  });

  it('that says no value, only that the old one is void, is worth a look', () => {
    const body = [`${NM}.Device`, [], ['State']];
    expect(worth('/x', 'org.freedesktop.DBus.Properties', 'PropertiesChanged', body)).toBe(true);
  });

  it.each([
    [NM, 'DeviceAdded', []],
    [NM, 'DeviceRemoved', []],
    [`${NM}.Device`, 'StateChanged', []],
    [WPA, 'InterfaceRemoved', []],
    [`${WPA}.Interface`, 'EAP', ['completion', 'success']],
  ])('%s.%s is worth a look', (name, member, body) => {
    expect(worth('/x', name, member, body)).toBe(true);
  });

  it.each([
    [NM, 'StateChanged', []],
    [`${WPA}.Interface`, 'EAP', ['started', '']],
    [`${WPA}.Interface`, 'Certification', []],
    [`${WPA}.Interface`, 'ScanDone', [true]],
    ['org.freedesktop.DBus.Properties', 'PropertiesChanged', [7, 8, 9]],
    ['org.freedesktop.DBus.Properties', 'PropertiesChanged', [`${NM}.Device`, 'State', null]],
  ])('%s.%s wakes nobody', (name, member, body) => {
    expect(worth('/x', name, member, body)).toBe(false);
  });
});
