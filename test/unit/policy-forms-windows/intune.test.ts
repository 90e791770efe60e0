/** Intune's exports: custom profiles and policies of the settings catalog, in the shapes that Graph gives them. */
import { describe, expect, test } from 'vitest';
import { readWindowsPolicy } from '../../../agent/policy/forms/windows/read.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import custom from '../../vectors/windows-policy/intune-custom-profile.json' with { type: 'json' };
import catalog from '../../vectors/windows-policy/settings-catalog.json' with { type: 'json' };

const read = (document: unknown) => readWindowsPolicy(JSON.stringify(document), { name: 'x.json' });
const failure = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    if (isUnlockdError(error)) return error;
    throw error;
  }
  throw new Error('the export was accepted');
};

const customPolicy = {
  groupA: ['pin', 'fingerprint'],
  groupB: ['trusted-signal', 'pin'],
  rules: [{ name: 'rule-1', all: [{ type: 'ipConfig', ipv4Prefix: '192.0.2.0/24' }] }],
  dynamicLock: { enabled: true, rules: [] },
  pinComplexity: { minimumPINLength: 8 },
  nodes: [
    {
      scope: 'device',
      path: 'Vendor/MSFT/Policy/Config/Authentication/ConfigureWebSignInAllowedUrls',
      value: 'idp.example',
    },
  ],
};
const catalogPolicy = {
  rules: [{ name: 'rule-1', all: [{ type: 'wifi', ssid: 'lab', security: 'WPA3-Enterprise' }] }],
  biometrics: { use: true },
  securityKeySignIn: true,
  pinRecovery: true,
  pinComplexity: { minimumPINLength: 6, specialCharacters: 2 },
  nodes: [],
};

describe('custom profiles', () => {
  const setting = (fields: object) => ({
    omaSettings: [{ '@odata.type': '#microsoft.graph.omaSettingString', omaUri: './Device/x', value: '', ...fields }],
  });
  const groupA = './Device/Vendor/MSFT/PassportForWork/DeviceUnlock/GroupA';

  test('every type of OMA setting', () => {
    const { policy, notes, tenantId } = read(custom);
    expect(policy).toEqual(customPolicy);
    expect(tenantId).toBe('00000000-0000-4000-8000-000000000001');
    expect(notes).toMatchObject([{ code: 'ignored', where: 'x.json "Hello, two factors" omaSettings[6]' }]);
  });
  test.each([
    ['in an array', [custom]],
    ['in a collection', { '@odata.context': 'x', value: [custom] }],
  ])('%s', (_name, document) => {
    expect(read(document).policy).toEqual(customPolicy);
  });
  test('an unknown node of PassportForWork is kept, with a note', () => {
    const { policy, notes } = read(
      setting({ omaUri: './User/Vendor/MSFT/PassportForWork/{TenantId}/Policies/Brand/New', value: 'x' }),
    );
    expect(policy.nodes).toEqual([
      { scope: 'user', path: 'Vendor/MSFT/PassportForWork/{TenantId}/Policies/Brand/New', value: 'x' },
    ]);
    expect(notes.map(({ code }) => code)).toEqual(['unknown-node']);
  });
  test('a masked value is said to be masked', () => {
    const error = failure(() => read(setting({ omaUri: groupA, isEncrypted: true, value: '****' })));
    expect(error.code).toBe('ERR_POLICY_WINDOWS_VALUE');
    expect(error.message).toMatch(/masked/);
  });
  test.each([
    ['no URI', { omaUri: undefined }, 'ERR_POLICY_WINDOWS_JSON'],
    ['a value of another type', { omaUri: groupA, value: 7 }, 'ERR_POLICY_WINDOWS_JSON'],
    ['no value', { omaUri: groupA, value: null }, 'ERR_POLICY_WINDOWS_JSON'],
    ['no Base64', { '@odata.type': '#microsoft.graph.omaSettingBase64', value: 'a?==' }, 'ERR_POLICY_WINDOWS_JSON'],
    ['no UTF-8', { '@odata.type': '#microsoft.graph.omaSettingBase64', value: '/w==' }, 'ERR_POLICY_WINDOWS_JSON'],
  ])('%s is refused with its place', (_name, fields, code) => {
    const error = failure(() => read(setting(fields)));
    expect(error.code).toBe(code);
    expect(error.detail.where).toBe('x.json policy 1 omaSettings[0]');
  });
  test.each(['#microsoft.graph.omaSettingDateTime', '#microsoft.graph.constructor', ''])(
    'a setting of the type %j is ignored',
    (type) => {
      expect(read(setting({ '@odata.type': type })).notes.map(({ code }) => code)).toEqual(['ignored']);
    },
  );
});

describe('the settings catalog', () => {
  const instance = (fields: object) => ({ settings: [{ settingInstance: fields }] });
  const lock = 'device_vendor_msft_passportforwork_dynamiclock_dynamiclock';

  test('choices, simple values and groups, of the device and of the user', () => {
    const { policy, notes } = read(catalog);
    expect(policy).toEqual(catalogPolicy);
    expect(notes.map(({ code }) => code)).toEqual(['ignored', 'rules-without-signal']);
  });
  test('children of a choice are read', () => {
    const { policy } = read(
      instance({
        settingDefinitionId: lock,
        choiceSettingValue: {
          value: `${lock}_true`,
          children: [
            {
              settingDefinitionId: 'device_vendor_msft_passportforwork_dynamiclock_plugins',
              simpleSettingValue: {
                value: '<rule schemaVersion="1.0"><signal type="bluetooth" scenario="Dynamic Lock"/></rule>',
              },
            },
          ],
        },
      }),
    );
    expect(policy.dynamicLock).toEqual({ enabled: true, rules: [{ name: 'rule-1', all: [{ type: 'bluetooth' }] }] });
  });
  test('an unknown setting of PassportForWork is kept, with a note', () => {
    const id = 'device_vendor_msft_passportforwork_brand_new';
    const { policy, notes } = read(
      instance({ settingDefinitionId: id, choiceSettingValue: { value: `${id}_1`, children: [] } }),
    );
    expect(policy.nodes).toEqual([
      { scope: 'device', path: 'settings-catalog:vendor_msft_passportforwork_brand_new', value: '1' },
    ]);
    expect(notes.map(({ code }) => code)).toEqual(['unknown-node']);
  });
  test('settings of others are ignored', () => {
    const id = 'device_vendor_msft_policy_config_camera_allowcamera';
    const { notes } = read(
      instance({ settingDefinitionId: id, choiceSettingValue: { value: `${id}_0`, children: [] } }),
    );
    expect(notes.map(({ code }) => code)).toEqual(['ignored']);
  });
  test('nesting has a limit', () => {
    const open = '{"settingDefinitionId":"x","groupSettingCollectionValue":[{"children":[';
    const deep = `{"settings":[{"settingInstance":${open.repeat(20_000)}${']}]}'.repeat(20_000)}}]}`;
    expect(failure(() => readWindowsPolicy(deep)).code).toBe('ERR_POLICY_WINDOWS_TOO_LARGE');
  });
  test.each([
    ['no instance', { settings: [{}] }],
    ['no definition', instance({ simpleSettingValue: { value: 1 } })],
    ['a choice of another setting', instance({ settingDefinitionId: lock, choiceSettingValue: { value: 'x_true' } })],
    ['a value that is no value', instance({ settingDefinitionId: lock, simpleSettingValue: { value: {} } })],
    ['another kind of instance', instance({ settingDefinitionId: lock, simpleSettingCollectionValue: [] })],
    [
      'children that are no list',
      instance({ settingDefinitionId: lock, choiceSettingValue: { value: `${lock}_true`, children: 1 } }),
    ],
    ['groups that are no list', instance({ settingDefinitionId: lock, groupSettingCollectionValue: 1 })],
  ])('%s is refused', (_name, document) => {
    const error = failure(() => read(document));
    expect(error.code).toBe('ERR_POLICY_WINDOWS_JSON');
    expect(error.detail.where).toContain('settings[0]');
  });
});
