/** CSP nodes as JSON and as SyncML, the OMA-URIs, and what tells one form from another. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readWindowsPolicy } from '../../../agent/policy/forms/windows/read.ts';
import { readUri } from '../../../agent/policy/forms/windows/uri.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';

const session = readFileSync(new URL('../../vectors/windows-policy/session.syncml.xml', import.meta.url), 'utf8');
const failure = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    if (isUnlockdError(error)) return error;
    throw error;
  }
  throw new Error('it was accepted');
};
const recovery = './Device/Vendor/MSFT/PassportForWork/{TenantId}/Policies/EnablePinRecovery';
const tenant = '00000000-0000-4000-8000-000000000001';

describe('OMA-URIs', () => {
  const path = 'Vendor/MSFT/PassportForWork/{TenantId}/Policies/EnablePinRecovery';
  test.each([
    ['./Device/Vendor/MSFT/PassportForWork/{TenantId}/Policies/EnablePinRecovery', 'device-csp', undefined],
    ['./Vendor/MSFT/PassportForWork/{TenantId}/Policies/EnablePinRecovery', 'device-csp', undefined],
    ['./User/Vendor/MSFT/PassportForWork/TenantId/Policies/EnablePinRecovery', 'user-csp', undefined],
    [`./Device/Vendor/MSFT/PassportForWork/${tenant}/Policies/EnablePinRecovery`, 'device-csp', tenant],
    [`./device/vendor/msft/passportforwork/{${tenant.toUpperCase()}}/policies/enablepinrecovery`, 'device-csp', tenant],
  ])('%s', (uri, source, tenantId) => {
    expect(readUri(uri)).toMatchObject({ source, tenant: tenantId, path });
  });
  test.each([
    './Device/Vendor/MSFT/PassportForWork',
    './Device/Vendor/MSFT/PassportForWork/',
    './Device/Vendor/MSFT/PassportForWork//GroupA',
    './Vendor/MSFT/Policy/Config/Authentication/AllowAadPasswordReset',
    './Machine/Vendor/MSFT/PassportForWork/DeviceUnlock/GroupA',
    'Vendor/MSFT/PassportForWork/DeviceUnlock/GroupA',
    `./Device/Vendor/MSFT/PassportForWork/${'x'.repeat(2000)}`,
  ])('%s is none of ours', (uri) => {
    expect(readUri(uri)).toBeUndefined();
  });
});

describe('nodes as JSON', () => {
  test.each([
    ['a map', { [recovery]: true }],
    ['a list', [{ uri: recovery, value: true }]],
    ['a number for a truth value', { [recovery]: 1 }],
    ['text for a truth value', { [recovery]: 'True' }],
  ])('%s', (_name, document) => {
    expect(readWindowsPolicy(JSON.stringify(document)).policy).toEqual({ rules: [], nodes: [], pinRecovery: true });
  });
  test.each([
    ['a list without a URI', [{ value: 1 }]],
    ['a value that is an object', { [recovery]: {} }],
    ['no value', [{ uri: recovery }]],
    ['text', 'x'],
  ])('%s is refused', (_name, document) => {
    const run = () => readWindowsPolicy(JSON.stringify(document), { format: 'csp' });
    expect(failure(run).code).toBe('ERR_POLICY_WINDOWS_JSON');
  });
  test('the nodes of two tenants are not mixed', () => {
    const of = (id: string) => `./Device/Vendor/MSFT/PassportForWork/${id}/Policies/PINComplexity/History`;
    const document = { [of(tenant)]: 1, [of('00000000-0000-4000-8000-000000000002')]: 1 };
    expect(failure(() => readWindowsPolicy(JSON.stringify(document))).code).toBe('ERR_POLICY_WINDOWS_AMBIGUOUS');
  });
});

describe('SyncML', () => {
  const item = (data: string, uri = recovery) => `<Item><Target><LocURI>${uri}</LocURI></Target>${data}</Item>`;

  test('a session with every command and format that is read', () => {
    expect(readWindowsPolicy(session)).toEqual({
      tenantId: tenant,
      notes: [],
      policy: {
        groupA: ['pin'],
        groupB: ['trusted-signal'],
        rules: [{ name: 'rule-1', all: [{ type: 'bluetooth' }] }],
        dynamicLock: { enabled: true, rules: [] },
        pinComplexity: { history: 4 },
        nodes: [],
      },
    });
  });
  test('the format of a command holds for its items, and later commands win', () => {
    const text = `<SyncBody><Add><Meta><Format>bool</Format></Meta>${item('<Data>false</Data>')}</Add><Replace>${item('<Data>true</Data>')}</Replace></SyncBody>`;
    expect(readWindowsPolicy(text).policy.pinRecovery).toBe(true);
  });
  test('Base64', () => {
    const text = `<Add>${item('<Meta><Format>b64</Format></Meta><Data>dHJ1ZQ==</Data>')}</Add>`;
    expect(readWindowsPolicy(text).policy.pinRecovery).toBe(true);
  });
  test('what is deleted is not configured, with what is below it', () => {
    const below = recovery.slice(0, recovery.lastIndexOf('/'));
    const text = `<SyncBody><Add>${item('<Data>true</Data>')}</Add><Delete>${item('', below)}</Delete></SyncBody>`;
    const { policy, notes } = readWindowsPolicy(text);
    expect(policy.pinRecovery).toBeUndefined();
    expect(notes.map(({ code }) => code)).toEqual(['deleted']);
  });
  test('commands that set nothing are ignored', () => {
    const text = `<SyncBody><Get>${item('')}</Get></SyncBody>`;
    expect(readWindowsPolicy(text).notes.map(({ code }) => code)).toEqual(['ignored']);
  });
  test.each([
    ['a document type', '<!DOCTYPE x [<!ENTITY a "b">]><SyncML/>', 'ERR_POLICY_WINDOWS_SYNCML'],
    ['an undefined entity', `<Add>${item('<Data>&a;</Data>')}</Add>`, 'ERR_POLICY_WINDOWS_SYNCML'],
    ['a processing instruction', '<SyncML><?x y?></SyncML>', 'ERR_POLICY_WINDOWS_SYNCML'],
    ['an element that stays open', '<SyncML>', 'ERR_POLICY_WINDOWS_SYNCML'],
    ['an item without a target', '<Add><Item><Data>x</Data></Item></Add>', 'ERR_POLICY_WINDOWS_SYNCML'],
    ['elements inside a value', `<Add>${item('<Data><rule/></Data>')}</Add>`, 'ERR_POLICY_WINDOWS_SYNCML'],
    ['two values', `<Add>${item('<Data>1</Data><Data>0</Data>')}</Add>`, 'ERR_POLICY_WINDOWS_SYNCML'],
    ['a command in a command', '<Add><Replace/></Add>', 'ERR_POLICY_WINDOWS_SYNCML'],
    ['an unknown format', `<Add>${item('<Meta><Format>node</Format></Meta>')}</Add>`, 'ERR_POLICY_WINDOWS_SYNCML'],
    ['a value out of range', `<Add>${item('<Data>2</Data>')}</Add>`, 'ERR_POLICY_WINDOWS_VALUE'],
    ['17 levels', '<a>'.repeat(17), 'ERR_POLICY_WINDOWS_TOO_LARGE'],
    ['more elements than any session has', `<a>${'<b/>'.repeat(30_000)}</a>`, 'ERR_POLICY_WINDOWS_TOO_LARGE'],
  ])('%s is refused', (_name, text, code) => {
    expect(failure(() => readWindowsPolicy(text, { format: 'csp' })).code).toBe(code);
  });
});

describe('which form it is', () => {
  test('rules alone, also with the line break that an editor ends a file with', () => {
    const rule = '<rule schemaVersion="1.0"><signal type="bluetooth" scenario="Authentication"/></rule>';
    expect(readWindowsPolicy(`${rule}\r\n`).policy.rules).toHaveLength(1);
    expect(failure(() => readWindowsPolicy(`${rule}\n\n`)).code).toBe('ERR_POLICY_RULE_LINE_BREAK');
  });
  test('the strings as a file', () => {
    const strings = {
      GroupA: '{D6886603-9D2F-4EB2-B667-1971041FA96B}',
      groupB: '{8AF662BF-65A0-4D0A-A540-A338A999D36F}',
      DynamicLock: { enabled: false, plugins: '' },
    };
    expect(readWindowsPolicy(JSON.stringify(strings)).policy).toEqual({
      groupA: ['pin'],
      groupB: ['face'],
      dynamicLock: { enabled: false, rules: [] },
      rules: [],
      nodes: [],
    });
  });
  test.each([
    ['an unknown value among the strings', '{"GroupA":"x","GroupC":"y"}', 'ERR_POLICY_WINDOWS_JSON'],
    ['a number among the strings', '{"GroupA":1}', 'ERR_POLICY_WINDOWS_JSON'],
    ['an unknown value of dynamic lock', '{"dynamicLock":{"enabled":true,"x":1}}', 'ERR_POLICY_WINDOWS_JSON'],
    ['an empty file', '', 'ERR_POLICY_WINDOWS_FORMAT'],
    ['an empty object', '{}', 'ERR_POLICY_WINDOWS_FORMAT'],
    ['an empty list', '[]', 'ERR_POLICY_WINDOWS_FORMAT'],
    ['prose', 'hello', 'ERR_POLICY_WINDOWS_FORMAT'],
    ['half of JSON', '{"GroupA":', 'ERR_POLICY_WINDOWS_JSON'],
    ['JSON that is deeper than any', '['.repeat(1_000_000), 'ERR_POLICY_WINDOWS_JSON'],
    ['half of a surrogate pair', '{"GroupA":"\ud800"}', 'ERR_POLICY_WINDOWS_FORMAT'],
    ['a file that is too large', ' '.repeat(4_194_305), 'ERR_POLICY_WINDOWS_TOO_LARGE'],
  ])('%s is refused', (_name, text, code) => {
    expect(failure(() => readWindowsPolicy(text)).code).toBe(code);
  });
});
