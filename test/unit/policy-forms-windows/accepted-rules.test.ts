/** What the rule language allows, construct by construct, with the exact model and the canonical text of each. */
import { describe, expect, test } from 'vitest';
import { readSignalRules } from '../../../agent/policy/forms/windows/rule-schema.ts';
import { writeSignalRules } from '../../../agent/policy/forms/windows/rule-write.ts';
import { WIFI_SECURITIES } from '../../../drivers/observation.ts';
import vectors from '../../vectors/windows-policy/example-rules.json' with { type: 'json' };

const rule = (inside: string): string => `<rule schemaVersion="1.0">${inside}</rule>`;
const ip = (inside: string): string => rule(`<signal type="ipConfig">${inside}</signal>`);
const wifi = (inside: string): string => rule(`<signal type="wifi">${inside}</signal>`);
const net = (inside: string): string => wifi(`<ssid>lab</ssid><security>Open</security>${inside}`);
const bluetooth = (attributes: string): string =>
  rule(`<signal type="bluetooth" scenario="Authentication"${attributes}/>`);
const allOf = (text: string) => readSignalRules(text).rules.map(({ all }) => all);

describe('example rules', () => {
  for (const { name, text, rules } of vectors.vectors) {
    test(name, () => {
      expect(readSignalRules(text)).toEqual({ rules, notes: [] });
    });
    test(`${name}: written again, letter by letter`, () => {
      expect(writeSignalRules(readSignalRules(text).rules)).toEqual({ text, reasons: [] });
    });
  }

  test('the order of elements does not matter, and is that of the documentation when written', () => {
    const shuffled = ip('<dnsSuffix>ward.clinic.example</dnsSuffix><ipv4DhcpServer>192.0.2.67</ipv4DhcpServer>');
    const usual = ip('<ipv4DhcpServer>192.0.2.67</ipv4DhcpServer><dnsSuffix>ward.clinic.example</dnsSuffix>');
    expect(allOf(shuffled)).toEqual(allOf(usual));
    expect(writeSignalRules(readSignalRules(shuffled).rules).text).toBe(usual);
  });
});

describe('rules and the comma', () => {
  const one = bluetooth('');
  test.each([
    ['no text has no rule', '', 0],
    ['blanks have no rule', ' \t', 0],
    ['one rule', one, 1],
    ['two rules', `${one},${one}`, 2],
    ['blanks around the comma', ` ${one} ,\t${one} `, 2],
    ['a comma inside a value', `${wifi('<ssid>a,b</ssid><security>Open</security>')},${one}`, 2],
    ['a rule inside a value', `${wifi('<ssid>&lt;/rule>,&lt;rule></ssid><security>Open</security>')},${one}`, 2],
  ])('%s', (_name, text, count) => {
    expect(readSignalRules(text).rules.map(({ name }) => name)).toEqual(
      Array.from({ length: count }, (_, i) => `rule-${i + 1}`),
    );
  });

  test('blanks between elements mean nothing', () => {
    const text = `<rule schemaVersion="1.0"> <and>\t<signal type="bluetooth" scenario="Authentication"> </signal> </and> </rule>`;
    expect(allOf(text)).toEqual([[{ type: 'bluetooth' }]]);
  });

  test('quotes may be single, and the five entities and character references are read', () => {
    const text = `<rule schemaVersion='1.0'><signal type='wifi'><ssid>a&amp;b&lt;&gt;&quot;&apos;&#x41;</ssid><security>Open</security></signal></rule>`;
    expect(allOf(text)).toEqual([[{ type: 'wifi', ssid: `a&b<>"'A`, security: 'Open' }]]);
  });

  test('and with a single signal is that signal', () => {
    const { rules } = readSignalRules(rule('<and><signal type="bluetooth" scenario="Authentication"/></and>'));
    expect(writeSignalRules(rules).text).toBe(one);
  });
});

describe('bluetooth', () => {
  test('what is left out stays out', () => {
    expect(allOf(bluetooth(''))).toEqual([[{ type: 'bluetooth' }]]);
  });
  test.each([0, 256, 512, 768, 1024, 1280, 1536, 1792, 2048, 2304, 7936])('class %i', (classOfDevice) => {
    expect(allOf(bluetooth(` classOfDevice="${classOfDevice}"`))).toEqual([[{ type: 'bluetooth', classOfDevice }]]);
  });
  test('the variant classofDevice is read with a note and written as classOfDevice', () => {
    const { rules, notes } = readSignalRules(bluetooth(' classofDevice="512"'));
    expect(rules[0]?.all).toEqual([{ type: 'bluetooth', classOfDevice: 512 }]);
    expect(notes.map(({ code }) => code)).toEqual(['spelling']);
    expect(writeSignalRules(rules).text).toBe(bluetooth(' classOfDevice="512"'));
  });
  test.each([-128, -10, 0, 127])('rssiMin %i', (rssiMin) => {
    expect(allOf(bluetooth(` rssiMin="${rssiMin}"`))).toEqual([[{ type: 'bluetooth', rssiMin }]]);
  });
  test.each([-128, -10, 0])('rssiMaxDelta %i', (rssiMaxDelta) => {
    expect(allOf(bluetooth(` rssiMaxDelta="${rssiMaxDelta}"`))).toEqual([[{ type: 'bluetooth', rssiMaxDelta }]]);
  });
  test('the rule that Group Policy inserts for dynamic lock', () => {
    const text = rule(
      '<signal type="bluetooth" scenario="Dynamic Lock" classOfDevice="512" rssiMin="-10" rssiMaxDelta="-10"/>',
    );
    const { rules, notes } = readSignalRules(text, 'Dynamic Lock', 'DynamicLock/Plugins');
    expect(rules[0]?.all).toEqual([{ type: 'bluetooth', classOfDevice: 512, rssiMin: -10, rssiMaxDelta: -10 }]);
    expect(notes).toEqual([]);
    expect(writeSignalRules(rules, 'Dynamic Lock').text).toBe(text);
  });
  test('another class than the phone is noted for dynamic lock', () => {
    const text = rule('<signal type="bluetooth" scenario="Dynamic Lock" classOfDevice="1792"/>');
    expect(readSignalRules(text, 'Dynamic Lock').notes.map(({ code }) => code)).toEqual(['not-a-phone']);
  });
});

describe('ipConfig', () => {
  test.each([
    ['ipv4Prefix', '192.0.2.0/24', '192.0.2.0/24'],
    ['ipv4Prefix', '0.0.0.0/0', '0.0.0.0/0'],
    ['ipv4Prefix', '192.0.2.1/32', '192.0.2.1/32'],
    ['ipv4Gateway', '192.0.2.1', '192.0.2.1'],
    ['ipv4DhcpServer', '192.0.2.67', '192.0.2.67'],
    ['ipv4DnsServer', '192.0.2.53', ['192.0.2.53']],
    ['ipv6Prefix', '2001:DB8::/32', '2001:db8::/32'],
    ['ipv6Prefix', '2001:db8::1/128', '2001:db8::1/128'],
    ['ipv6Gateway', 'fe80::1%12', 'fe80::1%12'],
    ['ipv6Gateway', '2001:0db8:0:0:0:0:0:1', '2001:db8::1'],
    ['ipv6DhcpServer', '2001:db8::547', '2001:db8::547'],
    ['ipv6DnsServer', '2001:db8::53', ['2001:db8::53']],
    ['dnsSuffix', 'corp.example', ['corp.example']],
    ['dnsSuffix', 'xn--bcher-kva.example', ['xn--bcher-kva.example']],
  ])('%s %s', (name, text, value) => {
    const { rules, notes } = readSignalRules(ip(`<${name}>${text}</${name}>`));
    expect(rules[0]?.all).toEqual([{ type: 'ipConfig', [name]: value }]);
    expect(notes).toEqual([]);
  });
  test.each(['ipv4DnsServer', 'ipv6DnsServer', 'dnsSuffix'])('%s may be repeated and keeps its order', (name) => {
    const list = { ipv4DnsServer: ['192.0.2.54', '192.0.2.53'], ipv6DnsServer: ['2001:db8::2', '2001:db8::1'] }[
      name
    ] ?? ['b.example', 'a.example'];
    const text = ip(list.map((value) => `<${name}>${value}</${name}>`).join(''));
    expect(allOf(text)).toEqual([[{ type: 'ipConfig', [name]: list }]]);
  });
  test.each([
    ['IPv4Prefix', '192.0.2.0/24'],
    ['IPv4Gateway', '192.0.2.1'],
    ['IPv6Prefix', '2001:db8::/32'],
  ])('the variant %s is read with a note and written in lower camel case', (name, value) => {
    const { rules, notes } = readSignalRules(ip(`<${name}>${value}</${name}>`));
    expect(notes.map(({ code }) => code)).toEqual(['spelling']);
    const usual = name.replace('IP', 'ip');
    expect(writeSignalRules(rules).text).toBe(ip(`<${usual}>${value}</${usual}>`));
  });
  test.each([
    ['ipv4Prefix', '198.51.100.77/25', '198.51.100.0/25'],
    ['ipv6Prefix', '2001:db8:40:1::5/48', '2001:db8:40::/48'],
    ['dnsSuffix', 'Corp.Example.', ['corp.example']],
  ])('%s %s is noted and means %s', (name, text, value) => {
    const { rules, notes } = readSignalRules(ip(`<${name}>${text}</${name}>`));
    expect(rules[0]?.all).toEqual([{ type: 'ipConfig', [name]: value }]);
    expect(notes).toMatchObject([{ code: 'spelling', where: expect.stringContaining(`${name}[1]`) }]);
  });
});

describe('wifi', () => {
  test.each(WIFI_SECURITIES)('security %s', (security) => {
    expect(allOf(wifi(`<ssid>lab</ssid><security>${security}</security>`))).toEqual([
      [{ type: 'wifi', ssid: 'lab', security }],
    ]);
  });
  test.each([
    ['<bssid>00-00-5e-00-53-01</bssid>', { bssid: '00:00:5e:00:53:01' }],
    ['<bssid>00-00-5E-00-53-AF</bssid>', { bssid: '00:00:5e:00:53:af' }],
    ['<sig_quality>0</sig_quality>', { signalQuality: 0 }],
    ['<sig_quality>100</sig_quality>', { signalQuality: 100 }],
    [`<trustedRootCA>${'AB '.repeat(19)}CD</trustedRootCA>`, { trustedRootCA: `${'ab'.repeat(19)}cd` }],
    [`<trustedRootCA>${'ab '.repeat(31)}cd</trustedRootCA>`, { trustedRootCA: `${'ab'.repeat(31)}cd` }],
  ])('%s', (inside, fields) => {
    expect(allOf(net(inside))).toEqual([[{ type: 'wifi', ssid: 'lab', security: 'Open', ...fields }]]);
  });
  test.each([' padded ', 'ü'.repeat(16), '日本語', '📶', 'a'.repeat(32)])('ssid %j is kept as it is', (ssid) => {
    const text = wifi(`<ssid>${ssid}</ssid><security>Open</security>`);
    expect(allOf(text)).toEqual([[{ type: 'wifi', ssid, security: 'Open' }]]);
    expect(writeSignalRules(readSignalRules(text).rules).text).toBe(text);
  });
});
