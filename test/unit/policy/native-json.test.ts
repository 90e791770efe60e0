import { describe, expect, test } from 'vitest';
import {
  checkedDocument,
  formatDocument,
  MAX_POLICY_LENGTH,
  parseDocument,
} from '../../../agent/policy/forms/native-json.ts';
import { contextsOf, DEFAULT_DOCUMENT, DEFAULT_POLICY, policyFor } from '../../../agent/policy/model.ts';
import { requirementWords } from '../../../agent/policy/words.ts';

const PAIR = { all: ['pin', 'securityKey'] };
const text = (unlock: unknown, more = {}): string => JSON.stringify({ version: 2, contexts: { unlock }, ...more });
const lists = (first: unknown, second: unknown, more = {}): string =>
  // biome-ignore lint/suspicious/noThenProperty: list B of the document
  text({ first, then: second }, more);
const requiring = (require: unknown, more = {}): string => text({ require }, more);
const withRule = (condition: unknown): string => requiring(PAIR, { rules: [{ name: 'a', all: [condition] }] });
/** A requirement nested that deep. */
const nested = (depth: number): unknown => (depth === 1 ? 'pin' : { any: [nested(depth - 1)] });
const LONG = { name: 'late', all: [{ type: 'ipConfig', dnsSuffix: ['corp.example'] }] };

describe('the JSON form of the policy', () => {
  test('what is left out has its default', () => {
    expect(parseDocument(requiring(PAIR))).toEqual(DEFAULT_DOCUMENT);
  });

  test('two lists are a tree of two alternatives', () => {
    const document = parseDocument(lists(['pin', 'face'], ['trustedSignal', 'rule:late'], { rules: [LONG] }));
    expect(document.contexts.unlock.require).toEqual({
      all: [{ any: ['pin', 'face'] }, { any: ['trustedSignal', 'rule:late'] }],
    });
    expect(requirementWords(document.contexts.unlock.require)).toBe(
      'first PIN or face, then trusted signal or signal late',
    );
  });

  test('a policy comes back from its own text, and equal policies have equal text', () => {
    expect(parseDocument(formatDocument(DEFAULT_DOCUMENT))).toEqual(DEFAULT_DOCUMENT);
    const shuffled = JSON.stringify(Object.fromEntries(Object.entries(DEFAULT_DOCUMENT).reverse()));
    expect(formatDocument(parseDocument(shuffled))).toBe(formatDocument(DEFAULT_DOCUMENT));
  });

  test('a policy is frozen through and through', () => {
    const document = parseDocument(lists(['pin'], ['securityKey'], { pin: { minLength: 8 } }));
    expect(document.pin.minLength).toBe(8);
    const inner = [document.contexts.unlock, document.contexts.unlock.require, document.pin, document.matching];
    expect([document, ...inner].every(Object.isFrozen)).toBe(true);
  });

  test('a context that is not named has the policy of unlock, and one that is has its own', () => {
    const document = parseDocument(
      JSON.stringify({
        version: 2,
        contexts: { unlock: { require: PAIR }, wallet: { require: { all: ['pin', 'securityKey', 'fingerprint'] } } },
      }),
    );
    expect(contextsOf(document)).toEqual(['unlock', 'wallet']);
    expect(policyFor(document, 'sudo')).toEqual(DEFAULT_POLICY);
    expect(policyFor(document, 'wallet').require).toEqual({ all: ['pin', 'securityKey', 'fingerprint'] });
  });

  test('version 1 is read as version 2, and its phone and network have no rules', () => {
    // biome-ignore lint/suspicious/noThenProperty: list B of the document
    const old = { version: 1, first: ['pin'], then: ['securityKey', 'network'], freshnessSeconds: { network: 9 } };
    expect(parseDocument(JSON.stringify(old))).toEqual({
      ...DEFAULT_DOCUMENT,
      contexts: {
        unlock: { require: { all: [{ any: ['pin'] }, { any: ['securityKey', 'network'] }] }, acceptAsserted: false },
      },
      freshnessSeconds: { ipConfig: 9, wifi: 9 },
    });
  });

  test.each<[string, string, string]>([
    ['is not JSON', '{', '(document)'],
    ['is a list', '[]', '(document)'],
    ['is too long', `"${'x'.repeat(MAX_POLICY_LENGTH)}"`, '(document)'],
    ['is of another version', JSON.stringify({ ...DEFAULT_DOCUMENT, version: 3 }), 'version'],
    ['has no context', JSON.stringify({ version: 2, contexts: {} }), 'contexts.unlock'],
    [
      'has an unknown context',
      JSON.stringify({ version: 2, contexts: { unlock: { require: PAIR }, tv: 1 } }),
      'contexts.tv',
    ],
    ['has an empty list', lists(['pin'], []), 'contexts.unlock.then'],
    ['names an unknown factor', requiring({ all: ['pin', 'iris'] }), 'contexts.unlock.require.all[1]'],
    ['lists a factor twice', requiring({ any: ['pin', 'pin'] }), 'contexts.unlock.require.any[1]'],
    ['starts with a signal', lists(['pin', 'phone'], ['securityKey']), 'contexts.unlock.first[1]'],
    ['asks for more than there are', requiring({ atLeast: 3, of: ['pin', 'face'] }), 'contexts.unlock.require.atLeast'],
    ['asks for none', requiring({ atLeast: 0, of: ['pin'] }), 'contexts.unlock.require.atLeast'],
    ['is nested too deeply', requiring(nested(9)), `contexts.unlock.require${'.any[0]'.repeat(8)}`],
    ['names a rule that is not there', requiring({ all: ['pin', 'rule:home'] }), 'contexts.unlock.require'],
    ['names a window that is not there', requiring({ during: 'day', need: PAIR }), 'contexts.unlock.require'],
    ['names a rule twice', requiring(PAIR, { rules: [LONG, LONG] }), 'rules[1].name'],
    ['has a rule of nothing', requiring(PAIR, { rules: [{ name: 'a', all: [] }] }), 'rules[0].all'],
    ['has a condition of nothing', withRule({ type: 'ipConfig' }), 'rules[0].all[0]'],
    [
      'has a prefix without length',
      withRule({ type: 'ipConfig', ipv4Prefix: '192.0.2.0' }),
      'rules[0].all[0].ipv4Prefix',
    ],
    [
      'has a gateway with length',
      withRule({ type: 'ipConfig', ipv4Gateway: '192.0.2.1/24' }),
      'rules[0].all[0].ipv4Gateway',
    ],
    [
      'has an address of two readings',
      withRule({ type: 'ipConfig', ipv4Gateway: '192.0.2' }),
      'rules[0].all[0].ipv4Gateway',
    ],
    [
      'has a scope in a prefix',
      withRule({ type: 'ipConfig', ipv6Prefix: 'fe80::%2/64' }),
      'rules[0].all[0].ipv6Prefix',
    ],
    ['has Wi-Fi without security', withRule({ type: 'wifi', ssid: 'a' }), 'rules[0].all[0].security'],
    [
      'has an SSID of 33 bytes',
      withRule({ type: 'wifi', ssid: 'é'.repeat(17), security: 'Open' }),
      'rules[0].all[0].ssid',
    ],
    [
      'has half a thumbprint',
      withRule({ type: 'wifi', ssid: 'a', security: 'Open', trustedRootCA: '00' }),
      'rules[0].all[0].trustedRootCA',
    ],
    ['has an unknown class', withRule({ type: 'bluetooth', classOfDevice: 513 }), 'rules[0].all[0].classOfDevice'],
    ['has far above near', withRule({ type: 'bluetooth', rssiMin: -10, rssiFar: -9 }), 'rules[0].all[0].rssiFar'],
    [
      'has a window at no time',
      requiring(PAIR, { windows: { day: { days: ['monday'], from: '24:00', to: '24:00' } } }),
      'windows.day.from',
    ],
    ['has an unknown key', lists(['pin'], ['securityKey'], { allowAll: true }), 'allowAll'],
    ['has an unknown key deep down', lists(['pin'], ['securityKey'], { pin: { minimum: 4 } }), 'pin.minimum'],
    ['has a prototype key', '{"version":2,"contexts":{"unlock":{"require":"pin"}},"__proto__":{}}', '__proto__'],
    ['has a PIN of three characters', requiring(PAIR, { pin: { minLength: 3 } }), 'pin.minLength'],
    ['has a fraction', requiring(PAIR, { pin: { history: 1.5 } }), 'pin.history'],
    ['has a minimum above the maximum', requiring(PAIR, { pin: { minLength: 9, maxLength: 8 } }), 'pin.minLength'],
    ['has a word for a boolean', text({ require: PAIR, acceptAsserted: 'no' }), 'contexts.unlock.acceptAsserted'],
    ['has a freshness of nothing', requiring(PAIR, { freshnessSeconds: { pin: 0 } }), 'freshnessSeconds.pin'],
    ['has a freshness of no signal', requiring(PAIR, { freshnessSeconds: { phone: 1 } }), 'freshnessSeconds.phone'],
  ])('a document that %s is refused by element', (_, document, element) => {
    expect(() => parseDocument(document)).toThrow(
      expect.objectContaining({
        code: 'ERR_POLICY_INVALID',
        detail: expect.objectContaining({ element }),
        message: expect.stringContaining(element === '(document)' ? 'document' : element),
      }),
    );
  });

  test('a document that nests without end is refused before anything walks it', () => {
    const deep = `${'{"any":['.repeat(5000)}"pin"${']}'.repeat(5000)}`;
    expect(() => parseDocument(`{"version":2,"contexts":{"unlock":{"require":${deep}}}}`)).toThrow(
      expect.objectContaining({ code: 'ERR_POLICY_INVALID' }),
    );
  });

  test('a PIN without any class of characters is refused', () => {
    const none = { digits: 'disallowed', lowercase: 'disallowed', uppercase: 'disallowed', special: 'disallowed' };
    expect(() => checkedDocument({ version: 2, contexts: { unlock: { require: PAIR } }, pin: none })).toThrow(
      expect.objectContaining({ code: 'ERR_POLICY_INVALID' }),
    );
  });
});
