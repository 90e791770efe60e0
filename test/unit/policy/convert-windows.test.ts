/** Windows policies as native documents and back, by example: what becomes what, and what is said about it. */
import { describe, expect, it, test } from 'vitest';
import { branchesOf } from '../../../agent/policy/branches.ts';
import { DEFAULT_DYNAMIC_LOCK } from '../../../agent/policy/dynamic-lock.ts';
import { fromWindows } from '../../../agent/policy/forms/from-windows.ts';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { toWindows } from '../../../agent/policy/forms/to-windows.ts';
import { InexpressibleError } from '../../../agent/policy/forms/windows/inexpressible.ts';
import type { WindowsPolicy } from '../../../agent/policy/forms/windows/model.ts';
import { readWindowsStrings } from '../../../agent/policy/forms/windows/read.ts';
import { DEFAULT_DOCUMENT, DEFAULT_PIN_RULES } from '../../../agent/policy/model.ts';
import { factorsWords } from '../../../agent/policy/words.ts';

const PIN = '{D6886603-9D2F-4EB2-B667-1971041FA96B}';
const FACE = '{8AF662BF-65A0-4D0A-A540-A338A999D36F}';
const FINGER = '{BEC09223-B018-416D-A0AC-523971B639F5}';
const SIGNAL = '{27FBDB57-B613-4AF2-9D7E-4FA7A66C21AD}';
const NEAR =
  '<rule schemaVersion="1.0"><signal type="bluetooth" scenario="Authentication" classOfDevice="512" rssiMin="-10" rssiMaxDelta="-10"/></rule>';
const OFFICE =
  '<rule schemaVersion="1.0"><signal type="ipConfig"><ipv4Prefix>198.51.100.0/25</ipv4Prefix></signal></rule>';

const none: WindowsPolicy = { rules: [], nodes: [] };
const codes = (notes: readonly { code: string }[]) => notes.map(({ code }) => code);

describe('the defaults that Windows writes, with a phone and a network', () => {
  const { policy } = readWindowsStrings({
    groupA: `${PIN},${FACE},${FINGER}`,
    groupB: `${SIGNAL},${PIN}`,
    plugins: `${NEAR},${OFFICE}`,
  });
  const { document, notes } = fromWindows(policy);

  it('are the pairs that Windows takes, PIN twice not among them', () => {
    const { require } = document.contexts.unlock;
    const pairs = branchesOf({ require, rules: document.rules }, { pinIsBound: true });
    expect(pairs.map(({ factors }) => factorsWords(factors)).toSorted()).toEqual([
      'a face + a paired phone',
      'a face + a trusted network',
      'a face + the PIN',
      'a fingerprint + a paired phone',
      'a fingerprint + a trusted network',
      'a fingerprint + the PIN',
      'a paired phone + the PIN',
      'a trusted network + the PIN',
    ]);
  });

  it('accept what no TPM enforces, and say so in words', () => {
    expect(document.contexts.unlock.acceptAsserted).toBe(true);
    expect(notes).toEqual([
      {
        code: 'weakest-branch',
        words: 'at its weakest it opens with: this machine alone (asserted)',
        where: 'contexts.unlock',
      },
      {
        code: 'accepts-asserted',
        words:
          'as in Windows these pairs are accepted though no TPM enforces a factor of them: a fingerprint + a paired phone; a fingerprint + a trusted network; a face + a paired phone; a face + a trusted network',
        where: 'contexts.unlock.acceptAsserted',
      },
    ]);
  });

  it('go back whole, with what Windows reads more loosely', () => {
    const back = toWindows(document);
    expect(back.policy).toEqual(policy);
    expect(back.notes).toEqual([
      {
        code: 'windows-reads-looser',
        words: 'in Windows every phone that is paired with the machine counts, for every user',
        where: 'rules[0].all[0]',
      },
    ]);
  });
});

test('PIN and signal alone need no asserted pair', () => {
  const { policy } = readWindowsStrings({ groupA: PIN, groupB: SIGNAL, plugins: OFFICE });
  const { document, notes } = fromWindows(policy);
  expect(document.contexts.unlock.acceptAsserted).toBe(false);
  expect(notes.map(({ words }) => words)).toEqual(['at its weakest it opens with: this machine + the PIN (bound-1)']);
});

test('a signal without a rule satisfies nothing, and that is said', () => {
  const { policy } = readWindowsStrings({ groupA: PIN, groupB: SIGNAL, plugins: '' });
  expect(fromWindows(policy).notes.map(({ words }) => words)).toEqual(['nothing could ever satisfy these lists']);
});

describe('PIN rules', () => {
  it.each<[string, WindowsPolicy['pinComplexity'], Partial<typeof DEFAULT_PIN_RULES>]>([
    ['not configured: ours', undefined, {}],
    ['a minimum', { minimumPINLength: 8 }, { minLength: 8 }],
    ['a short maximum: the minimum is below it', { maximumPINLength: 5 }, { minLength: 4, maxLength: 5 }],
    ['a maximum of six', { maximumPINLength: 6 }, { minLength: 5, maxLength: 6 }],
    [
      'classes of characters',
      { uppercaseLetters: 0, lowercaseLetters: 1, specialCharacters: 2, digits: 1 },
      { lowercase: 'required', special: 'disallowed', digits: 'required' },
    ],
    ['history and expiry', { history: 5, expiration: 90 }, { history: 5, expiryDays: 90 }],
  ])('%s', (_what, pinComplexity, expected) => {
    const policy: WindowsPolicy = { ...none, ...(pinComplexity === undefined ? {} : { pinComplexity }) };
    const { document } = fromWindows(policy);
    expect(document.pin).toEqual({ ...DEFAULT_PIN_RULES, ...expected });
    expect(toWindows(document).policy).toEqual(policy);
  });

  it('that bar every character leave the digits, say so, and go back as they were', () => {
    const pinComplexity = { uppercaseLetters: 2, lowercaseLetters: 2, specialCharacters: 2, digits: 2 } as const;
    const { document, notes } = fromWindows({ ...none, pinComplexity });
    expect([document.pin.digits, codes(notes)]).toEqual(['allowed', ['unlock-not-configured', 'pin-barred']]);
    expect(toWindows(document).policy.pinComplexity).toEqual(pinComplexity);
  });
});

describe('dynamic lock', () => {
  it('with Windows’ default rule locks on paired phones, without hysteresis', () => {
    const policy: WindowsPolicy = { ...none, dynamicLock: { enabled: true, rules: [] } };
    const { document } = fromWindows(policy);
    expect(document.dynamicLock).toEqual({
      ...DEFAULT_DYNAMIC_LOCK,
      enabled: true,
      unboundPhones: 'counted',
      rule: { classOfDevice: 512, rssiMin: -10, rssiMaxDelta: -10, rssiFar: -10 },
    });
    expect(toWindows(document).policy).toEqual(policy);
  });

  it('of several rules takes the first, says so, and keeps the others', () => {
    const rules = [-8, -20].map((rssiMin, i) => ({
      name: `rule-${i + 1}`,
      all: [{ type: 'bluetooth' as const, rssiMin }],
    }));
    const policy: WindowsPolicy = { ...none, dynamicLock: { enabled: true, rules } };
    const { document, notes } = fromWindows(policy);
    expect([document.dynamicLock?.rule.rssiMin, codes(notes)]).toEqual([
      -8,
      ['unlock-not-configured', 'first-lock-rule'],
    ]);
    expect(toWindows(document).policy).toEqual(policy);
  });

  it('that was edited since wins over what is kept, and that is said', () => {
    const policy: WindowsPolicy = { ...none, dynamicLock: { enabled: true, rules: [] } };
    const { document } = fromWindows(policy);
    const lock = document.dynamicLock ?? DEFAULT_DYNAMIC_LOCK;
    const edited = { ...document, dynamicLock: { ...lock, rule: { ...lock.rule, rssiMin: -6, rssiFar: -6 } } };
    const back = toWindows(edited);
    expect(back.policy.dynamicLock?.rules[0]?.all).toEqual([
      { type: 'bluetooth', classOfDevice: 512, rssiMin: -6, rssiMaxDelta: -10 },
    ]);
    expect(codes(back.notes)).toEqual(['section-wins']);
  });
});

test('what no section holds is kept by its node, and comes back', () => {
  const policy: WindowsPolicy = {
    ...none,
    pinRecovery: true,
    passwordlessExperience: 1,
    nodes: [
      {
        scope: 'user',
        path: 'SOFTWARE\\Policies\\Microsoft\\PassportForWork!New',
        value: { registryType: 3, hex: '00ff' },
      },
      { scope: 'device', path: 'Vendor/MSFT/PassportForWork/Later/Thing', value: 'yes' },
    ],
  };
  const { document } = fromWindows(policy);
  expect(document.windowsSettings).toEqual({
    './Device/Vendor/MSFT/PassportForWork/DeviceUnlock/GroupA': '',
    './Device/Vendor/MSFT/PassportForWork/{TenantId}/Policies/EnablePinRecovery': true,
    './Device/Vendor/MSFT/Policy/Config/Authentication/EnablePasswordlessExperience': 1,
    './User/SOFTWARE\\Policies\\Microsoft\\PassportForWork!New [hex(3)]': '00ff',
    './Device/Vendor/MSFT/PassportForWork/Later/Thing': 'yes',
  });
  expect(toWindows(document).policy).toEqual(policy);
});

describe('what Windows has no words for is refused, with every reason', () => {
  const LISTS = { all: [{ any: ['pin'] }, { any: ['trustedSignal'] }] };
  const RULE = { name: 'rule-1', all: [{ type: 'bluetooth' }] };
  const unlock = (require: unknown, more = {}) => ({ contexts: { unlock: { require, ...more } } });
  it.each<[string, object, readonly string[]]>([
    [
      'a security key',
      unlock({ all: [{ any: ['pin', 'securityKey'] }, { any: ['fingerprint'] }] }),
      ['contexts.unlock.require.all[0].any[1]'],
    ],
    ['a phone of its own', unlock({ all: ['pin', 'phone'] }), ['contexts.unlock.require.all[1]']],
    ['a certain rule', unlock({ all: ['pin', 'rule:rule-1'] }), ['contexts.unlock.require.all[1]']],
    [
      'so many of',
      unlock({ atLeast: 2, of: ['pin', 'face', 'fingerprint'] }, { acceptAsserted: true }),
      ['contexts.unlock.require', 'contexts.unlock.require'],
    ],
    ['three lists', unlock({ all: ['pin', 'face', 'fingerprint'] }), ['contexts.unlock.require']],
    [
      'nesting',
      unlock({ all: ['pin', { any: ['face', { all: ['fingerprint', 'trustedSignal'] }] }] }),
      ['contexts.unlock.require.all[1].any[1]', 'contexts.unlock.require.all[1].any[1]'],
    ],
    [
      'a time window',
      {
        ...unlock({ all: ['pin', { during: 'day', need: 'trustedSignal' }] }),
        windows: { day: { days: ['monday'], from: '08:00', to: '18:00' } },
      },
      ['contexts.unlock.require.all[1]', 'windows.day'],
    ],
    ['another context', { contexts: { unlock: { require: LISTS }, sudo: { require: LISTS } } }, ['contexts.sudo']],
    [
      'a second threshold',
      { ...unlock(LISTS), rules: [{ name: 'rule-1', all: [{ type: 'bluetooth', rssiFar: -20 }] }] },
      ['DeviceUnlock/Plugins rule-1'],
    ],
    [
      'asserted pairs that are not accepted',
      unlock({ all: [{ any: ['pin', 'face'] }, { any: ['trustedSignal'] }] }),
      ['contexts.unlock.acceptAsserted'],
    ],
    [
      'asserted pairs accepted where there are none',
      unlock(LISTS, { acceptAsserted: true }),
      ['contexts.unlock.acceptAsserted'],
    ],
    ['the age of a signal', { ...unlock(LISTS), freshnessSeconds: { bluetooth: 9 } }, ['freshnessSeconds.bluetooth']],
    [
      'verifying keys',
      { ...unlock(LISTS), securityKey: { userVerification: 'required' } },
      ['securityKey.userVerification'],
    ],
    ['simple PINs', { ...unlock(LISTS), pin: { refuseSimple: false } }, ['pin.refuseSimple']],
    ['no PIN in either list', unlock({ all: ['face', 'fingerprint'] }, { acceptAsserted: true }), ['contexts.unlock']],
    [
      'dynamic lock beyond Windows',
      { ...unlock(LISTS), dynamicLock: { enabled: true, idleSeconds: 60, unboundPhones: 'counted' } },
      ['dynamicLock.idleSeconds', 'dynamicLock.rule.rssiFar'],
    ],
    ['a setting that is no node', { ...unlock(LISTS), windowsSettings: { colour: 'red' } }, ['windowsSettings colour']],
    [
      'a node with a value that it cannot have',
      {
        ...unlock(LISTS),
        windowsSettings: { './Device/Vendor/MSFT/PassportForWork/{TenantId}/Policies/EnablePinRecovery': 'maybe' },
      },
      ['windowsSettings'],
    ],
  ])('%s', (_what, document, elements) => {
    const whole = checkedDocument({ version: 2, rules: [RULE], ...document });
    let reasons: InexpressibleError['reasons'] = [];
    try {
      toWindows(whole);
    } catch (error) {
      if (!(error instanceof InexpressibleError)) throw error;
      expect(error.code).toBe('ERR_POLICY_NOT_WINDOWS');
      reasons = error.reasons;
    }
    expect(reasons.map(({ what }) => what)).toEqual(elements);
  });

  it('the default of this product is', () => {
    expect(() => toWindows(DEFAULT_DOCUMENT)).toThrow(InexpressibleError);
  });
});
