/** Policy documents of every shape that the schema accepts, for property tests. */
import fc from 'fast-check';
import { DEFAULT_DYNAMIC_LOCK, dynamicLockProblems } from '../../../agent/policy/dynamic-lock.ts';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { CONTEXT_NAMES, type PolicyDocument } from '../../../agent/policy/model.ts';
import { MAJOR_DEVICE_CLASSES } from '../../../agent/policy/rules.ts';
import { WEEKDAYS } from '../../../agent/policy/time-window.ts';
import { INTERFACE_KINDS, WIFI_SECURITIES } from '../../../drivers/observation.ts';
import { FACTOR_KINDS, GESTURE_KINDS, SIGNAL_KINDS } from '../../../drivers/signal.ts';

export const octet = fc.nat(255);
export const ipv4 = fc.tuple(octet, octet, octet, octet).map((parts) => parts.join('.'));
export const ipv6 = fc.integer({ min: 1, max: 0xffff }).map((n) => `2001:db8::${n.toString(16)}`);
export const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,8}$/);
const dns = fc.constantFrom('corp.example', 'a.example', 'ward.clinic.example');
const hex = (bytes: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));

/** A record in which each field may be left out. */
export const partly = <T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(fields, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>;

export const bluetooth = partly({
  classOfDevice: fc.constantFrom(...Object.keys(MAJOR_DEVICE_CLASSES).map(Number)),
  rssiMin: fc.integer({ min: -128, max: 20 }),
  rssiMaxDelta: fc.integer({ min: -128, max: 0 }),
}).map((fields) => ({ type: 'bluetooth' as const, ...fields }));

export const ipConfig = partly({
  ipv4Prefix: fc.tuple(octet, fc.constantFrom(8, 16, 24)).map(([n, bits]) => `${n}.0.0.0/${bits}`),
  ipv4Gateway: ipv4,
  ipv4DhcpServer: ipv4,
  ipv4DnsServer: fc.array(ipv4, { minLength: 1, maxLength: 3 }),
  ipv6Prefix: fc.constantFrom('2001:db8::/32', '2001:db8:40::/48'),
  ipv6Gateway: ipv6,
  ipv6DhcpServer: ipv6,
  ipv6DnsServer: fc.array(ipv6, { minLength: 1, maxLength: 3 }),
  dnsSuffix: fc.array(dns, { minLength: 1, maxLength: 2 }),
})
  .filter((fields) => Object.keys(fields).length > 0)
  .map((fields) => ({ type: 'ipConfig' as const, ...fields }));

export const wifi = fc.record(
  {
    type: fc.constant('wifi' as const),
    ssid: fc.oneof(fc.stringMatching(/^[ -~]{1,32}$/), fc.constantFrom('Büro', '"', 'a#b', "it's", '\u007f')),
    bssid: hex(6).map((text) => text.match(/../g)?.join(':') ?? ''),
    security: fc.constantFrom(...WIFI_SECURITIES),
    trustedRootCA: fc.oneof(hex(20), hex(32)),
    signalQuality: fc.integer({ min: 0, max: 100 }),
  },
  { requiredKeys: ['type', 'ssid', 'security'] },
);

const condition = fc.oneof(bluetooth, ipConfig, wifi);

const rules = fc.uniqueArray(fc.record({ name, all: fc.array(condition, { minLength: 1, maxLength: 3 }) }), {
  selector: (rule) => rule.name,
  maxLength: 4,
});

const windows = fc.dictionary(
  name,
  fc.record({
    days: fc.uniqueArray(fc.constantFrom(...WEEKDAYS), { minLength: 1 }),
    from: fc.constantFrom('00:00', '08:30', '23:59'),
    to: fc.constantFrom('00:01', '17:30', '24:00'),
  }),
  { maxKeys: 2 },
);

const { rule: RULE, ...LOCK } = DEFAULT_DYNAMIC_LOCK;
const around = (value: number, min: number, max: number) => fc.oneof(fc.constant(value), fc.integer({ min, max }));

/** Also such as contradict themselves; `dynamicLockProblems` says which. */
export const dynamicLocks = fc.record({
  enabled: fc.boolean(),
  rule: fc.record({
    classOfDevice: fc.constantFrom(512, 1792),
    rssiMin: around(RULE.rssiMin, -110, 25),
    rssiMaxDelta: around(RULE.rssiMaxDelta, -101, 0),
    rssiFar: around(RULE.rssiFar, -110, 25),
  }),
  sampleEverySeconds: around(LOCK.sampleEverySeconds, 4, 100),
  smoothing: fc.constantFrom(LOCK.smoothing, 0.05, 0.01, 1),
  weakSamples: around(LOCK.weakSamples, 0, 101),
  staleAfterSeconds: around(LOCK.staleAfterSeconds, 9, 3601),
  hintSeconds: around(LOCK.hintSeconds, 0, 3601),
  idleSeconds: around(LOCK.idleSeconds, 4, 3601),
  lockDelaySeconds: around(LOCK.lockDelaySeconds, 0, 3601),
  withoutStrength: fc.constantFrom('near' as const, 'ignored' as const),
  unboundPhones: fc.constantFrom('ignored' as const, 'counted' as const),
  radioOff: fc.record({ means: fc.constantFrom('gone' as const, 'hold' as const), afterSeconds: fc.nat(3600) }),
  daemonGone: fc.record({ afterSeconds: fc.nat(3600) }),
  failed: fc.record({ means: fc.constantFrom('gone' as const, 'hold' as const), afterSeconds: fc.nat(3600) }),
});

interface Names {
  readonly rules: readonly string[];
  readonly windows: readonly string[];
}

function requirements({ rules: ruleNames, windows: windowNames }: Names): fc.Arbitrary<unknown> {
  const leaf = fc.constantFrom(...FACTOR_KINDS, 'trustedSignal', ...ruleNames.map((each) => `rule:${each}`));
  return fc.letrec<{ tree: unknown }>((tie) => {
    const parts = fc.uniqueArray(fc.oneof({ weight: 3, arbitrary: leaf }, { weight: 1, arbitrary: tie('tree') }), {
      minLength: 1,
      maxLength: 4,
      selector: (part) => JSON.stringify(part),
    });
    const during =
      windowNames.length === 0
        ? []
        : [fc.record({ during: fc.constantFrom(...windowNames), need: tie('tree') as fc.Arbitrary<unknown> })];
    return {
      tree: fc.oneof(
        { maxDepth: 3 },
        leaf,
        parts.map((any) => ({ any })),
        parts.map((all) => ({ all })),
        parts.chain((of) => fc.integer({ min: 1, max: of.length }).map((atLeast) => ({ atLeast, of }))),
        ...during,
      ),
    };
  }).tree;
}

const lists = (names: Names) =>
  fc
    .tuple(
      fc.uniqueArray(fc.constantFrom(...GESTURE_KINDS), { minLength: 1 }),
      fc.uniqueArray(fc.constantFrom(...FACTOR_KINDS, ...names.rules.map((each) => `rule:${each}`)), { minLength: 1 }),
    )
    .map(([first, second]) => ({ all: [{ any: first }, { any: second }] }));

const contextPolicy = (names: Names) =>
  fc.record({ require: fc.oneof(requirements(names), lists(names)), acceptAsserted: fc.boolean() });

export const documents: fc.Arbitrary<PolicyDocument> = fc
  .tuple(rules, windows)
  .chain(([ruleList, windowList]) => {
    const names = { rules: ruleList.map((each) => each.name), windows: Object.keys(windowList) };
    const [, ...others] = CONTEXT_NAMES;
    return fc.record(
      {
        version: fc.constant(2),
        contexts: fc.record(
          {
            unlock: contextPolicy(names),
            ...Object.fromEntries(others.map((context) => [context, contextPolicy(names)])),
          },
          { requiredKeys: ['unlock'] },
        ),
        rules: fc.constant(ruleList),
        windows: fc.constant(windowList),
        matching: partly({
          dnsSuffix: fc.constantFrom('labels', 'substring'),
          adapters: fc.constantFrom('same', 'mixed'),
          repeated: fc.constantFrom('all', 'any'),
          phones: fc.constantFrom('enrolled', 'any-paired'),
          interfaceKinds: fc.uniqueArray(fc.constantFrom(...INTERFACE_KINDS)),
        }),
        freshnessSeconds: fc.dictionary(fc.constantFrom(...SIGNAL_KINDS), fc.integer({ min: 1, max: 86_400 })),
        securityKey: fc.record({ userVerification: fc.constantFrom('required', 'preferred', 'discouraged') }),
        pin: partly({
          minLength: fc.integer({ min: 4, max: 60 }),
          maxLength: fc.integer({ min: 61, max: 127 }),
          digits: fc.constantFrom('allowed', 'required'),
          special: fc.constantFrom('allowed', 'required', 'disallowed'),
          refuseSimple: fc.boolean(),
          history: fc.nat(50),
          expiryDays: fc.nat(730),
        }),
        dynamicLock: dynamicLocks.filter((policy) => dynamicLockProblems(policy).length === 0),
        windowsSettings: fc.dictionary(
          fc.stringMatching(/^[ -~]{1,40}$/).filter((key) => key !== '__proto__'),
          fc.oneof(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.integer(), fc.boolean()),
          { maxKeys: 3 },
        ),
      },
      { requiredKeys: ['version', 'contexts', 'rules', 'windows'] },
    );
  })
  .map(checkedDocument);
