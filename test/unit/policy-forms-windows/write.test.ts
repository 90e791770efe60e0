/** What is written: the exact octets and text of each form, and what each form refuses with which reasons. */
import { describe, expect, test } from 'vitest';
import { InexpressibleError } from '../../../agent/policy/forms/windows/inexpressible.ts';
import type { WindowsPolicy } from '../../../agent/policy/forms/windows/model.ts';
import { readWindowsPolicy } from '../../../agent/policy/forms/windows/read.ts';
import { writeReg } from '../../../agent/policy/forms/windows/reg-write.ts';
import { writeSignalRules } from '../../../agent/policy/forms/windows/rule-write.ts';
import { writeOmaSettings, writeWindowsNodes, writeWindowsStrings } from '../../../agent/policy/forms/windows/write.ts';

const tenantId = '00000000-0000-4000-8000-000000000001';
const policy: WindowsPolicy = {
  groupA: ['pin', 'face'],
  groupB: ['trusted-signal'],
  rules: [{ name: 'rule-1', all: [{ type: 'wifi', ssid: 'a "b" <c> \\ &', security: 'Open' }] }],
  nodes: [],
};
const plugins =
  '<rule schemaVersion="1.0"><signal type="wifi"><ssid>a &quot;b&quot; &lt;c&gt; \\ &amp;</ssid><security>Open</security></signal></rule>';
const groupA = '{D6886603-9D2F-4EB2-B667-1971041FA96B},{8AF662BF-65A0-4D0A-A540-A338A999D36F}';
const groupB = '{27FBDB57-B613-4AF2-9D7E-4FA7A66C21AD}';

const reasonsOf = (run: () => unknown): readonly string[] => {
  try {
    run();
  } catch (error) {
    if (error instanceof InexpressibleError) {
      expect(error.code).toBe('ERR_POLICY_NOT_WINDOWS');
      return error.reasons.map(({ what, words }) => `${what}: ${words}`);
    }
    throw error;
  }
  return [];
};

test('the three strings', () => {
  expect(writeWindowsStrings(policy)).toEqual({ groupA, groupB, plugins });
});

test('a registry file, octet by octet', () => {
  const quoted = plugins.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  const key = 'HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\PassportForWork';
  const text = [
    'Windows Registry Editor Version 5.00',
    '',
    `[${key}\\DeviceUnlock]`,
    `"GroupA"="${groupA}"`,
    `"GroupB"="${groupB}"`,
    `"Plugins"="${quoted}"`,
    '',
    `[${key}\\PINComplexity]`,
    '"History"=dword:0000000a',
    '',
    '',
  ].join('\r\n');
  const octets = writeReg({ ...policy, pinComplexity: { history: 10 } });
  expect(Buffer.from(octets).toString('hex')).toBe(Buffer.from(`\ufeff${text}`, 'utf16le').toString('hex'));
});

test('a custom profile for Intune', () => {
  const written: unknown = JSON.parse(writeOmaSettings({ ...policy, pinComplexity: { digits: 1 } }, { tenantId }));
  const string = '#microsoft.graph.omaSettingString';
  const unlock = './Device/Vendor/MSFT/PassportForWork/DeviceUnlock';
  expect(written).toEqual({
    '@odata.type': '#microsoft.graph.windows10CustomConfiguration',
    displayName: 'Windows Hello for Business',
    omaSettings: [
      { '@odata.type': string, displayName: 'GroupA', omaUri: `${unlock}/GroupA`, value: groupA },
      { '@odata.type': string, displayName: 'GroupB', omaUri: `${unlock}/GroupB`, value: groupB },
      { '@odata.type': string, displayName: 'Plugins', omaUri: `${unlock}/Plugins`, value: plugins },
      {
        '@odata.type': '#microsoft.graph.omaSettingInteger',
        displayName: 'Digits',
        omaUri: `./Device/Vendor/MSFT/PassportForWork/${tenantId}/Policies/PINComplexity/Digits`,
        value: 1,
      },
    ],
  });
});

test('what is written for reading is canonical: other spellings give the same text', () => {
  const loose = {
    groupA: ` ${groupA.toLowerCase().replace(',', ' , ')}`,
    groupB,
    plugins: ` ${plugins.replace('<rule schemaVersion="1.0">', "<rule schemaVersion='1.0'> ")}\t`,
  };
  const { policy: read } = readWindowsPolicy(JSON.stringify(loose));
  expect(writeWindowsStrings(read)).toEqual({ groupA, groupB, plugins });
});

test('the settings of a user go to the key of that user', () => {
  const path = 'Vendor/MSFT/PassportForWork/{TenantId}/Policies/RequireSecurityDevice';
  const ofUser: WindowsPolicy = { rules: [], nodes: [{ scope: 'user', path, value: true }] };
  const text = (octets: Uint8Array) => Buffer.from(octets).toString('utf16le');
  expect(text(writeReg(ofUser))).toContain('[HKEY_CURRENT_USER\\SOFTWARE\\Policies');
  expect(text(writeReg(ofUser, { user: 'S-1-5-21-1-2-3-1001' }))).toContain('[HKEY_USERS\\S-1-5-21-1-2-3-1001\\SOFT');
  expect(writeWindowsNodes(ofUser, { tenantId })).toEqual([
    { uri: `./User/${path.replace('{TenantId}', tenantId)}`, value: true },
  ]);
});

describe('what a form cannot say is refused with all reasons', () => {
  test('the strings have no place for anything but lists, rules and dynamic lock', () => {
    const more: WindowsPolicy = { ...policy, pinRecovery: true, webSignIn: 1 };
    expect(reasonsOf(() => writeWindowsStrings(more))).toEqual([
      './Device/Vendor/MSFT/PassportForWork/{TenantId}/Policies/EnablePinRecovery: the three strings have no place for it',
      './Device/Vendor/MSFT/Policy/Config/Authentication/EnableWebSignIn: the three strings have no place for it',
    ]);
  });
  test('Group Policy has no passwordless experience', () => {
    const reasons = reasonsOf(() => writeReg({ ...policy, passwordlessExperience: 1 }));
    expect(reasons).toEqual([expect.stringMatching(/EnablePasswordlessExperience: Group Policy has no value/)]);
  });
  test('the CSP has no node for a value that only Group Policy has', () => {
    const path = 'SOFTWARE\\Policies\\Microsoft\\PassportForWork!DisableSmartCardNode';
    const run = () => writeOmaSettings({ ...policy, nodes: [{ scope: 'device', path, value: 1 }] });
    expect(reasonsOf(run)).toEqual([expect.stringMatching(/there is no CSP node/)]);
  });
  test('nodes of a tenant need the tenant', () => {
    const of = (tenant?: string) => () =>
      writeOmaSettings({ ...policy, pinRecovery: false }, tenant === undefined ? {} : { tenantId: tenant });
    expect(reasonsOf(of())).toEqual([expect.stringMatching(/give its GUID with/)]);
    expect(reasonsOf(of('nonsense'))).toHaveLength(1);
    expect(reasonsOf(of(`{${tenantId.toUpperCase()}}`))).toEqual([]);
  });
  test('the rule language has no second threshold, and no value that its reader would refuse', () => {
    const { reasons } = writeSignalRules([
      { name: 'rule-1', all: [{ type: 'bluetooth', rssiFar: -14 }] },
      { name: 'rule-2', all: [{ type: 'wifi', ssid: 'a\nb', security: 'Open' }] },
      { name: 'rule-3', all: [{ type: 'ipConfig', ipv4Prefix: '192.0.2.1/24' }] },
      { name: 'rule-4', all: [{ type: 'ipConfig', dnsSuffix: ['corp.example'] }] },
      { name: 'rule-5', all: [] },
    ]);
    expect(reasons.map(({ what }) => what)).toEqual([
      'DeviceUnlock/Plugins rule-1',
      'DeviceUnlock/Plugins rule-2',
      'DeviceUnlock/Plugins rule-3',
      'DeviceUnlock/Plugins rule-5',
    ]);
  });
  test('a rule of dynamic lock has one bluetooth condition', () => {
    const rules: WindowsPolicy['rules'] = [
      { name: 'rule-1', all: [{ type: 'ipConfig', dnsSuffix: ['corp.example'] }] },
    ];
    expect(reasonsOf(() => writeReg({ rules: [], nodes: [], dynamicLock: { enabled: true, rules } }))).toHaveLength(1);
  });
  test('lists that Windows would not take are refused by their rule', () => {
    expect(() => writeReg({ ...policy, groupA: ['face'] })).toThrowError(
      expect.objectContaining({ code: 'ERR_POLICY_WINDOWS_PIN_MISSING' }),
    );
  });
});
