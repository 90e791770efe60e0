/** Windows policies of every shape that the readers can give, for property tests. */
import fc from 'fast-check';
import type { OtherNode, PinComplexity, Provider, WindowsPolicy } from '../../../agent/policy/forms/windows/model.ts';
import { checkGroups } from '../../../agent/policy/forms/windows/providers.ts';
import { bluetooth, ipConfig, partly, wifi } from './arbitrary-document.ts';

const gestures = ['pin', 'fingerprint', 'face'] as const satisfies readonly Provider[];

const groups = fc
  .tuple(
    fc.uniqueArray(fc.constantFrom<Provider>(...gestures), { minLength: 1 }),
    fc.uniqueArray(fc.constantFrom<Provider>(...gestures, 'trusted-signal'), { minLength: 1 }),
  )
  .filter(([a, b]) => {
    try {
      checkGroups(a, b);
      return true;
    } catch {
      return false;
    }
  });

const near = bluetooth.map(({ rssiMin, ...rest }) => ({ ...rest, ...(rssiMin === undefined ? {} : { rssiMin }) }));
const plainWifi = wifi.filter(({ ssid }) => !/[\u007f]/.test(ssid) && ssid.trim() === ssid);

const named = <T>(all: readonly (readonly T[])[]) => all.map((each, i) => ({ name: `rule-${i + 1}`, all: each }));

const rules = fc
  .array(fc.array(fc.oneof(near, ipConfig, plainWifi), { minLength: 1, maxLength: 3 }), { maxLength: 4 })
  .map(named);

const lockRule = partly({
  classOfDevice: fc.constantFrom(512, 1792),
  rssiMin: fc.integer({ min: -100, max: 20 }),
  rssiMaxDelta: fc.integer({ min: -100, max: 0 }),
}).map((fields) => [{ type: 'bluetooth' as const, ...fields }]);

const characterRule = fc.constantFrom(0 as const, 1 as const, 2 as const);
const pinComplexity: fc.Arbitrary<PinComplexity> = partly<Required<PinComplexity>>({
  minimumPINLength: fc.integer({ min: 4, max: 127 }),
  maximumPINLength: fc.integer({ min: 4, max: 127 }),
  uppercaseLetters: characterRule,
  lowercaseLetters: characterRule,
  specialCharacters: characterRule,
  digits: characterRule,
  history: fc.nat(50),
  expiration: fc.nat(730),
}).filter((pin) => Object.keys(pin).length > 0 && (pin.minimumPINLength ?? 4) < (pin.maximumPINLength ?? 127));

const flag = fc.boolean();
const choice = fc.constantFrom(0 as const, 1 as const, 2 as const);

const value = fc.oneof(
  flag,
  fc.nat(0xffff),
  fc.stringMatching(/^[ -~]{0,30}$/),
  fc.stringMatching(/^(?:[0-9a-f]{2}){0,8}$/).map((hex) => ({ registryType: 3, hex })),
);
const nodes: fc.Arbitrary<readonly OtherNode[]> = fc
  .uniqueArray(
    fc.record({
      scope: fc.constantFrom('device' as const, 'user' as const),
      path: fc.constantFrom(
        'Vendor/MSFT/PassportForWork/{TenantId}/Policies/NewNode',
        'Vendor/MSFT/PassportForWork/Other/Thing',
        'SOFTWARE\\Policies\\Microsoft\\PassportForWork!Name',
        'settings-catalog:device_vendor_msft_passportforwork_new',
      ),
      value,
    }),
    { selector: ({ path }) => path, maxLength: 3 },
  )
  .map((list) => [...list].sort((a, b) => (a.path < b.path ? -1 : 1)));

export const windowsPolicies: fc.Arbitrary<WindowsPolicy> = fc
  .record(
    {
      groups,
      rules,
      pinComplexity,
      dynamicLock: fc.record({ enabled: flag, rules: fc.array(lockRule, { maxLength: 2 }).map(named) }),
      pinRecovery: flag,
      securityKeySignIn: flag,
      passwordlessExperience: choice,
      webSignIn: choice,
      biometrics: partly({
        use: flag,
        enhancedAntiSpoofing: flag,
        essWithSupportedPeripherals: fc.constantFrom(0 as const, 1 as const),
      }).filter((fields) => Object.keys(fields).length > 0),
      nodes,
    },
    { requiredKeys: ['rules', 'nodes'] },
  )
  .map(({ groups: lists, ...policy }): WindowsPolicy => {
    const [groupA, groupB] = lists ?? [];
    return { ...(groupA === undefined || groupB === undefined ? {} : { groupA, groupB }), ...policy } as WindowsPolicy;
  });
