import { describe, expect, test } from 'vitest';
import { checkedDocument, parseDocument } from '../../../agent/policy/forms/native-json.ts';
import { DEFAULT_DOCUMENT, type PolicyDocument } from '../../../agent/policy/model.ts';
import { LINT_CODES, type LintCode, severityOf } from '../../../agent/policy/study/lint/finding.ts';
import { lint, lintWords } from '../../../agent/policy/study/lint.ts';

const FACTS = { pinIsBound: true };

const document = (
  require: unknown,
  rules: readonly unknown[] = [],
  more: Record<string, unknown> = {},
): PolicyDocument => {
  const { acceptAsserted = false, contexts = {}, ...rest } = more;
  return checkedDocument({
    version: 2,
    contexts: { unlock: { require, acceptAsserted }, ...(contexts as object) },
    rules,
    ...rest,
  });
};
const ip = (name: string, condition: Record<string, unknown>) => ({ name, all: [{ type: 'ipConfig', ...condition }] });
const NEAR = { name: 'near', all: [{ type: 'bluetooth' }] };
const DEPOT = {
  name: 'depot',
  all: [{ type: 'wifi', ssid: 'depot-7', security: 'WPA2-Enterprise', trustedRootCA: '0f'.repeat(20) }],
};
const OFFICE = ip('office', { ipv4Prefix: '192.0.2.0/24', ipv4DnsServer: ['192.0.2.53'] });
/** Everything at once that nothing is to be said about. */
const CLEAN = document(
  {
    any: [
      { all: ['pin', 'securityKey'] },
      { during: 'day', need: { all: ['securityKey', { any: ['phone', 'network', 'face'] }] } },
    ],
  },
  [NEAR, DEPOT],
  {
    windows: { day: { days: ['monday'], from: '08:00', to: '18:00' } },
    contexts: {
      wallet: { require: { all: ['pin', 'securityKey'] } },
      sudo: { require: { atLeast: 2, of: ['pin', 'securityKey', 'face'] } },
    },
  },
);
const SIGNAL = { all: ['pin', 'network'] };

const found = (of: PolicyDocument, code: LintCode, facts: Parameters<typeof lint>[1] = FACTS) =>
  lint(of, facts).findings.filter((finding) => finding.code === code);
const elements = (of: PolicyDocument, code: LintCode, facts?: Parameters<typeof lint>[1]) =>
  found(of, code, facts).map(({ element }) => element);

describe('a policy about which nothing is to be said', () => {
  test('the default policy has no finding, and the weakest way in is said all the same', () => {
    const report = lint(DEFAULT_DOCUMENT, FACTS);
    expect(report.findings).toEqual([]);
    expect(lintWords(report)).toEqual([
      'unlock: the weakest way in opens with this machine + the PIN + a security key (bound-2)',
    ]);
  });

  test('neither has one with proved signals beside a second gesture', () => {
    expect(lint(CLEAN, FACTS).findings).toEqual([]);
    expect(lint(CLEAN, FACTS).weakest.map(({ context, strength }) => [context, strength])).toEqual([
      ['unlock', 'bound-1'],
      ['sudo', 'bound-1'],
      ['wallet', 'bound-2'],
    ]);
  });
});

describe('errors', () => {
  test('no way in: nothing satisfies the context with two different factors', () => {
    expect(elements(document({ all: [{ any: ['pin'] }, { any: ['pin'] }] }), 'no-way-in')).toEqual(['contexts.unlock']);
    expect(lintWords(lint(document({ any: ['pin'] }), FACTS))).toContain('unlock: opens with nothing');
  });

  test('asserted and not accepted: the pair is named', () => {
    expect(found(document({ all: ['face', 'fingerprint'] }), 'asserted-refused')[0]?.message).toBe(
      'a fingerprint + a face: the TPM checks neither, and acceptAsserted is not set',
    );
  });

  test('never open: windows that exclude each other', () => {
    const windows = {
      am: { days: ['monday'], from: '08:00', to: '12:00' },
      pm: { days: ['monday'], from: '12:00', to: '18:00' },
    };
    const need = { all: ['pin', 'securityKey'] };
    const both = document({ during: 'am', need: { during: 'pm', need } }, [], { windows });
    expect(elements(both, 'never-open')).toEqual(['contexts.unlock.require']);
    expect(elements(document({ during: 'am', need }, [], { windows }), 'never-open')).toEqual([]);
  });

  test.each([
    ['no kind of interface counts', OFFICE, { interfaceKinds: [] }, 'rules[0].all[0]'],
    ['two ends of one DNS suffix', ip('x', { dnsSuffix: ['a.example', 'b.example'] }), {}, 'rules[0]'],
    [
      'two ends of one DNS suffix in two conditions',
      {
        name: 'x',
        all: [
          { type: 'ipConfig', dnsSuffix: ['a.example'] },
          { type: 'ipConfig', dnsSuffix: ['b.example'] },
        ],
      },
      {},
      'rules[0]',
    ],
    ['an address of nobody', ip('x', { ipv4Gateway: '0.0.0.0' }), {}, 'rules[0].all[0].ipv4Gateway'],
    ['a network of nobody', ip('x', { ipv4Prefix: '127.0.0.0/24' }), {}, 'rules[0].all[0].ipv4Prefix'],
    ['a multicast address', ip('x', { ipv6DnsServer: ['ff02::1'] }), {}, 'rules[0].all[0].ipv6DnsServer'],
    [
      'a root certificate where none is verified',
      { name: 'x', all: [{ type: 'wifi', ssid: 'x', security: 'WPA2-Personal', trustedRootCA: '00'.repeat(20) }] },
      {},
      'rules[0].all[0].trustedRootCA',
    ],
    [
      'stronger than the scale goes',
      { name: 'x', all: [{ type: 'bluetooth', rssiMin: 5 }] },
      {},
      'rules[0].all[0].rssiMin',
    ],
  ])('a rule that never holds: %s', (_what, rule, matching, element) => {
    const of = document({ all: ['pin', { any: ['trustedSignal', 'securityKey'] }] }, [rule], { matching });
    expect(elements(of, 'rule-never-true')).toEqual([element]);
  });

  test('rules that can hold are not said to be impossible: the same suffixes where any is enough, nested ones', () => {
    const two = [ip('x', { dnsSuffix: ['a.example', 'b.example'] })];
    expect(elements(document(SIGNAL, two, { matching: { repeated: 'any' } }), 'rule-never-true')).toEqual([]);
    expect(elements(document(SIGNAL, two, { matching: { dnsSuffix: 'substring' } }), 'rule-never-true')).toEqual([]);
    expect(
      elements(document(SIGNAL, [ip('x', { dnsSuffix: ['a.b.example', 'b.example'] })]), 'rule-never-true'),
    ).toEqual([]);
    expect(elements(document(SIGNAL, [ip('x', { ipv4Prefix: '192.0.2.8/31' })]), 'rule-never-true')).toEqual([]);
  });

  test('a user who has no way in with what is enrolled', () => {
    const users = [
      { user: 'alice', gestures: ['pin', 'securityKey'], keys: 1, phones: 0 },
      { user: 'bob', gestures: ['pin'], keys: 0, phones: 0 },
    ] as const;
    expect(found(DEFAULT_DOCUMENT, 'user-locked-out', { ...FACTS, users }).map(({ message }) => message)).toEqual([
      'bob has no way into unlock with what is enrolled',
    ]);
  });
});

describe('risks', () => {
  test('an asserted pair that is accepted', () => {
    const of = document({ all: ['face', 'fingerprint'] }, [], { acceptAsserted: true });
    expect(found(of, 'asserted-pair')[0]?.message).toMatch(/this machine alone/);
    expect(found(of, 'asserted-refused')).toEqual([]);
    expect(found(CLEAN, 'asserted-pair')).toEqual([]);
  });

  test('a context that opens with less than unlock', () => {
    const of = document({ all: ['pin', 'securityKey'] }, [], {
      contexts: { ssh: { require: { all: ['pin', 'face'] } } },
    });
    expect(found(of, 'weaker-than-unlock')).toMatchObject([
      {
        element: 'contexts.ssh',
        message: 'ssh opens with this machine + the PIN (bound-1), unlock with no less than bound-2',
      },
    ]);
  });

  test('an alternative of a single factor', () => {
    expect(found(document({ any: ['face', { all: ['pin', 'securityKey'] }] }), 'single-factor')[0]?.message).toMatch(
      /^a face alone is dropped/,
    );
    expect(found(document({ atLeast: 1, of: ['face', 'pin'] }), 'single-factor')).toHaveLength(2);
  });

  test('a PIN and nothing else depends on a signal', () => {
    expect(found(document(SIGNAL, [OFFICE]), 'pin-only-depends')[0]?.message).toMatch(
      /only while a trusted network is there/,
    );
    expect(found(CLEAN, 'pin-only-depends')).toEqual([]);
  });

  test('a single point: every thing of the only rule, and nothing where a second rule stands in', () => {
    expect(found(document(SIGNAL, [OFFICE]), 'single-point')[0]?.message).toBe(
      'somebody with a PIN only has no way into unlock if the network 192.0.2.0/24 is renumbered; if DNS server 192.0.2.53 goes; if the machine has no network',
    );
    const second = ip('lab', { ipv4Prefix: '198.51.100.0/24' });
    expect(found(document(SIGNAL, [OFFICE, second]), 'single-point')[0]?.message).toBe(
      'somebody with a PIN only has no way into unlock if the machine has no network',
    );
    const users = [{ user: 'alice', gestures: ['pin', 'face'], keys: 0, phones: 0 }] as const;
    const withFace = document({ all: ['pin', { any: ['network', 'face'] }] }, [OFFICE]);
    expect(found(withFace, 'single-point', { ...FACTS, users })).toEqual([]);
  });

  test('a signal without any rule (V5)', () => {
    const v1 = parseDocument('{"version":1,"first":["pin"],"then":["securityKey","phone"]}');
    expect(found(v1, 'signal-without-rules')[0]?.message).toBe(
      'a paired phone is asked for, and no rule says when it counts',
    );
    expect(found(document(SIGNAL, [NEAR]), 'signal-without-rules')).toHaveLength(1);
    expect(found(document({ all: ['pin', 'trustedSignal'] }, [NEAR]), 'signal-without-rules')).toEqual([]);
  });

  test('hours at which nobody can unlock', () => {
    const windows = { day: { days: ['monday', 'tuesday'], from: '08:00', to: '18:00' } };
    const gated = { during: 'day', need: { all: ['pin', 'securityKey'] } };
    expect(found(document(gated, [], { windows }), 'closed-hours')[0]?.message).toBe(
      'nobody can use unlock from monday 00:00 to monday 08:00; monday 18:00 to tuesday 08:00; tuesday 18:00 to monday 00:00',
    );
    expect(found(document({ any: [gated, { all: ['pin', 'face'] }] }, [], { windows }), 'closed-hours')).toEqual([]);
  });

  test('a pair whose windows are never open together', () => {
    const windows = {
      am: { days: ['monday'], from: '08:00', to: '12:00' },
      pm: { days: ['monday'], from: '12:00', to: '18:00' },
    };
    const never = { during: 'am', need: { during: 'pm', need: { all: ['pin', 'face'] } } };
    const of = document({ any: [never, { all: ['pin', 'securityKey'] }] }, [], { windows });
    expect(found(of, 'pair-never-open')[0]?.message).toBe('a face + the PIN during am and pm: never open together');
  });

  test.each([
    ['addresses', OFFICE, /whoever runs a network/],
    ['an open Wi-Fi', { name: 'x', all: [{ type: 'wifi', ssid: 'x', security: 'Open' }] }, /whoever likes sets up x/],
    [
      'a passphrase',
      { name: 'x', all: [{ type: 'wifi', ssid: 'x', security: 'WPA3-Personal' }] },
      /knows the passphrase/,
    ],
    [
      'no pinned root',
      { name: 'x', all: [{ type: 'wifi', ssid: 'x', security: 'WPA2-Enterprise' }] },
      /without trustedRootCA/,
    ],
  ])('a rule that is no proof: %s', (_what, rule, words) => {
    expect(found(document(SIGNAL, [rule]), 'rule-unproved')[0]?.message).toMatch(words);
  });

  test('one condition with a proof is enough for the rule', () => {
    const both = { name: 'both', all: [...OFFICE.all, { type: 'bluetooth' }] };
    expect(found(document({ all: ['pin', 'phone'] }, [both]), 'rule-unproved')).toEqual([]);
  });

  test('a rule that another one makes superfluous, of equal ones the later', () => {
    const wide = ip('wide', { ipv4Prefix: '192.0.0.0/16' });
    expect(found(document(SIGNAL, [OFFICE, wide]), 'rule-subsumed').map(({ message }) => message)).toEqual([
      'rule office adds nothing: whenever it holds, wide does',
    ]);
    expect(elements(document(SIGNAL, [OFFICE, { ...OFFICE, name: 'again' }]), 'rule-subsumed')).toEqual(['rules[1]']);
    const apart = { any: [{ all: ['pin', 'rule:office'] }, { all: ['securityKey', 'rule:wide'] }] };
    expect(elements(document(apart, [OFFICE, wide]), 'rule-subsumed')).toEqual([]);
  });

  test('rules of two networks at a time, prefixes and suffixes of everywhere', () => {
    const wifi = (ssid: string) => ({ type: 'wifi', ssid, security: 'WPA2-Personal' });
    expect(elements(document(SIGNAL, [{ name: 'x', all: [wifi('one'), wifi('two')] }]), 'two-adapters')).toEqual([
      'rules[0]',
    ]);
    const net = (...prefixes: string[]) => ({
      name: 'x',
      all: prefixes.map((ipv4Prefix) => ({ type: 'ipConfig', ipv4Prefix })),
    });
    expect(elements(document(SIGNAL, [net('192.0.2.0/24', '198.51.100.0/24')]), 'two-adapters')).toEqual(['rules[0]']);
    expect(elements(document(SIGNAL, [net('192.0.2.0/24', '192.0.0.0/16')]), 'two-adapters')).toEqual([]);
    expect(elements(document(SIGNAL, [ip('x', { ipv4Prefix: '128.0.0.0/1' })]), 'prefix-too-wide')).toHaveLength(1);
    expect(elements(document(SIGNAL, [ip('x', { ipv4Prefix: '192.168.1.0/24' })]), 'home-network')).toHaveLength(1);
    const more = ip('x', { ipv4Prefix: '192.168.1.0/24', ipv4DnsServer: ['192.0.2.53'] });
    expect(elements(document(SIGNAL, [more]), 'home-network')).toEqual([]);
    expect(elements(document(SIGNAL, [ip('x', { dnsSuffix: ['example'] })]), 'suffix-too-wide')).toHaveLength(1);
    for (const code of ['two-adapters', 'prefix-too-wide', 'home-network', 'suffix-too-wide'] as const) {
      expect(elements(document(SIGNAL, [OFFICE]), code)).toEqual([]);
    }
  });

  test('a repeated value tightens nothing where any is enough', () => {
    const two = [ip('x', { ipv4DnsServer: ['192.0.2.53', '192.0.2.54'] })];
    expect(elements(document(SIGNAL, two, { matching: { repeated: 'any' } }), 'repeat-loosens')).toEqual([
      'rules[0].all[0].ipv4DnsServer',
    ]);
    expect(elements(document(SIGNAL, two), 'repeat-loosens')).toEqual([]);
  });

  test.each([
    ['suffix-by-substring', { dnsSuffix: 'substring' }],
    ['adapters-mixed', { adapters: 'mixed' }],
    ['phones-of-anybody', { phones: 'any-paired' }],
    ['interfaces-made-up', { interfaceKinds: ['ethernet', 'vpn'] }],
  ] as const)('the loose reading %s is said where a rule is read by it, and not elsewhere', (code, matching) => {
    const rules = [ip('x', { dnsSuffix: ['corp.example'] }), NEAR];
    expect(elements(document({ all: ['pin', 'trustedSignal'] }, rules, { matching }), code)).toHaveLength(1);
    expect(elements(document({ all: ['pin', 'trustedSignal'] }, rules), code)).toEqual([]);
    expect(elements(document({ all: ['pin', 'securityKey'] }, [], { matching }), code)).toEqual([]);
  });

  test('a PIN that the TPM does not protect', () => {
    expect(elements(DEFAULT_DOCUMENT, 'pin-not-bound', { pinIsBound: false })).toEqual(['contexts']);
  });
});

describe('notes', () => {
  test('rules and windows that no context asks for, and values that are listed twice', () => {
    const of = document({ all: ['pin', 'phone'] }, [OFFICE, NEAR], {
      windows: { day: { days: ['monday'], from: '08:00', to: '18:00' } },
    });
    expect(elements(of, 'rule-unused')).toEqual(['rules[0]']);
    expect(elements(of, 'window-unused')).toEqual(['windows.day']);
    const twice = document(SIGNAL, [ip('x', { ipv4DnsServer: ['192.0.2.53', '192.0.2.53'] })]);
    expect(elements(twice, 'listed-twice')).toEqual(['rules[0].all[0].ipv4DnsServer']);
  });

  test('too many rules to compare each with each', () => {
    const many = Array.from({ length: 401 }, (_, i) => ip(`r${i}`, { ipv4Gateway: `192.0.${i >> 8}.${i & 255}` }));
    expect(elements(document(SIGNAL, many), 'not-compared')).toEqual(['rules']);
  });

  test('findings stand in the order errors, risks, notes', () => {
    const { findings } = lint(document(SIGNAL, [OFFICE, ip('never', { ipv4Gateway: '0.0.0.0' }), NEAR]), FACTS);
    const ranks = findings.map(({ severity }) => ['error', 'risk', 'note'].indexOf(severity));
    expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
    expect(new Set(ranks)).toEqual(new Set([0, 1, 2]));
    for (const { code, severity } of findings) {
      expect(severityOf(code)).toBe(severity);
      expect(LINT_CODES[code]).toBeTruthy();
    }
  });
});
