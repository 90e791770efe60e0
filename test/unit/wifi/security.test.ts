import { describe, expect, it } from 'vitest';
import type { Akm, Negotiated, Offer, WifiProfile } from '../../../drivers/linux/wifi/profile.ts';
import { isEnterprise, negotiatedOf, securityOf } from '../../../drivers/linux/wifi/security.ts';

const profile = (akms: readonly Akm[], more: Partial<WifiProfile> = {}): WifiProfile => ({
  id: 'x',
  ssid: null,
  station: true,
  akms: new Set(akms),
  allows: { wpa: true, rsn: true },
  managementFrameProtection: 'other',
  eap: null,
  ...more,
});
const offer = (rsn: readonly Akm[], wpa: readonly Akm[] = [], privacy = rsn.length + wpa.length > 0): Offer => ({
  privacy,
  wpa: new Set(wpa),
  rsn: new Set(rsn),
});
const mode = (text: string): Negotiated | null => negotiatedOf(text);

const OPEN = profile(['open']);
const WEP = profile(['wep']);
const PSK = profile(['psk', 'sae']);
const SAE = profile(['sae']);
const EAP = profile(['eap', 'suite-b-192']);
const RSN_ONLY = { allows: { wpa: false, rsn: true } };

describe('the security type of an association', () => {
  it.each([
    ['open on open', OPEN, offer([], [], false), null, 'Open'],
    ['WEP on an access point with privacy alone', WEP, offer([], [], true), null, 'WEP'],
    ['a passphrase on WPA2', PSK, offer(['psk']), null, 'WPA2-Personal'],
    ['a passphrase on WPA', PSK, offer([], ['psk']), null, 'WPA-Personal'],
    ['a passphrase on WPA3', PSK, offer(['sae']), null, 'WPA3-Personal'],
    ['SAE', SAE, offer(['sae']), mode('SAE'), 'WPA3-Personal'],
    ['SAE on a network in transition', SAE, offer(['psk', 'sae']), null, 'WPA3-Personal'],
    ['802.1X on WPA2', EAP, offer(['eap']), mode('EAP-PEAP'), 'WPA2-Enterprise'],
    ['802.1X on WPA', EAP, offer([], ['eap']), null, 'WPA-Enterprise'],
    ['Suite B', EAP, offer(['suite-b-192']), mode('WPA2-EAP-SUITE-B-192'), 'WPA3-Enterprise-192'],
  ] as const)('%s: %5$s', (_, wanted, offered, negotiated, type) => {
    expect(securityOf(wanted, offered, negotiated)).toBe(type);
  });

  it.each([
    ['a passphrase, and the access point says that it is open', PSK, offer([], [], false)],
    ['a passphrase, and the access point says WEP', PSK, offer([], [], true)],
    ['a passphrase, and the access point says 802.1X', PSK, offer(['eap'])],
    ['802.1X, and the access point says a passphrase', EAP, offer(['psk'])],
    ['802.1X, and the access point says that it is open', EAP, offer([], [], false)],
    ['SAE, and the access point says a passphrase', SAE, offer(['psk'])],
    ['a passphrase by WPA2 alone, and the access point says WPA', profile(['psk'], RSN_ONLY), offer([], ['psk'])],
    ['open, and the access point says WPA2', OPEN, offer(['psk'])],
    ['open, and the access point says privacy', OPEN, offer([], [], true)],
    ['open, and the access point says something unknown', OPEN, offer(['other'], [], false)],
    ['WEP, and the access point says WPA', WEP, offer([], ['psk'])],
    ['OWE, for which there is no word', profile(['owe']), offer(['owe'])],
    ['something that is not known', profile(['other']), offer(['other'])],
  ])('a downgrade, or what does not agree, has none: %s', (_, wanted, offered) => {
    expect(securityOf(wanted, offered, null)).toBeNull();
  });

  it.each([
    ['nobody tells', null, null],
    ['SAE', 'SAE', 'WPA3-Personal'],
    ['a passphrase', 'WPA2-PSK', 'WPA2-Personal'],
    ['a passphrase of either generation', 'WPA2-PSK+WPA-PSK', 'WPA2-Personal'],
    ['something else', 'OWE', null],
    ['between two states', 'INACTIVE', null],
  ])('of a network in transition between WPA2 and WPA3 it is what was negotiated: %s', (_, told, type) => {
    expect(securityOf(PSK, offer(['psk', 'sae']), told === null ? null : mode(told))).toBe(type);
  });

  it.each([
    ['either', 'WPA2-PSK+WPA-PSK', PSK, null],
    ['WPA2 alone', 'WPA2-PSK', PSK, 'WPA2-Personal'],
    ['SHA-256, which WPA has not', 'WPA2-PSK-SHA256', PSK, 'WPA2-Personal'],
    ['either, and the profile allows WPA2 alone', 'WPA2-PSK', profile(['psk'], RSN_ONLY), 'WPA2-Personal'],
  ])('of a network with WPA and WPA2 it is named only where one is left: %s', (_, told, wanted, type) => {
    expect(securityOf(wanted, offer(['psk'], ['psk']), mode(told))).toBe(type);
  });

  it('what was negotiated outdoes what profile and access point could have agreed on', () => {
    expect(securityOf(PSK, offer(['psk']), mode('SAE'))).toBeNull();
    expect(securityOf(EAP, offer(['eap']), mode('WPA2-PSK'))).toBeNull();
    expect(securityOf(OPEN, offer([], [], false), mode('WPA-PSK'))).toBeNull();
  });

  it.each([
    ['required', 'WPA2-EAP-SHA256', 'WPA3-Enterprise'],
    ['required', 'EAP-TLS', 'WPA2-Enterprise'],
    ['other', 'WPA2-EAP-SHA256', 'WPA2-Enterprise'],
  ] as const)(
    'WPA3-Enterprise is named where frames have to be protected (%s) and the AKM is %s',
    (protection, told, type) => {
      const wanted = profile(['eap'], { managementFrameProtection: protection });
      expect(securityOf(wanted, offer(['eap']), mode(told))).toBe(type);
    },
  );

  it('a mode that is not known, or named like a property of every object, is agreed on by nobody', () => {
    for (const told of ['DPP', 'toString', '__proto__', '']) {
      expect(securityOf(PSK, offer(['psk']), mode(told))).toBeNull();
    }
  });

  it('knows which types have a server', () => {
    expect(isEnterprise('WPA2-Enterprise')).toBe(true);
    expect(isEnterprise('WPA3-Enterprise-192')).toBe(true);
    expect(isEnterprise('WPA3-Personal')).toBe(false);
    expect(isEnterprise(null)).toBe(false);
  });
});
