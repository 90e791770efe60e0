/** The TOML form of the policy: what it reads, how it writes, and where it says that an error is. */
import { describe, expect, test } from 'vitest';
import { DEFAULT_DYNAMIC_LOCK } from '../../../agent/policy/dynamic-lock.ts';
import { parseDocument } from '../../../agent/policy/forms/native-json.ts';
import { MAX_TOML_LENGTH, parseToml } from '../../../agent/policy/forms/native-toml.ts';
import { positionOf } from '../../../agent/policy/forms/text-positions.ts';
import { formatToml } from '../../../agent/policy/forms/write-toml.ts';
import { DEFAULT_DOCUMENT } from '../../../agent/policy/model.ts';

const HEAD = 'version = 2\n[contexts.unlock]\nrequire = { all = ["pin", "securityKey"] }\n';

describe('the TOML form of the policy', () => {
  test('reads what JSON reads', () => {
    const text = `
# The office, or the phone.
version = 2

[contexts.unlock]
first = ["pin", "fingerprint"]   # either
then = ["trustedSignal", "securityKey"]

[contexts]
wallet.require = { atLeast = 2, of = [
  "pin", { any = ["fingerprint", "face"] },
  "securityKey", # by touch
] }

[[rules]]
name = "office"
all = [{ type = 'ipConfig', "ipv4Prefix" = "192.0.2.0/24" }]

[[rules]]
name = "near"
[[rules.all]]
type = "bluetooth"
rssiMin = -8
[[rules.all]]
type = "wifi"
ssid = """
depot"""
security = "WPA2-Enterprise"

[dynamicLock]
enabled = true
rule.rssiMin = -20
`;
    expect(parseToml(text)).toEqual(
      parseDocument(
        JSON.stringify({
          version: 2,
          contexts: {
            unlock: {
              require: { all: [{ any: ['pin', 'fingerprint'] }, { any: ['trustedSignal', 'securityKey'] }] },
            },
            wallet: { require: { atLeast: 2, of: ['pin', { any: ['fingerprint', 'face'] }, 'securityKey'] } },
          },
          rules: [
            { name: 'office', all: [{ type: 'ipConfig', ipv4Prefix: '192.0.2.0/24' }] },
            {
              name: 'near',
              all: [
                { type: 'bluetooth', rssiMin: -8 },
                { type: 'wifi', ssid: 'depot', security: 'WPA2-Enterprise' },
              ],
            },
          ],
          dynamicLock: { enabled: true, rule: { rssiMin: -20 } },
        }),
      ),
    );
  });

  test('a lock that says only that it is on has every default, and its far is below its near', () => {
    expect(parseToml(`${HEAD}[dynamicLock]\nenabled = true\n`).dynamicLock).toEqual({
      ...DEFAULT_DYNAMIC_LOCK,
      enabled: true,
    });
    expect(parseToml(`${HEAD}[dynamicLock.rule]\nrssiMin = -20\n`).dynamicLock?.rule.rssiFar).toBe(-26);
    expect(parseToml(HEAD).dynamicLock).toBeUndefined();
  });

  test('is written without what is the default, and lists as lists', () => {
    expect(formatToml(DEFAULT_DOCUMENT)).toBe(
      'version = 2\n\n[contexts.unlock]\nrequire = { all = ["pin", "securityKey"] }\n',
    );
    const text = `version = 2

[contexts.unlock]
first = ["pin"]
then = ["trustedSignal", "rule:near"]
acceptAsserted = true

[contexts.wallet]
require = { atLeast = 2, of = [
  "pin",
  { during = "day", need = "securityKey" },
  { any = ["fingerprint", "face", "rule:near", "trustedSignal"] },
] }

[[rules]]
name = "near"

[[rules.all]]
type = "bluetooth"

[[rules.all]]
type = "ipConfig"
ipv4DnsServer = ["192.0.2.53", "198.51.100.53"]

[windows.day]
days = ["monday"]
from = "08:00"
to = "17:30"

[matching]
phones = "any-paired"

[freshnessSeconds]
bluetooth = 10

[pin]
minLength = 8

[dynamicLock]
enabled = true
idleSeconds = 60

[dynamicLock.radioOff]
means = "hold"

[windowsSettings]
"./Device/Vendor/MSFT/PassportForWork/\\"x\\"" = true
`;
    expect(formatToml(parseToml(text))).toBe(text);
  });

  test.each<[string, string, string, number, number]>([
    ['an unknown key', `${HEAD}[pin]\nminLength = 8\nminimum = 4\n`, 'pin.minimum', 6, 1],
    ['an unknown section', `${HEAD}\n  [pins]\n`, 'pins', 5, 3],
    ['a key in the wrong table', `${HEAD}pin = 1\n\n[pin]`, 'contexts.unlock.pin', 4, 1],
    ['a short PIN', `${HEAD}[ pin ]\n'minLength' = 3\n`, 'pin.minLength', 5, 1],
    ['a dotted key', `${HEAD}[a]\nb.c = 1`, 'a', 4, 1],
    [
      'an item of a list',
      'version = 2\n[contexts.unlock]\nfirst = [\n  "pin", # ]\n  "phone",\n]\nthen = ["face"]',
      'contexts.unlock.first[1]',
      5,
      3,
    ],
    [
      'a part deep down',
      'version = 2\n[contexts.unlock]\nrequire = { all = ["pin", { any = ["face", "iris"] }] }',
      'contexts.unlock.require.all[1].any[1]',
      3,
      44,
    ],
    [
      'the second rule',
      `${HEAD}[[rules]]\nname = "a"\nall = [{ type = "bluetooth" }]\n[[rules]]\nname = "b"\n[[rules.all]]\ntype = "bluetooth"\n[[rules.all]]\ntype = "ipConfig"\nipv4Prefix = "192.0.2.0"\n`,
      'rules[1].all[1].ipv4Prefix',
      13,
      1,
    ],
    [
      'a name that is there twice',
      `${HEAD}[[rules]]\nname="a"\nall=[{type="bluetooth"}]\n`
        .repeat(1)
        .concat('[[rules]]\nname="a"\nall=[{type="bluetooth"}]'),
      'rules[1].name',
      8,
      1,
    ],
    [
      'what is not there: the closest around it',
      'version = 2\n[contexts.unlock]\nacceptAsserted = true\n',
      'contexts.unlock.require',
      2,
      1,
    ],
    ['no document at all', '', 'version', 1, 1],
    ['no TOML', 'version = 2\n[contexts.unlock\n', '(document)', 2, 17],
    ['a key that is there twice', 'version = 2\nversion = 2\n', '(document)', 2, 1],
    ['a date', `${HEAD}[pin]\nhistory = 2026-01-01\n`, 'pin.history', 5, 1],
    ['a number that is none', `${HEAD}[pin]\nhistory = nan\n`, 'pin.history', 5, 1],
    ['a key of the prototype', `${HEAD}[__proto__]\nx = 1\n`, '__proto__', 4, 1],
    ['a key in quotes', `${HEAD}["p\\u0069n"]\nhistory = 99\n`, 'pin.history', 5, 1],
    [
      'text that looks like a table',
      `${HEAD}[windowsSettings]\na = '''\n[pin]\nhistory = 99\n'''\n[pin]\nhistory = 99`,
      'pin.history',
      10,
      1,
    ],
  ])('an error in %s names the element, the line and the column', (_, text, element, line, column) => {
    expect(() => parseToml(text)).toThrow(
      expect.objectContaining({
        code: 'ERR_POLICY_INVALID',
        message: expect.stringContaining(`line ${line} column ${column}: `),
        detail: { element, line, column },
      }),
    );
  });

  test('comments do not make a document too long', () => {
    expect(parseToml(`${'# what this is for\n'.repeat(8000)}${HEAD}`)).toEqual(parseToml(HEAD));
  });

  test('a text that is too long, or nests without end, is refused', () => {
    for (const text of [
      '#'.repeat(MAX_TOML_LENGTH + 1),
      `${HEAD}[windowsSettings]\n${Array.from({ length: 10 }, (_, i) => `a${i} = "${'x'.repeat(8000)}"\n`).join('')}`,
      `version = 2\ncontexts = ${'['.repeat(5000)}`,
      `version = 2\ncontexts = ${'{a='.repeat(5000)}`,
      `version = 2\n[${'a.'.repeat(20_000)}a]\n`,
    ]) {
      expect(() => parseToml(text)).toThrow(expect.objectContaining({ code: 'ERR_POLICY_INVALID' }));
    }
  });
});

describe('positions in JSON', () => {
  const text = '{\n  "version": 2,\n  "contexts": { "unlock": {\n    "require": { "any": ["pin", "iris"] } } }\n}';

  test.each<[string, number, number]>([
    ['version', 2, 3],
    ['contexts.unlock.require.any[1]', 4, 33],
    ['contexts.unlock.require.any[1].during', 4, 33],
    ['contexts.unlock.first', 3, 17],
    ['rules[3].name', 1, 1],
    ['(document)', 1, 1],
  ])('%s is at %i:%i', (element, line, column) => {
    expect(positionOf(text, 'json', element)).toEqual({ line, column });
  });

  test('stand in the error', () => {
    expect(() => parseDocument(text)).toThrow(
      expect.objectContaining({ detail: { element: 'contexts.unlock.require.any[1]', line: 4, column: 33 } }),
    );
  });
});
