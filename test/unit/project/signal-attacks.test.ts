/** The attacks on what is sensed, each with the test that makes it: a row whose test has gone or was renamed fails. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ATTACKS: readonly (readonly [attack: string, file: string, says: string])[] = [
  [
    'a forged signal of BlueZ',
    'scenario/bluetooth/bluez-attacks',
    'a forged signal, sent to us alone, %s wakes nobody',
  ],
  [
    'a forged signal of NetworkManager, of addresses',
    'contract/network/attacks',
    'neither wake nor change anything by telling us alone',
  ],
  [
    'a forged signal of NetworkManager, of the Wi-Fi',
    'scenario/wifi/bus-attacks',
    'what a genuine signal claims is not believed either',
  ],
  [
    'a forged login',
    'scenario/wifi/bus-attacks',
    'of a login have no root: neither the certificates nor the success are believed',
  ],
  [
    'a forged match of fprintd',
    'scenario/biometric/fprintd-attacks',
    'a status that another connection sends to us alone is no status',
  ],
  [
    'a forged Unlock of logind',
    'scenario/session/dbus-attacks',
    '$member from another connection, sent to us alone, is ignored',
  ],
  ['a genuine request to unlock', 'scenario/session/dbus-attacks', 'the genuine request to unlock is no event at all'],
  ['a stale view of a dead bluetoothd', 'scenario/bluetooth/bluez-attacks', 'nothing of a dead bluetoothd lives on'],
  [
    'a proof that was under way when it died',
    'scenario/bluetooth/bluez-attacks',
    'a proof that was under way when bluetoothd died is none',
  ],
  ['a stale view of a dead NetworkManager', 'contract/network/attacks', 'are not heard when the daemon has died'],
  ['a dead bus, under Bluetooth', 'scenario/bluetooth/bluez-attacks', 'a bus that dies is as a daemon that does'],
  ['a dead bus, under addresses', 'contract/network/attacks', 'nothing of a bus that has died lives on'],
  ['a dead bus, under the Wi-Fi', 'scenario/wifi/bus-attacks', 'the bus dies: unavailable at once, and back by itself'],
  [
    'a dead bus, under a reader',
    'scenario/biometric/fprintd-attacks',
    'a bus that dies in the midst of it is a disconnection',
  ],
  ['a dead bus, under sessions', 'scenario/session/dbus-attacks', 'a bus that dies with a call pending ends the call'],
  [
    'another program under the name of BlueZ',
    'scenario/bluetooth/bluez-attacks',
    'another program that takes the name of a dead bluetoothd',
  ],
  ['SSIDs that programs misread', 'contract/wifi/describe-wifi-contract', "bytes('Corp&&5G')"],
  ['an SSID with a trailing backslash', 'contract/wifi/describe-wifi-contract', "bytes('Corp\\\\')"],
  ['an SSID of 32 bytes of invalid UTF-8', 'contract/wifi/describe-wifi-contract', 'new Uint8Array(32).fill(0xff)'],
  [
    'an evil twin in the list of networks',
    'contract/wifi/describe-wifi-contract',
    'is not misled by a stronger access point of the same name',
  ],
  ['names that turn lines around, or look like others', 'unit/base/ssid', 'an override of the direction of writing'],
  ['names that write lines of their own', 'unit/cli/signals', 'a phone whose name would write a line of its own'],
  [
    'a USB adapter that serves every field',
    'contract/network/attacks',
    'satisfies the rule over a USB adapter that somebody has plugged in',
  ],
  [
    'software that calls itself an interface',
    'contract/network/attacks',
    'with the addresses of the network is no physical interface',
  ],
  ['a replayed private address', 'scenario/attacks/replayed-address', 'does not bring back a phone that has gone'],
  ['a strength on the other scale', 'unit/bluetooth/proximity', 'a strength of the other scale does not compile'],
  ['a strength of another bearer from the radio', 'scenario/bluetooth/bluez-attacks', "{ scale: 'dBm', value: -40 }"],
  ['an unauthenticated link key', 'contract/bluetooth/bluetooth-cases', 'sends nothing on a key of Just Works'],
  ['a debug key', 'contract/bluetooth/bluetooth-cases', 'never asks a debug key'],
  [
    'an impostor at the address of the phone',
    'contract/bluetooth/bluetooth-cases',
    'refuses whoever is at the address of the phone without its key',
  ],
  ['the link of an impostor', 'contract/bluetooth/bluetooth-cases', 'does not take a link of the impostor for a proof'],
  [
    'a class that was rewritten on the air',
    'scenario/bluetooth/bluez-attacks',
    'has rewritten its class is refused, and the pinned class counts',
  ],
  [
    'a pairing anew at the address of the phone',
    'scenario/bluetooth/bluez-attacks',
    'a device that was paired anew at the address of an enrolled phone',
  ],
  [
    'an impostor over LE that speaks first',
    'unit/linux-radio/radio-probe',
    'of a device that speaks before the link is encrypted',
  ],
  [
    "another user's phone",
    'scenario/attacks/observations',
    "for another user's container: its reference is another one",
  ],
  ['a radio process that lies', 'scenario/bluetooth/radio-process', 'says twice that it is confined'],
  ['access that Windows refuses', 'unit/senses/senses', 'on a Windows that refuses access say so, and observe nothing'],
];

it.each(ATTACKS)('%s is made in %s', (_, file, says) => {
  const text = readFileSync(
    fileURLToPath(new URL(`../../${file}${/-cases$|\/describe-/.test(file) ? '' : '.test'}.ts`, import.meta.url)),
    'utf8',
  );
  expect(text).toContain(says);
});
