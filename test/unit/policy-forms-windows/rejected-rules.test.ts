/**
 * What the rule language does not allow: each case with its code and its position. The mark ¦ stands where the error
 * has to be; it is taken out before reading.
 */
import { describe, expect, test } from 'vitest';
import { readSignalRules } from '../../../agent/policy/forms/windows/rule-schema.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';

const rule = (inside: string): string => `<rule schemaVersion="1.0">${inside}</rule>`;
const ip = (inside: string): string => rule(`<signal type="ipConfig">${inside}</signal>`);
const wifi = (inside: string): string => rule(`<signal type="wifi">${inside}</signal>`);
const net = (inside: string): string => wifi(`<ssid>lab</ssid><security>Open</security>${inside}`);
const bluetooth = (attributes: string, inside = ''): string =>
  rule(`¦<signal type="bluetooth" scenario="Authentication"${attributes}>${inside}</signal>`);
const good = '<rule schemaVersion="1.0"><signal type="bluetooth" scenario="Authentication"/></rule>';

const failure = (text: string, scenario?: 'Dynamic Lock') => {
  try {
    readSignalRules(text, scenario);
  } catch (error) {
    if (isUnlockdError(error)) return error;
    throw error;
  }
  throw new Error('the rule was accepted');
};

type Case = readonly [name: string, text: string, code: string, element: string];

const check = (cases: readonly Case[], scenario?: 'Dynamic Lock'): void => {
  test.each(cases)('%s', (_name, marked, code, element) => {
    const column = marked.indexOf('¦') + 1;
    expect(column).toBeGreaterThan(0);
    const error = failure(marked.replace('¦', ''), scenario);
    expect({ code: error.code, ...error.detail }).toEqual({
      code,
      setting: 'DeviceUnlock/Plugins',
      line: 1,
      column,
      element,
    });
  });
};

describe('the shape of a rule', () => {
  check([
    ['schemaVersion missing', '¦<rule/>', 'ERR_POLICY_RULE_VERSION', 'rule[1]/@schemaVersion'],
    ['schemaVersion 1', '¦<rule schemaVersion="1"/>', 'ERR_POLICY_RULE_VERSION', 'rule[1]/@schemaVersion'],
    ['schemaVersion 2.0', '¦<rule schemaVersion="2.0"/>', 'ERR_POLICY_RULE_VERSION', 'rule[1]/@schemaVersion'],
    ['version for schemaVersion', '¦<rule version="1.0"/>', 'ERR_POLICY_RULE_VERSION', 'rule[1]/@schemaVersion'],
    ['the second rule counts from the start', `${good},¦<rule/>`, 'ERR_POLICY_RULE_VERSION', 'rule[2]/@schemaVersion'],
    ['another attribute on rule', '¦<rule schemaVersion="1.0" id="7"/>', 'ERR_POLICY_RULE_ATTRIBUTE', 'rule[1]/@id'],
    ['another root', '¦<rules/>', 'ERR_POLICY_RULE_ELEMENT', 'rules[1]'],
    ['a root in capitals', '¦<Rule schemaVersion="1.0"/>', 'ERR_POLICY_RULE_ELEMENT', 'Rule[1]'],
    ['an empty rule', '¦<rule schemaVersion="1.0"/>', 'ERR_POLICY_RULE_MISSING', 'rule[1]'],
    ['text in a rule', '<rule schemaVersion="1.0">¦x</rule>', 'ERR_POLICY_RULE_ELEMENT', 'rule[1]'],
    ['or', rule('¦<or/>'), 'ERR_POLICY_RULE_ELEMENT', 'rule[1]/or[1]'],
    ['an unknown element', rule('¦<not/>'), 'ERR_POLICY_RULE_ELEMENT', 'rule[1]/not[1]'],
    ['two bare signals', rule(`<signal/>¦<signal/>`), 'ERR_POLICY_RULE_ELEMENT', 'rule[1]/signal[2]'],
    ['and beside a signal', rule('<and/>¦<signal/>'), 'ERR_POLICY_RULE_ELEMENT', 'rule[1]/signal[1]'],
    ['two ands', rule('<and/>¦<and/>'), 'ERR_POLICY_RULE_ELEMENT', 'rule[1]/and[2]'],
    ['an empty and', rule('¦<and/>'), 'ERR_POLICY_RULE_MISSING', 'rule[1]/and[1]'],
    ['an attribute on and', rule('¦<and type="x"/>'), 'ERR_POLICY_RULE_ATTRIBUTE', 'rule[1]/and[1]/@type'],
    ['text in and', rule('<and>¦x</and>'), 'ERR_POLICY_RULE_ELEMENT', 'rule[1]/and[1]'],
    ['and in and', rule('<and>¦<and/></and>'), 'ERR_POLICY_RULE_ELEMENT', 'rule[1]/and[1]/and[1]'],
    ['a rule in a rule', rule('¦<rule/>'), 'ERR_POLICY_RULE_ELEMENT', 'rule[1]/rule[1]'],
    ['a signal without type', rule('¦<signal/>'), 'ERR_POLICY_RULE_MISSING', 'rule[1]/signal[1]/@type'],
    ['a signal of another type', rule('¦<signal type="nfc"/>'), 'ERR_POLICY_RULE_VALUE', 'rule[1]/signal[1]/@type'],
    ['a type in other case', rule('¦<signal type="Wifi"/>'), 'ERR_POLICY_RULE_VALUE', 'rule[1]/signal[1]/@type'],
  ]);
});

describe('one line, one comma', () => {
  check([
    ['a line break between elements', '<rule schemaVersion="1.0">¦\n</rule>', 'ERR_POLICY_RULE_LINE_BREAK', ''],
    ['a line break at the end', `${good}¦\n`, 'ERR_POLICY_RULE_LINE_BREAK', ''],
    ['a carriage return', `${good}¦\r`, 'ERR_POLICY_RULE_LINE_BREAK', ''],
    ['a line separator of Unicode', `${good}¦\u2028`, 'ERR_POLICY_RULE_LINE_BREAK', ''],
    ['no comma', `${good}¦${good}`, 'ERR_POLICY_RULE_SEPARATOR', ''],
    ['two commas', `${good}¦,,${good}`, 'ERR_POLICY_RULE_SEPARATOR', ''],
    ['a comma at the start', `¦,${good}`, 'ERR_POLICY_RULE_SEPARATOR', ''],
    ['a comma at the end', `${good} ¦,`, 'ERR_POLICY_RULE_SEPARATOR', ''],
    ['a semicolon', `${good}¦;${good}`, 'ERR_POLICY_RULE_SEPARATOR', ''],
    ['a comma written as a reference', `${good}¦&#44;${good}`, 'ERR_POLICY_RULE_SEPARATOR', ''],
    ['text alone', '¦hello', 'ERR_POLICY_RULE_SEPARATOR', ''],
    ['a byte order mark', `¦\ufeff${good}`, 'ERR_POLICY_RULE_SEPARATOR', ''],
  ]);
  test('the line is counted too', () => {
    expect(failure(` \n${good}`).detail).toMatchObject({ line: 1, column: 2 });
  });
});

describe('bluetooth', () => {
  const at = 'rule[1]/signal[1]';
  check([
    ['no scenario', rule('¦<signal type="bluetooth"/>'), 'ERR_POLICY_RULE_MISSING', `${at}/@scenario`],
    [
      'the scenario of dynamic lock',
      rule('¦<signal type="bluetooth" scenario="Dynamic Lock"/>'),
      'ERR_POLICY_RULE_SCENARIO',
      `${at}/@scenario`,
    ],
    [
      'the scenario in lower case',
      rule('¦<signal type="bluetooth" scenario="authentication"/>'),
      'ERR_POLICY_RULE_SCENARIO',
      `${at}/@scenario`,
    ],
    ['a class that is none', bluetooth(' classOfDevice="513"'), 'ERR_POLICY_RULE_VALUE', `${at}/@classOfDevice`],
    ['a class in hexadecimal', bluetooth(' classOfDevice="0x200"'), 'ERR_POLICY_RULE_VALUE', `${at}/@classOfDevice`],
    ['a negative class', bluetooth(' classOfDevice="-512"'), 'ERR_POLICY_RULE_VALUE', `${at}/@classOfDevice`],
    [
      'both spellings of the class',
      bluetooth(' classOfDevice="512" classofDevice="512"'),
      'ERR_POLICY_RULE_REPEATED',
      `${at}/@classofDevice`,
    ],
    ['a spelling of nobody', bluetooth(' ClassOfDevice="512"'), 'ERR_POLICY_RULE_ATTRIBUTE', `${at}/@ClassOfDevice`],
    ['rssiMin not whole', bluetooth(' rssiMin="-10.5"'), 'ERR_POLICY_RULE_VALUE', `${at}/@rssiMin`],
    ['rssiMin empty', bluetooth(' rssiMin=""'), 'ERR_POLICY_RULE_VALUE', `${at}/@rssiMin`],
    ['rssiMin -129', bluetooth(' rssiMin="-129"'), 'ERR_POLICY_RULE_VALUE', `${at}/@rssiMin`],
    ['rssiMin 128', bluetooth(' rssiMin="128"'), 'ERR_POLICY_RULE_VALUE', `${at}/@rssiMin`],
    ['rssiMin with a plus', bluetooth(' rssiMin="+1"'), 'ERR_POLICY_RULE_VALUE', `${at}/@rssiMin`],
    ['rssiMin -0', bluetooth(' rssiMin="-0"'), 'ERR_POLICY_RULE_VALUE', `${at}/@rssiMin`],
    ['rssiMaxDelta above 0', bluetooth(' rssiMaxDelta="1"'), 'ERR_POLICY_RULE_VALUE', `${at}/@rssiMaxDelta`],
    ['another attribute', bluetooth(' address="x"'), 'ERR_POLICY_RULE_ATTRIBUTE', `${at}/@address`],
    ['a name space', bluetooth(' xmlns="urn:x"'), 'ERR_POLICY_RULE_ATTRIBUTE', `${at}/@xmlns`],
    [
      'a child',
      rule('<signal type="bluetooth" scenario="Authentication">¦<rssiMin/></signal>'),
      'ERR_POLICY_RULE_ELEMENT',
      `${at}/rssiMin[1]`,
    ],
    ['text', rule('<signal type="bluetooth" scenario="Authentication">¦x</signal>'), 'ERR_POLICY_RULE_ELEMENT', at],
  ]);
});

describe('ipConfig', () => {
  const at = 'rule[1]/signal[1]';
  const bad = (name: string, value: string): Case => [
    `${name} ${value}`,
    ip(`<${name}>¦${value}</${name}>`),
    'ERR_POLICY_RULE_VALUE',
    `${at}/${name}[1]`,
  ];
  check([
    ['no element', rule('¦<signal type="ipConfig"/>'), 'ERR_POLICY_RULE_MISSING', at],
    [
      'an attribute on the signal',
      rule('¦<signal type="ipConfig" scenario="Authentication"/>'),
      'ERR_POLICY_RULE_ATTRIBUTE',
      `${at}/@scenario`,
    ],
    [
      'text beside the elements',
      rule('<signal type="ipConfig">¦x<dnsSuffix>a.example</dnsSuffix></signal>'),
      'ERR_POLICY_RULE_ELEMENT',
      at,
    ],
    [
      'an unknown element',
      ip('¦<ipv4Address>192.0.2.1</ipv4Address>'),
      'ERR_POLICY_RULE_ELEMENT',
      `${at}/ipv4Address[1]`,
    ],
    ['an element of wifi', ip('¦<ssid>lab</ssid>'), 'ERR_POLICY_RULE_ELEMENT', `${at}/ssid[1]`],
    [
      'an element of all objects',
      ip('¦<constructor>x</constructor>'),
      'ERR_POLICY_RULE_ELEMENT',
      `${at}/constructor[1]`,
    ],
    ['DnsSuffix', ip('¦<DnsSuffix>a.example</DnsSuffix>'), 'ERR_POLICY_RULE_ELEMENT', `${at}/DnsSuffix[1]`],
    [
      'an attribute on an element',
      ip('¦<dnsSuffix x="1">a.example</dnsSuffix>'),
      'ERR_POLICY_RULE_ATTRIBUTE',
      `${at}/dnsSuffix[1]/@x`,
    ],
    ['an empty element', ip('<dnsSuffix>¦</dnsSuffix>'), 'ERR_POLICY_RULE_MISSING', `${at}/dnsSuffix[1]`],
    ['a blank element', ip('<dnsSuffix>¦ </dnsSuffix>'), 'ERR_POLICY_RULE_MISSING', `${at}/dnsSuffix[1]`],
    ...(['ipv4Prefix', 'ipv6Prefix', 'ipv4Gateway', 'ipv6Gateway', 'ipv4DhcpServer', 'ipv6DhcpServer'] as const).map(
      (name): Case => {
        const value = `${name.startsWith('ipv4') ? '192.0.2.0' : '2001:db8::'}${name.endsWith('Prefix') ? '/24' : ''}`;
        const element = `<${name}>${value}</${name}>`;
        return [`two ${name}`, ip(`${element}¦${element}`), 'ERR_POLICY_RULE_REPEATED', `${at}/${name}[2]`];
      },
    ),
    [
      'two prefixes in two spellings',
      ip('<ipv4Prefix>192.0.2.0/24</ipv4Prefix>¦<IPv4Prefix>192.0.2.0/24</IPv4Prefix>'),
      'ERR_POLICY_RULE_REPEATED',
      `${at}/IPv4Prefix[1]`,
    ],
    bad('ipv4Prefix', '192.0.2.0'),
    bad('ipv4Prefix', '192.0.2.0/33'),
    bad('ipv4Prefix', '192.0.2.0/'),
    bad('ipv4Prefix', '192.0.2.0/024'),
    bad('ipv4Prefix', '192.0.2.0/255.255.255.0'),
    bad('ipv4Prefix', '192.0.2.0:80/24'),
    bad('ipv4Prefix', '192.0.2/24'),
    bad('ipv4Prefix', '192.0.2.256/24'),
    bad('ipv4Prefix', '192.0.2.010/24'),
    bad('ipv4Prefix', '0xc0.0.2.0/24'),
    bad('ipv4Prefix', '3221225984/24'),
    bad('ipv4Prefix', '2001:db8::/32'),
    bad('ipv4Gateway', '192.0.2.1/24'),
    bad('ipv4Gateway', '192.0.2.1:67'),
    bad('ipv4Gateway', ' 192.0.2.1'),
    bad('ipv4DhcpServer', '192.0.2.1/32'),
    bad('ipv4DnsServer', 'dns.example'),
    bad('ipv6Prefix', '2001:db8::'),
    bad('ipv6Prefix', '2001:db8::%5/64'),
    bad('ipv6Prefix', '2001:db8::/64%5'),
    bad('ipv6Prefix', '2001:db8::/129'),
    bad('ipv6Prefix', '192.0.2.0/24'),
    bad('ipv6Gateway', 'fe80::1%'),
    bad('ipv6Gateway', 'fe80::1%eth0'),
    bad('ipv6Gateway', 'fe80::1%1%2'),
    bad('ipv6Gateway', 'fe80::1/64'),
    bad('ipv6Gateway', '[fe80::1]:53'),
    bad('ipv6Gateway', '2001:db8:::1'),
    bad('ipv6Gateway', '12345::1'),
    bad('ipv6DhcpServer', '1:2:3:4:5:6:7:8:9'),
    bad('ipv6DnsServer', '192.0.2.53'),
    bad('dnsSuffix', '.corp.example'),
    bad('dnsSuffix', 'corp..example'),
    bad('dnsSuffix', '-corp.example'),
    bad('dnsSuffix', 'corp.example, b.example'),
    bad('dnsSuffix', '*.corp.example'),
    bad('dnsSuffix', 'bücher.example'),
    bad('dnsSuffix', `${'a'.repeat(64)}.example`),
    bad('dnsSuffix', '.'),
    [
      'an element inside a value',
      ip('<dnsSuffix>¦<b/></dnsSuffix>'),
      'ERR_POLICY_RULE_ELEMENT',
      `${at}/dnsSuffix[1]/b[1]`,
    ],
  ]);
});

describe('wifi', () => {
  const at = 'rule[1]/signal[1]';
  const bad = (name: string, value: string): Case => [
    `${name} ${JSON.stringify(value)}`,
    net(`<${name}>¦${value}</${name}>`),
    'ERR_POLICY_RULE_VALUE',
    `${at}/${name}[1]`,
  ];
  check([
    ['no ssid', rule('¦<signal type="wifi"><security>Open</security></signal>'), 'ERR_POLICY_RULE_MISSING', at],
    ['no security', rule('¦<signal type="wifi"><ssid>lab</ssid></signal>'), 'ERR_POLICY_RULE_MISSING', at],
    ['an empty ssid', wifi('<ssid>¦</ssid><security>Open</security>'), 'ERR_POLICY_RULE_MISSING', `${at}/ssid[1]`],
    ['an ssid of 33 octets', wifi(`<ssid>¦${'a'.repeat(33)}</ssid>`), 'ERR_POLICY_RULE_VALUE', `${at}/ssid[1]`],
    ['17 letters of two octets', wifi(`<ssid>¦${'ü'.repeat(17)}</ssid>`), 'ERR_POLICY_RULE_VALUE', `${at}/ssid[1]`],
    ['a control character in an ssid', wifi('<ssid>¦a&#10;b</ssid>'), 'ERR_POLICY_RULE_VALUE', `${at}/ssid[1]`],
    ['two ssids', wifi('<ssid>a</ssid>¦<ssid>b</ssid>'), 'ERR_POLICY_RULE_REPEATED', `${at}/ssid[2]`],
    [
      'two bssids',
      net('<bssid>00-00-5e-00-53-01</bssid>¦<bssid>00-00-5e-00-53-02</bssid>'),
      'ERR_POLICY_RULE_REPEATED',
      `${at}/bssid[2]`,
    ],
    [
      'an unknown security',
      wifi('<ssid>lab</ssid><security>¦WPA4</security>'),
      'ERR_POLICY_RULE_VALUE',
      `${at}/security[1]`,
    ],
    [
      'security in other case',
      wifi('<ssid>lab</ssid><security>¦open</security>'),
      'ERR_POLICY_RULE_VALUE',
      `${at}/security[1]`,
    ],
    bad('bssid', '00:00:5e:00:53:01'),
    bad('bssid', '00-00-5e-00-53'),
    bad('bssid', '00-00-5e-00-53-0g'),
    bad('trustedRootCA', 'ab '.repeat(20)),
    bad('trustedRootCA', 'ab'.repeat(20)),
    bad('trustedRootCA', `${'ab  '.repeat(19)}cd`),
    bad('trustedRootCA', `${'ab '.repeat(20)}cd`),
    bad('sig_quality', '101'),
    bad('sig_quality', '-1'),
    bad('sig_quality', '065'),
    bad('sig_quality', '65%'),
    ['sigQuality', net('¦<sigQuality>65</sigQuality>'), 'ERR_POLICY_RULE_ELEMENT', `${at}/sigQuality[1]`],
    [
      'an element of ipConfig',
      net('¦<dnsSuffix>a.example</dnsSuffix>'),
      'ERR_POLICY_RULE_ELEMENT',
      `${at}/dnsSuffix[1]`,
    ],
  ]);
});

describe('dynamic lock', () => {
  check(
    [
      ['the scenario of unlocking', bluetooth(''), 'ERR_POLICY_RULE_SCENARIO', 'rule[1]/signal[1]/@scenario'],
      ['ipConfig', rule('¦<signal type="ipConfig"/>'), 'ERR_POLICY_RULE_VALUE', 'rule[1]/signal[1]/@type'],
      ['and', rule('¦<and/>'), 'ERR_POLICY_RULE_ELEMENT', 'rule[1]/and[1]'],
    ],
    'Dynamic Lock',
  );
});

describe('XML that is more than elements, attributes and text', () => {
  test.each([
    ['a document type', '<!DOCTYPE rule><rule/>'],
    ['an entity of its own', '<!DOCTYPE r [<!ENTITY x "y">]><rule>&x;</rule>'],
    ['an outside entity', '<!DOCTYPE r SYSTEM "http://192.0.2.1/x"><rule/>'],
    ['an undefined entity', rule('&nbsp;')],
    ['an XML declaration', '<?xml version="1.0"?><rule/>'],
    ['a processing instruction', '<?php x ?><rule/>'],
    ['a comment', rule('<!-- x -->')],
    ['a CDATA section', rule('<![CDATA[x]]>')],
    ['an element that stays open', '<rule schemaVersion="1.0">'],
    ['a tag that stays open', '<rule schemaVersion="1.0'],
    ['an end tag alone', '</rule>'],
    ['crossed elements', '<rule><a></rule></a>'],
    ['an attribute twice', '<rule schemaVersion="1.0" schemaVersion="1.0"/>'],
    ['an attribute without quotes', '<rule schemaVersion=1.0/>'],
    ['a NUL character', rule('\0')],
    ['a NUL as a reference', rule('&#0;')],
    ['a surrogate as a reference', rule('&#xd800;')],
    ['half of a surrogate pair', rule('\ud83d')],
    ['a character that is none', rule('\uffff')],
    ['a bare ampersand', rule('a & b')],
  ])('%s', (_name, text) => {
    const error = failure(text);
    expect(error.code).toBe('ERR_POLICY_RULE_XML');
    expect(error.detail).toMatchObject({ line: 1, column: expect.any(Number) });
    expect(error.detail.column).toBeLessThanOrEqual(text.length + 1);
  });
});

describe('sizes', () => {
  test.each([
    ['a text that is too long', ' '.repeat(262_145)],
    ['1001 rules', Array(1001).fill(good).join(',')],
    ['a million open elements', '<a>'.repeat(80_000)],
    ['five levels', '<a><a><a><a><a>'],
    ['a value that is too long', ip(`<dnsSuffix>${'a'.repeat(1025)}</dnsSuffix>`)],
    ['an attribute that is too long', `<rule schemaVersion="${'1'.repeat(1025)}"/>`],
    ['17 attributes', `<rule ${Array.from({ length: 17 }, (_, i) => `a${i}="1"`).join(' ')}/>`],
    ['a name that is too long', `<${'a'.repeat(2000)}/>`],
    ['too many elements', rule('<a/>'.repeat(20_000))],
  ])('%s is refused', (_name, text) => {
    expect(failure(text).code).toBe('ERR_POLICY_RULE_TOO_LARGE');
  });
});
