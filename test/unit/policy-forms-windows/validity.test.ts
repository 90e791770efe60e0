/** The validity rules of the two lists (V1-V7), and what a policy may lack or repeat. */
import { describe, expect, test } from 'vitest';
import { isSimplePin } from '../../../agent/enrolment/pin/rules.ts';
import type { Provider } from '../../../agent/policy/forms/windows/model.ts';
import { PROVIDER_GUIDS, readProviders, writeProviders } from '../../../agent/policy/forms/windows/providers.ts';
import { readWindowsPolicy, readWindowsStrings } from '../../../agent/policy/forms/windows/read.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { Secret } from '../../../drivers/base/secret.ts';

const PIN = '{D6886603-9D2F-4EB2-B667-1971041FA96B}';
const FINGER = '{BEC09223-B018-416D-A0AC-523971B639F5}';
const FACE = '{8AF662BF-65A0-4D0A-A540-A338A999D36F}';
const SIGNAL = '{27FBDB57-B613-4AF2-9D7E-4FA7A66C21AD}';
const RULE = '<rule schemaVersion="1.0"><signal type="bluetooth" scenario="Authentication"/></rule>';

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (isUnlockdError(error)) return error.code;
    throw error;
  }
  return 'accepted';
};

describe('the two lists', () => {
  test.each([
    ['T4, V1: face and fingerprint without the PIN', FACE, FINGER, 'ERR_POLICY_WINDOWS_PIN_MISSING'],
    ['V1: the PIN in A is enough', PIN, FINGER, 'accepted'],
    ['V1: the PIN in B is enough', FACE, PIN, 'accepted'],
    ['T5, V2: trusted signal among the first factors', `${SIGNAL},${PIN}`, PIN, 'ERR_POLICY_WINDOWS_SIGNAL_FIRST'],
    ['V2: trusted signal alone as first factor', SIGNAL, PIN, 'ERR_POLICY_WINDOWS_SIGNAL_FIRST'],
    ['V3: trusted signal and nothing else', undefined, SIGNAL, 'ERR_POLICY_WINDOWS_SIGNAL_ALONE'],
    ['V4: the PIN twice is no pair', PIN, PIN, 'ERR_POLICY_WINDOWS_NO_PAIR'],
    ['V4: the same two providers in both lists', `${PIN},${FINGER}`, `${PIN},${FINGER}`, 'accepted'],
    ['V6: A without B', PIN, undefined, 'ERR_POLICY_WINDOWS_GROUP_MISSING'],
    ['V6: B without A', undefined, PIN, 'ERR_POLICY_WINDOWS_GROUP_MISSING'],
    ['V6: an empty list', '', PIN, 'ERR_POLICY_WINDOWS_PROVIDER'],
    ['V6: a blank list', PIN, '  ', 'ERR_POLICY_WINDOWS_PROVIDER'],
    ['V6: a GUID without braces', PIN.slice(1, -1), FINGER, 'ERR_POLICY_WINDOWS_PROVIDER'],
    ['V6: a GUID that is too short', '{D6886603-9D2F-4EB2-B667-1971041FA96}', FINGER, 'ERR_POLICY_WINDOWS_PROVIDER'],
    ['V6: a comma at the end', `${PIN},`, FINGER, 'ERR_POLICY_WINDOWS_PROVIDER'],
    ['V6: a semicolon', `${PIN};${FACE}`, FINGER, 'ERR_POLICY_WINDOWS_PROVIDER'],
    ['V6: an unknown GUID', '{00000000-0000-0000-0000-000000000000}', PIN, 'ERR_POLICY_WINDOWS_PROVIDER_UNKNOWN'],
    ['V6: the FIDO security key', '{F8A1793B-7873-4046-B2A7-1F318747F427}', PIN, 'ERR_POLICY_WINDOWS_PROVIDER_UNKNOWN'],
    ['V7: one GUID, and lower case', PIN.toLowerCase(), FINGER, 'accepted'],
  ])('%s', (_name, groupA, groupB, code) => {
    const strings = { ...(groupA === undefined ? {} : { groupA }), ...(groupB === undefined ? {} : { groupB }) };
    expect(codeOf(() => readWindowsStrings(strings))).toBe(code);
  });

  test('the defaults of the administrative template, in their order', () => {
    const { policy } = readWindowsStrings({
      groupA: `${PIN},${FACE},${FINGER}`,
      groupB: `${SIGNAL},${PIN}`,
      plugins: '',
    });
    expect(policy).toEqual({
      groupA: ['pin', 'face', 'fingerprint'],
      groupB: ['trusted-signal', 'pin'],
      rules: [],
      nodes: [],
    });
  });

  test('an error in a list names the entry', () => {
    expect(() => readWindowsStrings({ groupA: `${PIN},nonsense`, groupB: PIN })).toThrow(/GroupA entry 2/);
  });

  test('a provider that people try to list is called by its name', () => {
    const password = '{60b78e88-ead8-445c-9cfd-0b87f74ea6cd}';
    expect(() => readProviders(password, 'DeviceUnlock/GroupA')).toThrow(/the password/);
  });

  test('spaces and repetitions are noted, and are gone when written', () => {
    const read = readProviders(` ${PIN} , ${FACE},${PIN}`, 'DeviceUnlock/GroupA');
    expect(read.providers).toEqual(['pin', 'face']);
    expect(read.notes.map(({ code }) => code)).toEqual(['spelling', 'spelling', 'duplicate']);
    expect(writeProviders(read.providers)).toBe(`${PIN},${FACE}`);
  });

  test('each provider has the GUID that Windows gives it', () => {
    const guids: Readonly<Record<Provider, string>> = {
      pin: PIN,
      fingerprint: FINGER,
      face: FACE,
      'trusted-signal': SIGNAL,
    };
    expect(PROVIDER_GUIDS).toEqual(guids);
  });

  test('a list as long as no list is, is refused', () => {
    expect(codeOf(() => readProviders(`${PIN},`.repeat(100), 'DeviceUnlock/GroupA'))).toBe(
      'ERR_POLICY_WINDOWS_TOO_LARGE',
    );
  });
});

describe('rules and lists that do not fit together', () => {
  test('V5: trusted signal without a rule is noted', () => {
    const { notes } = readWindowsStrings({ groupA: PIN, groupB: SIGNAL });
    expect(notes).toMatchObject([{ code: 'signal-without-rules', where: 'DeviceUnlock/Plugins' }]);
  });
  test('V5: trusted signal with a rule has nothing to note', () => {
    expect(readWindowsStrings({ groupA: PIN, groupB: SIGNAL, plugins: RULE }).notes).toEqual([]);
  });
  test('rules that no list asks are noted', () => {
    const { notes } = readWindowsStrings({ groupA: PIN, groupB: FINGER, plugins: RULE });
    expect(notes.map(({ code }) => code)).toEqual(['rules-without-signal']);
  });
});

describe('PIN complexity', () => {
  const pin = (values: Record<string, unknown>) =>
    readWindowsPolicy(
      JSON.stringify(
        Object.fromEntries(
          Object.entries(values).map(([name, value]) => [
            `./Device/Vendor/MSFT/PassportForWork/00000000-0000-4000-8000-000000000001/Policies/PINComplexity/${name}`,
            value,
          ]),
        ),
      ),
    );

  test('all eight settings', () => {
    const { policy } = pin({
      MinimumPINLength: 6,
      MaximumPINLength: 20,
      UppercaseLetters: 0,
      LowercaseLetters: 1,
      SpecialCharacters: 2,
      Digits: 1,
      History: 5,
      Expiration: 90,
    });
    expect(policy.pinComplexity).toEqual({
      minimumPINLength: 6,
      maximumPINLength: 20,
      uppercaseLetters: 0,
      lowercaseLetters: 1,
      specialCharacters: 2,
      digits: 1,
      history: 5,
      expiration: 90,
    });
  });

  test.each([
    ['T15: minimum 8, maximum 6', { MinimumPINLength: 8, MaximumPINLength: 6 }],
    ['equal is not below', { MinimumPINLength: 6, MaximumPINLength: 6 }],
    ['a minimum at the default maximum', { MinimumPINLength: 127 }],
    ['a maximum at the default minimum', { MaximumPINLength: 4 }],
  ])('%s: both have their defaults, with a note', (_name, values) => {
    const { policy, notes } = pin({ ...values, History: 3 });
    expect(policy.pinComplexity).toEqual({ history: 3 });
    expect(notes.map(({ code }) => code)).toEqual(['pin-lengths-inconsistent']);
  });

  test('without anything left, there are no rules for the PIN', () => {
    expect(pin({ MinimumPINLength: 8, MaximumPINLength: 6 }).policy).toEqual({ rules: [], nodes: [] });
  });

  test.each([
    ['MinimumPINLength', 3],
    ['MinimumPINLength', 128],
    ['MaximumPINLength', 5.5],
    ['Digits', 3],
    ['Digits', '1x'],
    ['Digits', true],
    ['History', 51],
    ['Expiration', 731],
    ['Expiration', -1],
  ])('%s %s is refused', (name, value) => {
    expect(codeOf(() => pin({ [name]: value }))).toBe('ERR_POLICY_WINDOWS_VALUE');
  });
});

describe("Windows' filter of simple PINs", () => {
  test.each([
    ['T13: 2468 steps by 2', '2468', true],
    ['T13: 8024 steps by 2 past 9', '8024', true],
    ['T14: 2468a is not all digits', '2468a', false],
  ])('%s', (_name, pin, simple) => {
    expect(isSimplePin(Secret.take(utf8(pin)))).toBe(simple);
  });
});
