/** Generated Windows policies, canonical, for the properties of the Windows form. Addresses are of the documentation ranges. */
import fc from 'fast-check';
import type { NodeValue, OtherNode, Provider, WindowsPolicy } from '../../../agent/policy/forms/windows/model.ts';
import {
  type IpConfigCondition,
  MAJOR_DEVICE_CLASSES,
  type SignalCondition,
  type SignalRule,
  type WifiCondition,
} from '../../../agent/policy/rules.ts';
import { WIFI_SECURITIES } from '../../../drivers/observation.ts';

const octet = fc.integer({ min: 0, max: 255 });
const ipv4 = octet.map((last) => `203.0.113.${last}`);
const ipv6 = fc.integer({ min: 1, max: 0xffff }).map((last) => `2001:db8::${last.toString(16)}`);
const scoped = fc.oneof(
  ipv6,
  fc.nat(99).map((scope) => `fe80::1%${scope}`),
);
const suffix = fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z0-9])?$/).map((label) => `${label}.example`);
const few = <T>(value: fc.Arbitrary<T>) => fc.array(value, { minLength: 1, maxLength: 3 });
const hex = (octets: number) =>
  fc.uint8Array({ minLength: octets, maxLength: octets }).map((bytes) => Buffer.from(bytes).toString('hex'));

/** Leaves out what is undefined, as exact optional properties have it. */
const optional = <T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }, required: (keyof T)[] = []) =>
  fc.record(fields, { requiredKeys: required as never[] });

const bluetooth = optional(
  {
    type: fc.constant('bluetooth' as const),
    classOfDevice: fc.constantFrom(...Object.keys(MAJOR_DEVICE_CLASSES).map(Number)),
    rssiMin: fc.integer({ min: -128, max: 127 }),
    rssiMaxDelta: fc.integer({ min: -128, max: 0 }),
  },
  ['type'],
);

const ipConfig = optional({
  ipv4Prefix: fc.integer({ min: 24, max: 32 }).map((length) => `192.0.2.0/${length}`),
  ipv4Gateway: ipv4,
  ipv4DhcpServer: ipv4,
  ipv4DnsServer: few(ipv4),
  ipv6Prefix: fc.integer({ min: 32, max: 128 }).map((length) => `2001:db8::/${length}`),
  ipv6Gateway: scoped,
  ipv6DhcpServer: scoped,
  ipv6DnsServer: few(scoped),
  dnsSuffix: few(suffix),
})
  .filter((fields) => Object.keys(fields).length > 0)
  .map((fields): IpConfigCondition => ({ type: 'ipConfig', ...fields }) as IpConfigCondition);

const ssid = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .filter(
    (text) =>
      Buffer.byteLength(text) <= 32 && !/\p{Surrogate}/u.test(text) && !/\p{Cc}|[\u2028\u2029\ufffe\uffff]/u.test(text),
  )
  .filter((text) => text.trim() !== '');

const wifi = optional(
  {
    type: fc.constant('wifi' as const),
    ssid: fc.oneof(ssid, fc.constantFrom('a,b', '</rule>,<rule>', `"'&amp;`, ' padded ', '\\"')),
    bssid: hex(6).map((digits) => digits.match(/../g)?.join(':') ?? ''),
    security: fc.constantFrom(...WIFI_SECURITIES),
    trustedRootCA: fc.oneof(hex(20), hex(32)),
    signalQuality: fc.nat(100),
  },
  ['type', 'ssid', 'security'],
).map((fields) => fields as WifiCondition);

const named = (rules: readonly (readonly SignalCondition[])[]): SignalRule[] =>
  rules.map((all, i) => ({ name: `rule-${i + 1}`, all }));

const condition: fc.Arbitrary<SignalCondition> = fc.oneof(bluetooth as fc.Arbitrary<SignalCondition>, ipConfig, wifi);
export const signalRules = fc.array(few(condition), { maxLength: 5 }).map(named);
const lockRules = fc
  .array(
    bluetooth.map((one) => [one as SignalCondition]),
    { maxLength: 2 },
  )
  .map(named);

const gestures = ['pin', 'fingerprint', 'face'] as const;
const groups = fc
  .tuple(
    fc.shuffledSubarray([...gestures], { minLength: 1 }),
    fc.shuffledSubarray<Provider>([...gestures, 'trusted-signal'], { minLength: 1 }),
  )
  .filter(([a, b]) => [...a, ...b].includes('pin') && new Set([...a, ...b]).size > 1)
  .map(([groupA, groupB]) => ({ groupA, groupB }));

const characters = fc.constantFrom(0 as const, 1 as const, 2 as const);
const pinComplexity = optional({
  minimumPINLength: fc.integer({ min: 4, max: 40 }),
  maximumPINLength: fc.integer({ min: 41, max: 127 }),
  uppercaseLetters: characters,
  lowercaseLetters: characters,
  specialCharacters: characters,
  digits: characters,
  history: fc.nat(50),
  expiration: fc.nat(730),
}).filter((rules) => Object.keys(rules).length > 0);

const tenantPath = 'Vendor/MSFT/PassportForWork/{TenantId}/Policies';
const onBoth: fc.Arbitrary<OtherNode> = fc.record({
  scope: fc.constantFrom('device' as const, 'user' as const),
  path: fc.constantFrom(`${tenantPath}/RequireSecurityDevice`, `${tenantPath}/UsePassportForWork`),
  value: fc.boolean(),
});
const registryValue: fc.Arbitrary<NodeValue> = fc.oneof(
  fc.nat(0xffffffff),
  fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !/\p{Surrogate}/u.test(text) && !text.includes('\0')),
  fc.record({ registryType: fc.constantFrom(3, 7, 11), hex: fc.nat(9).chain(hex) }),
);
const onRegistry: fc.Arbitrary<OtherNode> = fc.record({
  scope: fc.constantFrom('device' as const, 'user' as const),
  path: fc
    .stringMatching(/^[A-Z][a-z "\\=[\]-]{0,10}$/)
    .map((name) => `SOFTWARE\\Policies\\Microsoft\\PassportForWork\\Other!${name}`),
  value: registryValue,
});
const onCsp: fc.Arbitrary<OtherNode> = fc.record({
  scope: fc.constantFrom('device' as const, 'user' as const),
  path: fc.stringMatching(/^[A-Z][a-z]{0,10}$/).map((name) => `Vendor/MSFT/PassportForWork/Other/${name}`),
  value: fc.oneof(fc.string(), fc.boolean(), fc.integer()),
});

const onePerPath = (nodes: readonly OtherNode[]): OtherNode[] =>
  [...new Map(nodes.map((node) => [node.path.toLowerCase(), node])).values()].sort((a, b) =>
    a.path < b.path ? -1 : 1,
  );

const dynamicLock = fc.record({ enabled: fc.boolean(), rules: lockRules });
const list = (...nodes: fc.Arbitrary<OtherNode>[]) => fc.array(fc.oneof(...nodes), { maxLength: 4 }).map(onePerPath);

const policy = (fields: Record<string, fc.Arbitrary<unknown>>, nodes: fc.Arbitrary<OtherNode[]>) =>
  fc
    .tuple(
      fc.option(groups, { nil: {} }),
      fc.record({ rules: signalRules, nodes }),
      fc.record({ dynamicLock, ...fields }, { requiredKeys: [] }),
    )
    .map(([lists, always, others]): WindowsPolicy => ({ ...lists, ...always, ...others }) as WindowsPolicy);

const shared = { pinComplexity, pinRecovery: fc.boolean(), securityKeySignIn: fc.boolean() };
const biometrics = { use: fc.boolean(), enhancedAntiSpoofing: fc.boolean() };
const filled = <T extends object>(value: fc.Arbitrary<T>) => value.filter((one) => Object.keys(one).length > 0);

/** Policies that fit into the three strings and dynamic lock. */
export const stringsPolicies = policy({}, fc.constant([]));
/** Policies that Group Policy can say. */
export const registryPolicies = policy(
  { ...shared, biometrics: filled(optional(biometrics)) },
  list(onBoth, onRegistry),
);
/** Policies that the CSP can say. */
export const cspPolicies = policy(
  {
    ...shared,
    passwordlessExperience: characters,
    webSignIn: characters,
    biometrics: filled(
      optional({ ...biometrics, essWithSupportedPeripherals: fc.constantFrom(0 as const, 1 as const) }),
    ),
  },
  list(onBoth, onCsp),
);
