import { describe, expect, test } from 'vitest';
import { evaluate } from '../../../agent/policy/evaluate.ts';
import {
  explain,
  explainFactor,
  missingWords,
  refusedWords,
  stillMissing,
  waitsFor,
} from '../../../agent/policy/explain.ts';
import type { Requirement } from '../../../agent/policy/requirement.ts';
import type { SignalRule } from '../../../agent/policy/rules.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import { type FactorSignal, UNAVAILABLE_REASONS, UNSATISFIED_REASONS } from '../../../drivers/signal.ts';
import { policyOf, satisfied, snapshotOf, USER, unavailable, unsatisfied } from '../../support/policy-fixtures.ts';
import { associated, decideOn, network, phone, wired } from './situations.ts';

const real = { machineSimulated: false, pinIsBound: true, user: USER };
const decide = (policy: ReturnType<typeof policyOf>, ...signals: FactorSignal[]) =>
  evaluate(policy, snapshotOf(...signals), monotonicMs(2000), real);
const pair = policyOf(['pin'], ['securityKey']);
const lines = (decision: ReturnType<typeof decide>) =>
  explain(decision).map(({ depth, text }) => `${'  '.repeat(depth)}${text}`);
const pinLine = (signal: FactorSignal | undefined): string =>
  explain(decide(pair, ...(signal === undefined ? [] : [signal]))).find(({ text }) => text.startsWith('PIN'))?.text ??
  '';

describe('a factor in words', () => {
  const words: Readonly<Record<(typeof UNSATISFIED_REASONS)[number], string>> = {
    'not-presented': 'not presented',
    wrong: 'wrong',
    'not-enrolled': 'not enrolled for this user',
    'wrong-device': 'another device than the enrolled one',
    'not-verified': 'user not verified by the device',
    cancelled: 'cancelled',
    'timed-out': 'not presented in time',
    expired: 'expired',
  };
  test.each(UNSATISFIED_REASONS)('that is unsatisfied: %s', (reason) => {
    expect(pinLine(unsatisfied('pin', reason))).toBe(
      `PIN: ${words[reason]} [bound: the TPM checks it; 1.0 s ago; from test pin]`,
    );
  });

  const absent: Readonly<Record<(typeof UNAVAILABLE_REASONS)[number], string>> = {
    'no-device': 'no device',
    'no-permission': 'the device may not be opened',
    'no-driver': 'no driver for it',
    'locked-out': 'locked out after too many wrong tries',
    unsupported: 'not supported here',
    failed: 'the device failed',
  };
  test.each(UNAVAILABLE_REASONS)('that is unavailable: %s', (reason) => {
    expect(pinLine(unavailable('pin', reason))).toContain(`PIN: unavailable: ${absent[reason]} [`);
  });

  test.each<[string, FactorSignal | undefined, string]>([
    ['missing', undefined, 'PIN: not presented [bound: the TPM checks it]'],
    [
      'too old',
      satisfied('pin', { observedAt: 0, validFor: 500 }),
      'PIN: too old (counts for 0.5 s) [bound: the TPM checks it; 2.0 s ago; from test pin]',
    ],
    [
      'never valid',
      satisfied('pin', { validFor: -1 }),
      'PIN: too old (counts for 0.0 s) [bound: the TPM checks it; 1.0 s ago; from test pin]',
    ],
    [
      'simulated',
      satisfied('pin', { simulated: true }),
      'PIN: simulated, and this machine is not [bound: the TPM checks it; 1.0 s ago; from test pin]',
    ],
    [
      'only observed',
      satisfied('pin', { strength: 'gate' }),
      'PIN: seen, but not proved to the TPM [bound: the TPM checks it; 1.0 s ago; from test pin]',
    ],
    [
      'of the future',
      satisfied('pin', { observedAt: 3000 }),
      'PIN: observed later than now; its clock is wrong [bound: the TPM checks it; from test pin]',
    ],
    [
      'malformed',
      satisfied('pin', { validFor: Number.NaN }),
      'PIN: the signal is malformed [bound: the TPM checks it]',
    ],
    [
      'ten seconds old',
      satisfied('pin', { observedAt: -8000, validFor: 20_000 }),
      'PIN: satisfied [bound: the TPM checks it; 10 s ago; from test pin]',
    ],
    ['by the TPM', { ...satisfied('pin'), source: 'TPM' }, 'PIN: satisfied [bound: the TPM checks it; 1.0 s ago]'],
    [
      'with detail',
      { ...unsatisfied('pin', 'wrong'), detail: '3 tries are left' } as FactorSignal,
      'PIN: wrong [bound: the TPM checks it; 1.0 s ago; from test pin; 3 tries are left]',
    ],
    [
      'with evidence',
      {
        ...satisfied('pin'),
        evidence: { userVerified: false, userPresent: true, firmwareVersion: 5, odd: {} },
      } as unknown as FactorSignal,
      'PIN: satisfied [bound: the TPM checks it; 1.0 s ago; from test pin; user not verified; user present; firmware version 5]',
    ],
  ])('that is %s', (_, signal, expected) => {
    expect(pinLine(signal)).toBe(expected);
  });
});

const TWO_RULES: Requirement = { any: [{ all: ['pin', 'rule:a'] }, { all: ['securityKey', 'rule:b'] }] };
const office = (name: string): SignalRule => ({ name, all: [{ type: 'ipConfig', ipv4Prefix: '192.0.2.0/24' }] });

describe('the tree', () => {
  test('of a grant says by what, and which rule held', () => {
    const policy = policyOf(['pin'], ['network', 'securityKey']);
    expect(lines(decide(policy, satisfied('pin'), satisfied('network')))).toEqual([
      'granted by a trusted network + the PIN (bound-1)',
      '  a trusted network + the PIN (bound-1, opens with this machine + the PIN)',
      '    network: satisfied [gate: only observed; 1.0 s ago; from test network; rule office]',
      '      rule office: holds',
      '        ipConfig on eth0: satisfied (source: test network, 1.0 s old)',
      '          ipv4Prefix: 192.0.2.5/24',
      '    PIN: satisfied [bound: the TPM checks it; 1.0 s ago; from test pin]',
      '  the PIN + a security key (bound-2, opens with this machine + the PIN + a security key)',
      '    PIN: satisfied [bound: the TPM checks it; 1.0 s ago; from test pin]',
      '    security key: not presented [bound: the TPM checks it]',
    ]);
  });

  test('of a denial names the element, what is asked for, what was found, and what is missing', () => {
    const clinic = [[{ type: 'ipConfig', dnsSuffix: ['ward.example'] }, { type: 'bluetooth' }]];
    const decision = decideOn(clinic, { ipConfig: network(wired()), bluetooth: { devices: [] } });
    expect(lines(decision)).toEqual([
      'denied: no pair of factors of the policy is satisfied',
      '  a paired phone + the PIN (bound-1, opens with this machine + the PIN)',
      '    phone: its rule does not hold [gate: only observed]',
      '      rule rule-1: does not hold',
      '        ipConfig on eth0: not as the rule asks (source: test ipConfig, 1.0 s old)',
      '          dnsSuffix: not known, asked for is ward.example',
      '        bluetooth: not as the rule asks (source: test bluetooth, 1.0 s old)',
      '          user: not known, asked for is enrolled for uid 1000',
      '          proved: not known, asked for is a link under the bonded key',
      '          classOfDevice: not known, asked for is phone (512)',
      '          rssiMin: not known, asked for is at least -10 dB',
      '          rssiMaxDelta: not known, asked for is weaker by at most 10 dB',
      '    PIN: satisfied [bound: the TPM checks it; 1.0 s ago; from test pin]',
      'missing: a paired phone',
    ]);
  });

  test('writes rules out once, and again for another factor or where other rules are asked for', () => {
    const inBoth = lines(decide(policyOf(['pin', 'securityKey'], ['network', 'phone']), satisfied('network')));
    expect(inBoth.filter((line) => line.endsWith(': the rules as above'))).toEqual([
      '    phone: its rule does not hold [gate: only observed]: the rules as above',
      '    network: satisfied [gate: only observed; 1.0 s ago; from test network; rule office]: the rules as above',
    ]);
    expect(inBoth.filter((line) => line.startsWith('      rule'))).toEqual([
      '      rule near: does not hold',
      '      rule office: holds',
    ]);
    expect(inBoth.some((line) => /(PIN|security key): .*as above/.test(line))).toBe(false);
    const others = lines(
      decide({ ...policyOf(['pin'], ['network']), require: TWO_RULES, rules: [office('a'), office('b')] }),
    );
    expect(others.filter((line) => line.startsWith('      rule'))).toEqual([
      '      rule a: does not hold',
      '      rule b: does not hold',
    ]);
    expect(others.join()).not.toContain('as above');
  });

  test('says of every line whether it is as it should be', () => {
    const oks = (...signals: FactorSignal[]) => explain(decide(pair, ...signals)).map(({ ok }) => ok);
    expect(oks(satisfied('pin'), satisfied('securityKey'))).toEqual([true, true, true, true]);
    expect(oks(satisfied('pin'))).toEqual([false, false, true, false, false]);
    const sites = Array.from({ length: 9 }, (_, i) => [{ type: 'wifi', ssid: `s${i}`, security: 'Open' }]);
    const more = explain(decideOn(sites, {})).find(({ text }) => text.startsWith('and 1 more'));
    expect(more).toEqual({ depth: 3, ok: false, text: 'and 1 more rules that do not hold' });
  });

  test('tells an age from now on, and none of the future', () => {
    const policy = policyOf(['pin'], ['network']);
    const told = (observedAt: number) =>
      lines(decide(policy, satisfied('pin', { observedAt }), satisfied('network', { observedAt })));
    expect(told(2000)).toContain('        ipConfig on eth0: satisfied (source: test network, 0.0 s old)');
    expect(told(2000)).toContain('    PIN: satisfied [bound: the TPM checks it; 0.0 s ago; from test pin]');
    expect(told(2001)).toContain(
      '        ipConfig: observed later than now; its clock is wrong (source: test network)',
    );
  });

  test('says who said what was found', () => {
    const face = wired({ ipv4: { addresses: ['192.0.2.5/24'] }, sources: { 'ipv4.addresses': 'the kernel' } });
    const told = (ipv4Prefix: string) =>
      lines(decideOn([[{ type: 'ipConfig', ipv4Prefix }]], { ipConfig: network(face) })).find((line) =>
        line.includes('ipv4Prefix'),
      );
    expect(told('192.0.2.0/24')).toBe('          ipv4Prefix: 192.0.2.5/24 (source: the kernel)');
    expect(told('10.0.0.0/8')).toBe('          ipv4Prefix: 192.0.2.5/24 (source: the kernel), asked for is 10.0.0.0/8');
  });

  test('says of a signal that is not there, unavailable or malformed, what is known of it', () => {
    const wifi = [[{ type: 'wifi', ssid: 'depot-7', security: 'Open' }]];
    expect(lines(decideOn(wifi, {}))).toContain('        wifi: not presented');
    expect(lines(decideOn(wifi, { wifi: { associations: [null] } as never }))).toContain(
      '        wifi: the signal is malformed',
    );
    const policy = policyOf(['pin'], ['network']);
    const off = { ...unavailable('network', 'no-device'), detail: 'the radio is off' } as FactorSignal;
    expect(lines(decide(policy, satisfied('pin'), off))).toContain(
      '        ipConfig: unavailable: no device (source: test network, 1.0 s old, the radio is off)',
    );
  });

  test('says when asserted pairs are refused, and windows that are shut', () => {
    const asserted = lines(decide(policyOf(['fingerprint'], ['face', 'pin']), satisfied('fingerprint')));
    expect(asserted).toContain(
      '  a fingerprint + a face (asserted, opens with this machine alone); refused, as the policy does not accept asserted pairs',
    );
    const base = policyOf(['pin'], ['securityKey'], {
      windows: { office: { days: ['monday'], from: '08:00', to: '17:00' } },
    });
    const during = { ...base, require: { during: 'office', need: base.require } } as const;
    const at = (localTime: Parameters<typeof evaluate>[3]['localTime']) =>
      lines(evaluate(during, snapshotOf(), monotonicMs(2000), { ...real, localTime: localTime ?? null }))[2];
    expect(at(null)).toBe(
      '    during office: monday 08:00-17:00, it is not known what time it is [gate: only observed]',
    );
    expect(at({ day: 'tuesday', minute: 480 })).toBe(
      '    during office: monday 08:00-17:00, it is tuesday 08:00 [gate: only observed]',
    );
    expect(at({ day: 'monday', minute: 480 })).toBe('    during office: monday 08:00-17:00 [gate: only observed]');
  });

  test('writes out the one rule that holds, or all of a few, or of many those that come closest', () => {
    const rules = (count: number) =>
      Array.from({ length: count }, (_, i) => [
        {
          type: 'wifi',
          ssid: i === count - 2 ? 'depot-7' : `site-${i}`,
          security: i === count - 1 ? 'WPA2-Enterprise' : 'Open',
        },
      ]);
    const told = (count: number, security: 'Open' | 'WPA2-Enterprise') =>
      lines(decideOn(rules(count), { wifi: { associations: [associated({ security })] } })).flatMap((line) => {
        const found = /^ {6}(rule .*|and .*)$/.exec(line);
        return found === null ? [] : [found[1]];
      });
    expect(told(8, 'WPA2-Enterprise')).toEqual(
      Array.from({ length: 8 }, (_, i) => `rule rule-${i + 1}: does not hold`),
    );
    expect(told(8, 'Open')).toEqual(['rule rule-7: holds']);
    const many = told(12, 'WPA2-Enterprise');
    expect(many.slice(0, 2)).toEqual(['rule rule-11: does not hold', 'rule rule-12: does not hold']);
    expect(many.length).toBe(9);
    expect(many.at(-1)).toBe('and 4 more rules that do not hold');
    expect(told(12, 'Open')).toEqual(['rule rule-11: holds']);
    expect(lines(decideOn(rules(12), {}))).toContain('    network: none of its 12 rules holds [gate: only observed]');
  });

  test('puts a rule with one of two signals before one with none', () => {
    const near = { type: 'bluetooth' };
    const at = (ipv4Prefix: string) => ({ type: 'ipConfig', ipv4Prefix });
    const rules = [...Array.from({ length: 9 }, () => [at('10.0.0.0/8'), near]), [at('192.0.2.0/24'), near]];
    const seen = { ipConfig: network(wired({ ipv4: { addresses: ['192.0.2.5/24'] } })), bluetooth: { devices: [] } };
    expect(lines(decideOn(rules, seen)).find((line) => line.startsWith('      rule'))).toBe(
      '      rule rule-10: does not hold',
    );
    expect(lines(decideOn(rules, { ...seen, bluetooth: { devices: [phone()] } }))).toContain(
      '      rule rule-10: holds',
    );
  });
});

describe('which rule comes closest', () => {
  const face = wired({ ipv4: { addresses: ['192.0.2.5/24'], gateways: ['192.0.2.1'], dnsServers: ['192.0.2.53'] } });
  const seen = { ipConfig: network(face) };
  const fill = Array.from({ length: 9 }, () => [{ type: 'ipConfig', ipv4Prefix: '10.0.0.0/8' }]);
  const ip = (elements: object) => ({ type: 'ipConfig', ...elements });
  const half = ip({ ipv4Prefix: '192.0.2.0/24', ipv4DhcpServer: '192.0.2.9' });
  const first = (...rules: readonly object[][]) =>
    lines(decideOn([...fill, ...rules], seen)).find((line) => line.startsWith('      rule'));

  test('a signal that holds counts more than any part of one', () => {
    expect(first([half], [ip({ ipv4Prefix: '192.0.2.0/24' }), ip({ ipv4DhcpServer: '192.0.2.9' })])).toBe(
      '      rule rule-11: does not hold',
    );
  });

  test('many signals do not add up to more than one that comes close', () => {
    const close = ip({ ipv4Prefix: '192.0.2.0/24', ipv4Gateway: '192.0.2.1', ipv4DhcpServer: '192.0.2.9' });
    expect(first([half, half], [close])).toBe('      rule rule-11: does not hold');
  });
});

describe('one factor that is not satisfied', () => {
  const told = (decision: ReturnType<typeof decide>, factor: Parameters<typeof explainFactor>[1]) =>
    explainFactor(decision, factor).lines.map(
      ({ depth, ok, text }) => `${'  '.repeat(depth)}${ok ? 'yes' : 'no'} ${text}`,
    );

  test('is told once for the same rules, down to the element', () => {
    const decision = decide(policyOf(['pin', 'securityKey'], ['network']), satisfied('pin'));
    expect(explainFactor(decision, 'network').leaves.map(({ factor }) => factor)).toEqual(['network']);
    expect(told(decision, 'network')).toEqual([
      'no network: its rule does not hold [gate: only observed]',
      '  no rule office: does not hold',
      '    no ipConfig: not presented',
    ]);
    expect(told(decision, 'securityKey')).toEqual(['no security key: not presented [bound: the TPM checks it]']);
  });

  test('is told for each way whose rules are others', () => {
    const decision = decide({
      ...policyOf(['pin'], ['network']),
      require: TWO_RULES,
      rules: [office('a'), office('b')],
    });
    expect(explainFactor(decision, 'network').leaves.map(({ children }) => children.map(({ rule }) => rule))).toEqual([
      ['a'],
      ['b'],
    ]);
    expect(told(decision, 'network').filter((line) => line.includes(' rule ') && !line.includes('network'))).toEqual([
      '  no rule a: does not hold',
      '  no rule b: does not hold',
    ]);
  });

  test('is nothing where it is satisfied, or not asked for', () => {
    const decision = decide(pair, satisfied('pin'));
    expect(explainFactor(decision, 'pin')).toEqual({ leaves: [], lines: [] });
    expect(explainFactor(decision, 'face')).toEqual({ leaves: [], lines: [] });
  });
});

describe('what is missing', () => {
  const wide = policyOf(['pin', 'fingerprint'], ['securityKey', 'face'], { acceptAsserted: true });

  test('is each shortest way', () => {
    const decision = decide(wide, satisfied('pin'));
    expect(decision.missing).toEqual([['face'], ['securityKey']]);
    expect(missingWords(decision.missing)).toBe('a face, or a security key');
    expect(missingWords(decide(pair).missing)).toBe('the PIN + a security key');
    expect(missingWords([])).toBe('');
  });

  test.each<[FactorSignal, string, string]>([
    [unsatisfied('pin', 'wrong'), 'the PIN (wrong)', 'a security key'],
    [unsatisfied('pin', 'not-enrolled'), 'the PIN (not enrolled for this user)', 'a security key'],
    [unsatisfied('pin', 'wrong-device'), 'the PIN (another device than the enrolled one)', 'a security key'],
    [unsatisfied('pin', 'not-verified'), 'the PIN (user not verified by the device)', 'a security key'],
    [unavailable('pin', 'locked-out'), 'the PIN (locked out after too many wrong tries)', 'a security key'],
    [unavailable('pin', 'no-device'), '', 'the PIN + a security key'],
    [unsatisfied('pin', 'cancelled'), '', 'the PIN + a security key'],
    [unsatisfied('pin', 'timed-out'), '', 'the PIN + a security key'],
  ])('leaves out what was given and refused: %#', (signal, refused, missing) => {
    const decision = decide(pair, signal);
    expect([refusedWords(decision), missingWords(stillMissing(decision))]).toEqual([refused, missing]);
    expect(lines(decision).at(-1)).toBe(`missing: ${missing}`);
  });

  test('is not told when all of it was refused, and a refusal is told once', () => {
    const decision = decide(
      policyOf(['pin'], ['securityKey', 'face']),
      unsatisfied('pin', 'wrong'),
      satisfied('securityKey'),
      satisfied('face'),
    );
    expect(stillMissing(decision)).toEqual([]);
    expect(refusedWords(decision)).toBe('the PIN (wrong)');
    expect(lines(decision).some((line) => line.startsWith('missing'))).toBe(false);
    expect(refusedWords(decide(pair))).toBe('');
    expect(refusedWords(decide(pair, unsatisfied('pin', 'wrong'), unsatisfied('securityKey', 'wrong-device')))).toBe(
      'the PIN (wrong), a security key (another device than the enrolled one)',
    );
  });

  test('is waited for when every way that is still possible needs it', () => {
    const gone = unavailable('securityKey', 'no-device');
    expect(waitsFor(decide(pair, satisfied('pin'), gone), 'securityKey')).toBe(true);
    expect(waitsFor(decide(pair, gone), 'pin')).toBe(true);
    expect(waitsFor(decide(pair, satisfied('pin'), gone), 'pin')).toBe(true);
    expect(waitsFor(decide(wide, satisfied('pin'), gone), 'securityKey')).toBe(false);
    expect(waitsFor(decide(wide, satisfied('pin'), gone, unavailable('face', 'no-device')), 'securityKey')).toBe(true);
    expect(waitsFor(decide(pair, satisfied('pin'), satisfied('securityKey')), 'securityKey')).toBe(false);
    const refusing = policyOf(['pin', 'fingerprint'], ['securityKey', 'face']);
    expect(waitsFor(decide(refusing, unavailable('pin', 'failed'), gone), 'securityKey')).toBe(true);
  });
});
