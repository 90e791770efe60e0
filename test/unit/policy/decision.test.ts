import { describe, expect, test } from 'vitest';
import { branchesOf } from '../../../agent/policy/branches.ts';
import { evaluate, isEvaluated, situationOf } from '../../../agent/policy/evaluate.ts';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { readAddress, readPrefix } from '../../../agent/policy/match/address.ts';
import { contextsOf, policyFor } from '../../../agent/policy/model.ts';
import { prepare } from '../../../agent/policy/prepare.ts';
import {
  branchOpensWith,
  compareStrength,
  factorName,
  factorsWords,
  factorWords,
  opensWith,
  weakest,
} from '../../../agent/policy/words.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import { FACTOR_KINDS } from '../../../drivers/signal.ts';
import { policyOf, satisfied, snapshotOf, USER } from '../../support/policy-fixtures.ts';

const real = { machineSimulated: false, pinIsBound: true, user: USER };
const pair = policyOf(['pin'], ['securityKey', 'network']);
const decide = (...kinds: Parameters<typeof satisfied>[0][]) =>
  evaluate(pair, snapshotOf(...kinds.map((kind) => satisfied(kind))), monotonicMs(2000), real);

describe('a decision', () => {
  test('is written down whole, with the reasons that are worked out when they are read', () => {
    const granted = JSON.parse(JSON.stringify(decide('pin', 'securityKey')));
    expect(Object.keys(granted).sort()).toEqual(['at', 'branch', 'missing', 'reasons', 'strength', 'verdict']);
    expect(granted).toMatchObject({
      verdict: 'granted',
      at: 2000,
      strength: 'bound-2',
      missing: [],
      reasons: { kind: 'policy', ok: true },
    });
    const denied = JSON.parse(JSON.stringify(decide('pin')));
    expect(denied).toMatchObject({
      verdict: 'denied',
      at: 2000,
      missing: [['network'], ['securityKey']],
      reasons: { kind: 'policy', ok: false },
    });
    expect('branch' in denied).toBe(false);
  });

  test('works its reasons out once', () => {
    const decision = decide('pin');
    expect(decision.reasons).toBe(decision.reasons);
    expect(decision.reasons.kind).toBe('policy');
  });

  test('cannot be changed, nor what all decisions have in common', () => {
    const decision = decide('pin');
    const common = Object.getPrototypeOf(decision) as object;
    for (const object of [
      decision,
      common,
      common.constructor,
      decision.reasons,
      decision.reasons.children,
      decision.missing,
      ...decision.missing,
    ]) {
      expect(Object.isFrozen(object)).toBe(true);
    }
    expect(() => Object.defineProperty(decision, 'verdict', { value: 'granted' })).toThrow(TypeError);
  });

  test('is made by evaluate() alone, not by its own constructor', () => {
    const genuine = decide('pin', 'securityKey');
    const { constructor: made } = Object.getPrototypeOf(genuine) as { constructor: new (...args: unknown[]) => object };
    expect(() => new made(Symbol('mint'), situationOf(genuine), undefined)).toThrow(/evaluate\(\) alone/);
    expect(isEvaluated(genuine)).toBe(true);
    expect(isEvaluated({ ...genuine })).toBe(false);
    expect(situationOf(genuine)?.now).toBe(2000);
  });

  test('is of the signals as they were, whatever becomes of the map', () => {
    const signals = snapshotOf(satisfied('pin'));
    const decision = evaluate(pair, signals, monotonicMs(2000), real);
    signals.set('securityKey', satisfied('securityKey'));
    signals.delete('pin');
    expect(decision.missing).toEqual([['network'], ['securityKey']]);
    for (const kind of ['pin', 'securityKey'] as const) {
      expect(situationOf(decision)?.snapshot.get(kind)?.kind).toBe(kind === 'pin' ? 'pin' : undefined);
    }
  });

  test('of the strongest branch, whichever stands first', () => {
    const wide = policyOf(['pin', 'fingerprint', 'securityKey'], ['network', 'pin', 'face'], { acceptAsserted: true });
    const by = (...kinds: Parameters<typeof satisfied>[0][]) => {
      const decision = evaluate(wide, snapshotOf(...kinds.map((kind) => satisfied(kind))), monotonicMs(2000), real);
      return decision.verdict === 'granted' ? `${decision.branch.factors.join('+')} ${decision.strength}` : 'denied';
    };
    expect(by('fingerprint', 'face')).toBe('fingerprint+face asserted');
    expect(by('fingerprint', 'face', 'pin')).toBe('fingerprint+pin bound-1');
    expect(by('fingerprint', 'face', 'pin', 'securityKey')).toBe('pin+securityKey bound-2');
    expect(by('face', 'securityKey', 'network')).toBe('face+securityKey bound-1');
  });

  test('rests on the oldest signal of the rule that holds, and names all its sources', () => {
    const policy = policyFor(
      checkedDocument({
        version: 2,
        contexts: { unlock: { require: { all: ['pin', 'rule:both'] } } },
        rules: [{ name: 'both', all: [{ type: 'ipConfig', ipv4Prefix: '192.0.2.0/24' }, { type: 'bluetooth' }] }],
      }),
      'unlock',
    );
    const signals = snapshotOf(
      satisfied('pin'),
      satisfied('network', { observedAt: 1500 }),
      satisfied('phone', { observedAt: 1200 }),
    );
    const [leaf] = evaluate(policy, signals, monotonicMs(2000), real).reasons.children[0]?.children ?? [];
    expect(leaf).toMatchObject({
      factor: 'phone',
      ok: true,
      strength: 'gate',
      ageMs: 800,
      source: 'test network and test phone',
      evidence: { rule: 'both' },
      detail: null,
    });
  });
});

describe('a prepared policy', () => {
  test('is kept with a policy that is frozen, and with no other', () => {
    expect(prepare(pair)).toBe(prepare(pair));
    const open = { ...pair };
    expect(prepare(open)).not.toBe(prepare(open));
    const branches = prepare(pair).branches({ pinIsBound: true });
    expect(prepare(pair).branches({ pinIsBound: true })).toBe(branches);
    expect(prepare(pair).branches({ pinIsBound: false })).not.toBe(branches);
    expect(prepare(pair).branches({ pinIsBound: false })[0]?.branch.strength).not.toBe(branches[0]?.branch.strength);
  });

  test('that may be changed is read as it is now', () => {
    const open = { ...pair, require: { all: ['pin', 'securityKey'] } as never };
    const signals = snapshotOf(satisfied('pin'), satisfied('face'));
    expect(evaluate(open, signals, monotonicMs(2000), real).verdict).toBe('denied');
    open.require = { all: ['pin', 'face'] } as never;
    expect(evaluate(open, signals, monotonicMs(2000), real).verdict).toBe('granted');
  });
});

test('contexts with a policy of their own, unlock first; the others have that of unlock', () => {
  const document = checkedDocument({
    version: 2,
    contexts: {
      wallet: { require: { all: ['pin', 'face'] }, acceptAsserted: true },
      unlock: { require: { all: ['pin', 'securityKey'] } },
    },
  });
  expect(contextsOf(document)).toEqual(['unlock', 'wallet']);
  expect(policyFor(document, 'wallet')).toMatchObject({ require: { all: ['pin', 'face'] }, acceptAsserted: true });
  expect(policyFor(document, 'ssh')).toEqual(policyFor(document, 'unlock'));
  expect(Object.isFrozen(policyFor(document, 'ssh'))).toBe(true);
});

test('factors in words', () => {
  expect(FACTOR_KINDS.map(factorName)).toEqual(['PIN', 'security key', 'fingerprint', 'face', 'phone', 'network']);
  expect(FACTOR_KINDS.map(factorWords)).toEqual([
    'the PIN',
    'a security key',
    'a fingerprint',
    'a face',
    'a paired phone',
    'a trusted network',
  ]);
  expect(factorsWords(['pin', 'face'])).toBe('the PIN + a face');
});

test('strengths are compared, and the weakest branch says what a policy takes', () => {
  expect(compareStrength('asserted', 'bound-1')).toBeLessThan(0);
  expect(compareStrength('bound-2', 'bound-1')).toBeGreaterThan(0);
  expect(compareStrength('bound-1', 'bound-1')).toBe(0);
  const branches = branchesOf(policyOf(['pin', 'face'], ['securityKey', 'fingerprint']), { pinIsBound: true });
  expect([weakest(branches), opensWith(branches)]).toEqual(['asserted', 'this machine alone']);
  expect(branches.map(branchOpensWith)).toEqual([
    'this machine alone',
    'this machine + the PIN',
    'this machine + a security key',
    'this machine + the PIN + a security key',
  ]);
  expect(weakest(branches.toReversed())).toBe('asserted');
  expect([weakest([]), opensWith([])]).toEqual([null, 'nothing']);
  expect([weakest(branches.slice(1)), opensWith(branches.slice(1))]).toEqual([
    'bound-1',
    'this machine + the PIN, or this machine + a security key',
  ]);
});

describe('addresses', () => {
  test('are read again after many others', () => {
    const first = readAddress('192.0.2.1');
    for (let i = 0; i < 2000; i++) readAddress(`10.0.${i >> 8}.${i & 255}`);
    expect(readAddress('192.0.2.1')).toEqual(first);
    expect(readAddress('nonsense')).toBeNull();
    expect(readAddress('nonsense')).toBeNull();
  });

  test.each<[string, unknown]>([
    ['192.0.2.1', { family: 4, text: '192.0.2.1', bytes: [192, 0, 2, 1], scope: null }],
    ['FE80::A%eth0', { family: 6, text: 'fe80::a', bytes: [0xfe, 0x80, ...Array(13).fill(0), 10], scope: 'eth0' }],
    ['::192.0.2.1', { family: 6, text: '::c000:201', bytes: [...Array(12).fill(0), 192, 0, 2, 1], scope: null }],
    ['::1.2.3', null],
    ['::1.2.3.04', null],
    ['1.2.3.4.', null],
    ['::1%', null],
    ['zz::1%2', null],
    ['::1%2%3', null],
  ])('%s', (text, expected) => {
    expect(readAddress(text)).toEqual(expected);
  });

  test('of another type, or longer than any, are none', () => {
    expect(readAddress(7 as unknown as string)).toBeNull();
    expect(readAddress(`::1%${'x'.repeat(76)}`)).toMatchObject({ scope: 'x'.repeat(76) });
    expect(readAddress(`::1%${'x'.repeat(77)}`)).toBeNull();
    expect(readPrefix(null as unknown as string)).toBeNull();
    expect(readPrefix(['192.0.2.0/24'] as unknown as string)).toBeNull();
  });

  test.each<[string, unknown]>([
    ['192.0.2.0/24', { family: 4, bytes: [192, 0, 2, 0], bits: 24 }],
    ['192.0.2.0/32', { family: 4, bytes: [192, 0, 2, 0], bits: 32 }],
    ['192.0.2.0/33', null],
    ['::/128', { family: 6, bytes: Array(16).fill(0), bits: 128 }],
    ['::/129', null],
    ['192.0.2.0', null],
    ['192.0.2.0/', null],
    ['192.0.2.0/24/24', null],
    ['/24', null],
    ['x/24', null],
    ['x/192.0.2.0/24', null],
    ['192.0.2.0/24x', null],
    ['192.0.2.0/0024', null],
  ])('the prefix %s', (text, expected) => {
    expect(readPrefix(text)).toEqual(expected);
  });
});
