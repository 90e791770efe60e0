import { describe, expect, test } from 'vitest';
import { WIFI_SECURITIES } from '../../../drivers/observation.ts';
import { associated, elementsOf, holds, whereOf } from './situations.ts';

const depot = { type: 'wifi', ssid: 'depot-7', security: 'WPA2-Enterprise' };
const on = (...associations: ReturnType<typeof associated>[]) => ({ wifi: { associations } });
const hex = (text: string) => Buffer.from(text, 'utf8').toString('hex');
const ROOT = '0f1e2d3c4b5a69788796a5b4c3d2e1f001122334';

describe('an association', () => {
  test('of that name and security holds', () => {
    expect(holds(depot, on(associated()))).toBe(true);
    expect(holds(depot, on())).toBe(false);
    expect(holds(depot, on(associated({ ssidHex: hex('other') }), associated()))).toBe(true);
  });

  test.each<[string, string, boolean]>([
    ['depot-7', hex('depot-7'), true],
    ['depot-7', hex('Depot-7'), false],
    ['depot-7', hex('depot-7 '), false],
    ['depot-7', `${hex('depot-7')}00`, false],
    ['depot-7', hex('depot'), false],
    ['depot-7', hex('depot-7').toUpperCase(), false],
    ['depot-7', '', false],
    ['Corp&&5G', hex('Corp&&5G'), true],
    ['bell\u0007', '62656c6c07', true],
    ['trailing\\', hex('trailing\\'), true],
    ['"quoted" \'twice\'', hex('"quoted" \'twice\''), true],
    ['Büro', hex('Büro'), true],
    // Latin-1, which is no UTF-8.
    ['Büro', '42fc726f', false],
    // The character that stands for bytes that cannot be read is not any bytes.
    ['\uFFFD', 'ff', false],
    ['\uFFFD', 'efbfbd', true],
    // One name, written in two ways that look alike.
    ['Büro', hex('Bu\u0308ro'), false],
  ])('SSID %j and the bytes %s: %s', (ssid, ssidHex, expected) => {
    expect(holds({ ...depot, ssid }, on(associated({ ssidHex })))).toBe(expected);
  });

  test.each(WIFI_SECURITIES)('%s is that security and no other', (security) => {
    for (const own of [...WIFI_SECURITIES, null]) {
      expect(holds({ ...depot, security }, on(associated({ security: own })))).toBe(own === security);
    }
  });

  test('of an evil twin, open under the same name, does not hold', () => {
    expect(holds(depot, on(associated({ security: 'Open' })))).toBe(false);
  });

  test.each<[string | null, boolean]>([
    ['02:00:00:00:00:0a', true],
    ['02:00:00:00:00:0A', true],
    ['02:00:00:00:00:0b', false],
    ['02-00-00-00-00-0a', false],
    [null, false],
  ])('with the access point %s: %s', (bssid, expected) => {
    expect(holds({ ...depot, bssid: '02:00:00:00:00:0a' }, on(associated({ bssid })))).toBe(expected);
  });

  test.each<[readonly string[] | null, boolean]>([
    [[ROOT], true],
    [['ab'.repeat(20), ROOT], true],
    [['ab'.repeat(20)], false],
    [[ROOT.toUpperCase()], false],
    [[], false],
    [null, false],
  ])('with the verified roots %j: %s', (rootThumbprints, expected) => {
    expect(holds({ ...depot, trustedRootCA: ROOT }, on(associated({ rootThumbprints })))).toBe(expected);
  });

  // Vector T11.
  test.each<[number, number | null, boolean]>([
    [80, 80, true],
    [80, 79, false],
    [80, 100, true],
    [80, null, false],
    [0, 0, true],
    [0, null, false],
    [100, 99, false],
    [100, 100, true],
  ])('sig_quality %i with the quality %s: %s', (signalQuality, quality, expected) => {
    expect(holds({ ...depot, signalQuality }, on(associated({ quality })))).toBe(expected);
  });

  test('has all of it: two that have a half each do not add up', () => {
    const floor = { ...depot, signalQuality: 65 };
    const [weak, other] = [associated({ quality: 10 }), associated({ quality: 90, ssidHex: hex('other') })];
    expect(holds(floor, on(weak, other))).toBe(false);
  });
});

describe('the reasons', () => {
  const full = { ...depot, bssid: '02:00:00:00:00:0a', trustedRootCA: ROOT, signalQuality: 65 };

  test('name each element, what it asks for and what was found', () => {
    expect(elementsOf(full, on(associated({ rootThumbprints: ['ab', 'cd'] })))).toEqual([
      'ok ssid: depot-7 | depot-7',
      'ok security: WPA2-Enterprise | WPA2-Enterprise',
      'ok bssid: 02:00:00:00:00:0a | 02:00:00:00:00:0a',
      `no trustedRootCA: ${ROOT} | ab, cd`,
      'ok sig_quality: at least 65 | 80',
    ]);
    const bare = associated({ security: null, bssid: null, quality: null, rootThumbprints: [] });
    expect(elementsOf(full, on(bare))).toEqual([
      'ok ssid: depot-7 | depot-7',
      'no security: WPA2-Enterprise | ?',
      'no bssid: 02:00:00:00:00:0a | ?',
      `no trustedRootCA: ${ROOT} | none was verified`,
      'no sig_quality: at least 65 | ?',
    ]);
    expect(elementsOf(full, on(associated({ rootThumbprints: null })))[3]).toBe(`no trustedRootCA: ${ROOT} | ?`);
  });

  test('of no association find nothing', () => {
    expect(elementsOf(full, on())).toEqual([
      'no ssid: depot-7 | ?',
      'no security: WPA2-Enterprise | ?',
      'no bssid: 02:00:00:00:00:0a | ?',
      `no trustedRootCA: ${ROOT} | ?`,
      'no sig_quality: at least 65 | ?',
    ]);
    expect(whereOf(full, on())).toBeNull();
    expect(whereOf(full, on(associated({ interface: 'wlan1' })))).toBe('wlan1');
  });
});
