/** Registry files: both versions, every kind of value, deletions, the keys of Group Policy and of the CSP. */
import { describe, expect, test } from 'vitest';
import { readWindowsPolicy } from '../../../agent/policy/forms/windows/read.ts';
import { readRegText } from '../../../agent/policy/forms/windows/reg-text.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';

const V5 = 'Windows Registry Editor Version 5.00\r\n\r\n';
const POLICY = 'HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\PassportForWork';
const SID = 'S-1-5-21-1000000000-2000000000-3000000000-1001';
const TENANT = '00000000-0000-4000-8000-000000000001';
const utf16 = (text: string): Uint8Array => Buffer.from(`\ufeff${text}`, 'utf16le');
const read = (text: string) => readWindowsPolicy(V5 + text, { name: 'x.reg' });
const values = (text: string) =>
  readRegText(V5 + text, 'x.reg').flatMap((entry) => (entry.does === 'value' ? [entry.value] : []));

const failure = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    if (isUnlockdError(error)) return error;
    throw error;
  }
  throw new Error('the file was accepted');
};

const whole = `[${POLICY}\\DeviceUnlock]\r
"GroupA"="{D6886603-9D2F-4EB2-B667-1971041FA96B}"\r
"GroupB"="{27FBDB57-B613-4AF2-9D7E-4FA7A66C21AD}"\r
"Plugins"="<rule schemaVersion=\\"1.0\\"><signal type=\\"ipConfig\\"><dnsSuffix>corp.example</dnsSuffix></signal></rule>"\r
`;
const wholePolicy = {
  groupA: ['pin'],
  groupB: ['trusted-signal'],
  rules: [{ name: 'rule-1', all: [{ type: 'ipConfig', dnsSuffix: ['corp.example'] }] }],
  nodes: [],
};

describe('encodings', () => {
  test('UTF-16LE with a byte order mark', () => {
    expect(readWindowsPolicy(utf16(V5 + whole))).toEqual({ policy: wholePolicy, notes: [] });
  });
  test('REGEDIT4 in ANSI', () => {
    const file = Buffer.from(`REGEDIT4\r\n\r\n[${POLICY}]\r\n"Note"="caf\xe9"\r\n`, 'latin1');
    expect(readWindowsPolicy(file).policy.nodes).toMatchObject([{ value: 'café' }]);
  });
  test('version 5 that an editor has stored as UTF-8', () => {
    expect(readWindowsPolicy(Buffer.from(`\ufeff${V5}${whole}`)).policy).toEqual(wholePolicy);
  });
  test('line feeds alone', () => {
    expect(readWindowsPolicy((V5 + whole).replaceAll('\r', '')).policy).toEqual(wholePolicy);
  });
  test.each([
    ['half a character', utf16(V5).subarray(0, -1)],
    ['half of a surrogate pair', utf16(`${V5}[A\ud800]`)],
    ['the other byte order', Buffer.from(utf16(V5)).swap16()],
    ['octets that are no UTF-8', Buffer.from([0x57, 0xff, 0xff])],
  ])('%s is refused', (_name, file) => {
    expect(failure(() => readWindowsPolicy(file)).code).toBe('ERR_POLICY_WINDOWS_FORMAT');
  });
});

describe('values', () => {
  test.each([
    ['text', '"a\\\\b\\"c"', { kind: 'text', text: 'a\\b"c' }],
    ['text over two lines', '"a\r\nb"', { kind: 'text', text: 'a\r\nb' }],
    ['dword', 'dword:0000000A', { kind: 'dword', value: 10 }],
    ['dword with few digits', 'dword:1', { kind: 'dword', value: 1 }],
    ['dword at its largest', 'DWORD:ffffffff', { kind: 'dword', value: 4_294_967_295 }],
    ['hex(1)', 'hex(1):48,00,69,00,00,00', { kind: 'text', text: 'Hi' }],
    ['hex(2) over lines', 'hex(2):48,00,\\\r\n  69,00,00,00', { kind: 'text', text: 'Hi' }],
    ['hex(4)', 'hex(4):01,02,00,00', { kind: 'dword', value: 513 }],
    ['hex(7)', 'hex(7):41,00,00,00,00,00', { kind: 'raw', registryType: 7, hex: '410000000000' }],
    ['hex', 'hex:de,AD', { kind: 'raw', registryType: 3, hex: 'dead' }],
    ['hex without octets', 'hex:', { kind: 'raw', registryType: 3, hex: '' }],
    ['hex(b)', 'hex(b):01,00,00,00,00,00,00,00', { kind: 'raw', registryType: 11, hex: '0100000000000000' }],
    ['a comment behind', '"a" ; why', { kind: 'text', text: 'a' }],
  ])('%s', (_name, text, value) => {
    expect(values(`[A]\r\n"x"=${text}\r\n`)).toEqual([value]);
  });
  test('in REGEDIT4 hex(2) has one octet a character', () => {
    expect(readRegText('REGEDIT4\n[A]\n"x"=hex(2):48,69,00\n', 'x.reg').at(-1)).toMatchObject({
      value: { kind: 'text', text: 'Hi' },
    });
  });
  test('comments, blank lines, spaces and the unnamed value', () => {
    const entries = readRegText(`${V5}; hello\r\n\r\n [A]\r\n\t"x" = dword:1\r\n@="y"\r\n;"z"="z"`, 'x.reg');
    expect(entries.map((entry) => [entry.line, entry.does])).toEqual([
      [5, 'key'],
      [6, 'value'],
      [7, 'value'],
    ]);
  });
});

describe('syntax errors name the line', () => {
  test.each([
    ['a key that stays open', '[A', 3],
    ['a key without a name', '[]', 3],
    ['a key with an empty part', '[A\\\\B]', 3],
    ['a value before any key', '"x"="y"', 3],
    ['a value after a deleted key', '[-A]\r\n"x"="y"', 4],
    ['a line that is nothing', '[A]\r\nhello', 4],
    ['a name without =', '[A]\r\n"x" "y"', 4],
    ['no value', '[A]\r\n"x"=', 4],
    ['a text that stays open', '[A]\r\n"x"="y\r\n\r\n', 4],
    ['an unknown escape', '[A]\r\n"x"="\\n"', 4],
    ['dword with nine digits', '[A]\r\n"x"=dword:123456789', 4],
    ['dword without digits', '[A]\r\n"x"=dword:', 4],
    ['half a comma list', '[A]\r\n"x"=hex:01,', 4],
    ['no octet', '[A]\r\n"x"=hex:0g', 4],
    ['three digits', '[A]\r\n"x"=hex:123', 4],
    ['half a character', '[A]\r\n"x"=hex(1):48', 4],
    ['half of a surrogate pair', '[A]\r\n"x"=hex(1):00,d8', 4],
    ['NUL inside a text', '[A]\r\n"x"=hex(1):00,00,48,00', 4],
    ['two values on a line', '[A]\r\n"x"="y" "z"="z"', 4],
    ['something behind a key', '[A] B', 3],
  ])('%s', (_name, text, line) => {
    const error = failure(() => read(text));
    expect(error.code).toBe('ERR_POLICY_WINDOWS_REG');
    expect(error.detail.where).toBe(`x.reg line ${line}`);
  });
  test('another first line', () => {
    expect(failure(() => readWindowsPolicy('REGEDIT5\n', { format: 'reg' })).code).toBe('ERR_POLICY_WINDOWS_REG');
  });
});

describe('keys of Group Policy', () => {
  test('every setting that has a place of its own', () => {
    const { policy, notes } = read(`${whole}
[${POLICY}\\DynamicLock]
"DynamicLock"=dword:1
"Plugins"="<rule schemaVersion=\\"1.0\\"><signal type=\\"bluetooth\\" scenario=\\"Dynamic Lock\\"/></rule>"
[${POLICY}\\PINComplexity]
"MinimumPINLength"=dword:8
"Digits"=dword:2
[${POLICY}]
"EnablePinRecovery"=dword:1
[${POLICY}\\Biometrics]
"Enabled"=dword:0
[HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\FIDO]
"EnableFIDODeviceLogon"=dword:1
[HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\Biometrics\\FacialFeatures]
"EnhancedAntiSpoofing"=dword:1
`);
    expect(notes).toEqual([]);
    expect(policy).toEqual({
      ...wholePolicy,
      dynamicLock: { enabled: true, rules: [{ name: 'rule-1', all: [{ type: 'bluetooth' }] }] },
      pinComplexity: { minimumPINLength: 8, digits: 2 },
      pinRecovery: true,
      biometrics: { use: false, enhancedAntiSpoofing: true },
      securityKeySignIn: true,
    });
  });
  test('names count without case, and HKLM is HKEY_LOCAL_MACHINE', () => {
    const key = 'hklm\\software\\policies\\MICROSOFT\\passportforwork\\pincomplexity\\';
    expect(read(`[${key}]\n"HISTORY"=dword:5\n`).policy.pinComplexity).toEqual({ history: 5 });
  });
  test('known settings without a place of their own are kept by their path', () => {
    expect(read(`[${POLICY}]\n"Enabled"=dword:1\n"RequireSecurityDevice"=dword:0\n`).policy.nodes).toEqual([
      { scope: 'device', path: 'Vendor/MSFT/PassportForWork/{TenantId}/Policies/RequireSecurityDevice', value: false },
      { scope: 'device', path: 'Vendor/MSFT/PassportForWork/{TenantId}/Policies/UsePassportForWork', value: true },
    ]);
  });
  test('unknown values are kept as they are, with a note', () => {
    const { policy, notes } = read(`[${POLICY}\\Odd]\n"New"=hex:01,02\n`);
    const path = 'SOFTWARE\\Policies\\Microsoft\\PassportForWork\\Odd!New';
    expect(policy.nodes).toEqual([{ scope: 'device', path, value: { registryType: 3, hex: '0102' } }]);
    expect(notes).toMatchObject([{ code: 'unknown-node', where: 'x.reg line 4' }]);
  });
  test('other keys are ignored with one note each', () => {
    const { policy, notes } = read('[HKLM\\SOFTWARE\\Other]\n"a"="1"\n"b"="2"\n[HKEY_CLASSES_ROOT\\x]\n"a"="1"\n');
    expect(policy).toEqual({ rules: [], nodes: [] });
    expect(notes.map(({ code, where }) => [code, where])).toEqual([
      ['ignored', 'x.reg line 4'],
      ['ignored', 'x.reg line 7'],
    ]);
  });
  test('the policy of a user', () => {
    const { policy } = read(
      `[HKEY_USERS\\${SID}\\SOFTWARE\\Policies\\Microsoft\\PassportForWork]\n"Enabled"=dword:1\n`,
    );
    expect(policy.nodes).toMatchObject([{ scope: 'user', value: true }]);
  });
  test('device unlock of a user does not exist in Windows', () => {
    const { policy, notes } = read(whole.replaceAll('HKEY_LOCAL_MACHINE', 'HKEY_CURRENT_USER'));
    expect(policy).toEqual({ rules: [], nodes: [] });
    expect(notes.map(({ code }) => code)).toEqual(['no-user-scope', 'no-user-scope', 'no-user-scope']);
  });
  test('two users in one file are refused', () => {
    const of = (user: string) => `[HKU\\${user}\\SOFTWARE\\Policies\\Microsoft\\PassportForWork]\n"Enabled"=dword:1\n`;
    expect(failure(() => read(of(SID) + of(`${SID}1`))).code).toBe('ERR_POLICY_WINDOWS_AMBIGUOUS');
  });
  test('a value of the wrong type is refused with its line', () => {
    const error = failure(() => read(`[${POLICY}\\DynamicLock]\n"DynamicLock"=dword:2\n`));
    expect(error).toMatchObject({ code: 'ERR_POLICY_WINDOWS_VALUE', detail: { where: 'x.reg line 4' } });
  });
});

describe('keys of the CSP', () => {
  const csp = 'HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Policies\\PassportForWork';
  test('of the device, of a user, and without a tenant', () => {
    const { policy, tenantId } = read(`[${csp}\\${TENANT}\\Device\\Policies\\PINComplexity]
"History"=dword:7
[${csp}\\${TENANT}\\${SID}\\Policies]
"UsePassportForWork"=dword:1
[${csp}\\SecurityKey]
"UseSecurityKeyForSignin"=dword:1
[HKLM\\SOFTWARE\\Microsoft\\PolicyManager\\current\\device\\Authentication]
"EnablePasswordlessExperience"=dword:1
"EnableWebSignIn"=dword:2
`);
    expect(tenantId).toBe(TENANT);
    expect(policy).toEqual({
      rules: [],
      pinComplexity: { history: 7 },
      securityKeySignIn: true,
      passwordlessExperience: 1,
      webSignIn: 2,
      nodes: [
        { scope: 'user', path: 'Vendor/MSFT/PassportForWork/{TenantId}/Policies/UsePassportForWork', value: true },
      ],
    });
  });
});

describe('what comes later wins', () => {
  const history = (n: number) => `[${POLICY}\\PINComplexity]\n"History"=dword:${n}\n`;
  test('a value that is set twice', () => {
    expect(read(history(1) + history(2)).policy.pinComplexity).toEqual({ history: 2 });
  });
  test('a value that is deleted is not configured, with a note', () => {
    const { policy, notes } = read(`${history(1)}"history"=-\n`);
    expect(policy.pinComplexity).toBeUndefined();
    expect(notes).toMatchObject([{ code: 'deleted', where: 'x.reg line 5' }]);
  });
  test('a key that is deleted takes what is below it along', () => {
    expect(read(`${history(1)}[-${POLICY}]\n`).policy.pinComplexity).toBeUndefined();
  });
  test('a key whose name only begins alike stays', () => {
    expect(read(`${history(1)}[-${POLICY}\\PIN]\n`).policy.pinComplexity).toEqual({ history: 1 });
  });
  test('what is set after the deletion counts', () => {
    expect(read(`${history(1)}[-${POLICY}]\n${history(2)}`).policy.pinComplexity).toEqual({ history: 2 });
  });
});
