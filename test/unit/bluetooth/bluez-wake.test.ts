import { describe, expect, it } from 'vitest';
import { BluezWake } from '../../../drivers/linux/bluetooth/bluez-wake.ts';
import type { BusSignal } from '../../../drivers/linux/dbus/connection.ts';

const HCI = '/org/bluez/hci0';
const PHONE = `${HCI}/dev_0C_11_22_33_44_01`;
const ANYBODY = `${HCI}/dev_0C_99_99_99_99_99`;
const DEVICE = 'org.bluez.Device1';
const ADAPTER = 'org.bluez.Adapter1';
const KNOWN: ReadonlySet<string> = new Set([PHONE]);

const properties = (path: string, of: string, changed: unknown, invalidated: unknown = []): BusSignal => ({
  sender: ':1.1',
  path,
  interface: 'org.freedesktop.DBus.Properties',
  member: 'PropertiesChanged',
  body: [of, changed, invalidated],
});
const manager = (member: string, ...body: unknown[]): BusSignal => ({
  sender: ':1.1',
  path: '/',
  interface: 'org.freedesktop.DBus.ObjectManager',
  member,
  body,
});

function woken(...signals: readonly BusSignal[]): string {
  const wake = new BluezWake();
  for (const signal of signals) wake.add(signal, KNOWN);
  if (wake.isEmpty) return 'nothing';
  const devices = [...wake.devices].map(
    ([path, { link, heard }]) => `${path === PHONE ? 'phone' : path} ${link} ${heard}`,
  );
  return [...(wake.all ? ['all'] : []), ...devices].join(', ');
}

describe('a signal of BlueZ wakes', () => {
  it.each<[string, BusSignal, string]>([
    ['a link of a bonded device', properties(PHONE, DEVICE, [['Connected', true]]), 'phone true false'],
    ['a bonded device that is heard', properties(PHONE, DEVICE, [['RSSI', -40]]), 'phone false true'],
    ['a bonded device that is heard no more', properties(PHONE, DEVICE, [], ['RSSI']), 'phone false true'],
    ['a class that was rewritten', properties(PHONE, DEVICE, [['Class', 1]]), 'all'],
    ['a bond that comes', properties(ANYBODY, DEVICE, [['Paired', true]]), 'all'],
    ['a bond that goes', properties(PHONE, DEVICE, [['Bonded', false]]), 'all'],
    ['the radio', properties(HCI, ADAPTER, [['Powered', false]]), 'all'],
    ['an adapter that comes', manager('InterfacesAdded', HCI, [[ADAPTER, []]]), 'all'],
    ['an adapter that goes', manager('InterfacesRemoved', HCI, [ADAPTER]), 'all'],
    ['a bonded device that comes', manager('InterfacesAdded', ANYBODY, [[DEVICE, [['Paired', true]]]]), 'all'],
    ['a bonded device that goes', manager('InterfacesRemoved', PHONE, [DEVICE]), 'all'],
  ])('%s', (_, signal, expected) => {
    expect(woken(signal)).toBe(expected);
  });
});

describe('a signal of BlueZ wakes nobody', () => {
  it.each<[string, BusSignal]>([
    ['of a stranger that is heard', properties(ANYBODY, DEVICE, [['RSSI', -40]])],
    ['of a stranger that is connected', properties(ANYBODY, DEVICE, [['Connected', true]])],
    ['of a stranger that is found', manager('InterfacesAdded', ANYBODY, [[DEVICE, [['Paired', false]]]])],
    ['of a stranger that is forgotten', manager('InterfacesRemoved', ANYBODY, [DEVICE])],
    ['of a scan that begins', properties(HCI, ADAPTER, [['Discovering', true]])],
    ['of another object', properties(`${PHONE}/player0`, 'org.bluez.MediaPlayer1', [['Connected', true]])],
    ['of another interface', properties(PHONE, 'org.bluez.Battery1', [['Connected', true]])],
    ['of no form', properties(PHONE, DEVICE, 7, 'x')],
    ['without anything', manager('InterfacesAdded')],
    ['of a path that is none', manager('InterfacesAdded', '/org/bluez/hci0/../x', [[DEVICE, [['Paired', true]]]])],
  ])('%s', (_, signal) => {
    expect(woken(signal)).toBe('nothing');
  });

  it('more than the devices that there can be', () => {
    const wake = new BluezWake();
    const many = Array.from({ length: 1000 }, (__, n) => `${HCI}/dev_0C_11_22_33_${hex(n >> 8)}_${hex(n & 255)}`);
    for (const path of many) wake.add(properties(path, DEVICE, [['Connected', true]]), new Set(many));
    expect(wake.devices.size).toBe(64);
  });
});

const hex = (n: number): string => n.toString(16).toUpperCase().padStart(2, '0');
