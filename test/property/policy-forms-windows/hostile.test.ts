/** Whatever is handed to the readers: a policy or one typed error, never another throw, and never a hang. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readWindowsPolicy, WINDOWS_FORMATS } from '../../../agent/policy/forms/windows/read.ts';
import { writeReg } from '../../../agent/policy/forms/windows/reg-write.ts';
import { readSignalRules } from '../../../agent/policy/forms/windows/rule-schema.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import examples from '../../vectors/windows-policy/example-rules.json' with { type: 'json' };
import { registryPolicies } from './policies.ts';

const vector = (name: string): Buffer => readFileSync(new URL(`../../vectors/windows-policy/${name}`, import.meta.url));

/** `value`, or the code; everything else that is thrown fails the test. */
const outcome = (run: () => unknown): string => {
  try {
    run();
    return 'value';
  } catch (error) {
    if (isUnlockdError(error) && /^ERR_POLICY_(?:WINDOWS|RULE)_/.test(error.code)) return error.code;
    throw error;
  }
};

interface Mutation {
  readonly at: number;
  readonly remove: number;
  readonly insert: Buffer;
}
const bits = fc
  .constantFrom(
    ...['<', '>', '"', "'", '&', '/', ',', '\0', '\n', '\\', '[', ']', '{', '}', '=', '-', ':', '%', ';', '@', '!'],
    ...[
      '<!DOCTYPE a>',
      '<!--',
      ']]>',
      '<![CDATA[',
      '&#0;',
      '&#xd800;',
      '&x;',
      '<?a?>',
      '<and>',
      '</rule>',
      '<rule ',
      '[-',
    ],
    ...['hex(1):', 'dword:', '\\\r\n', '\ufeff', 'null', '1e999', '__proto__', '\u2028', '999999999999', '-1'],
  )
  .map((text) => Buffer.from(text));
const mutations: fc.Arbitrary<Mutation[]> = fc.array(
  fc.record({
    at: fc.nat(1_000_000),
    remove: fc.nat(6),
    insert: fc.oneof(
      bits,
      fc.uint8Array({ maxLength: 4 }).map((octets) => Buffer.from(octets)),
    ),
  }),
  { minLength: 1, maxLength: 6 },
);
const mutated = (base: Uint8Array, changes: readonly Mutation[]): Buffer =>
  changes.reduce<Buffer>((octets, { at, remove, insert }) => {
    const place = at % (octets.length + 1);
    return Buffer.concat([octets.subarray(0, place), insert, octets.subarray(place + remove)]);
  }, Buffer.from(base));

const bases: readonly (readonly [name: string, octets: Uint8Array])[] = [
  ...examples.vectors.map(({ name, text }) => [name, Buffer.from(text)] as const),
  ['a custom profile', vector('intune-custom-profile.json')],
  ['the settings catalog', vector('settings-catalog.json')],
  ['a SyncML session', vector('session.syncml.xml')],
  ...fc
    .sample(registryPolicies, { numRuns: 3, seed: 7 })
    .map((policy, i) => [`registry file ${i}`, writeReg(policy)] as const),
  [
    'a registry file in ANSI',
    Buffer.from(
      'REGEDIT4\r\n[HKLM\\SOFTWARE\\Policies\\Microsoft\\PassportForWork]\r\n"x"=hex(2):41,\\\r\n 00\r\n"y"=-\r\n[-A]\r\n',
    ),
  ],
];

describe('10,000 files that were tampered with', () => {
  const runs = Math.ceil(10_000 / bases.length);
  test.each(bases)('%s', (_name, base) => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(mutations, (changes) => {
        const result = outcome(() => readWindowsPolicy(mutated(base, changes)));
        seen.set(result, (seen.get(result) ?? 0) + 1);
      }),
      { numRuns: runs },
    );
    expect([...seen.keys()].length).toBeGreaterThan(1);
  });
});

test('octets of no form at all, in every form', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom('auto' as const, ...WINDOWS_FORMATS),
      (octets, format) => {
        outcome(() => readWindowsPolicy(octets, { format }));
      },
    ),
    { numRuns: 1000 },
  );
});

test('any JSON, in every form that is JSON', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom('intune' as const, 'csp' as const, 'strings' as const), (text, format) => {
      outcome(() => readWindowsPolicy(text, { format }));
    }),
    { numRuns: 1000 },
  );
});

test('any text as rules: each error has a position inside it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.boolean(), (text, inside) => {
      const whole = inside
        ? `<rule schemaVersion="1.0"><signal type="wifi"><ssid>${text}</ssid></signal></rule>`
        : text;
      try {
        readSignalRules(whole);
      } catch (error) {
        if (!isUnlockdError(error)) throw error;
        const { line, column } = error.detail;
        const inText = Number(line) >= 1 && Number(column) >= 1 && Number(column) <= whole.length + 1;
        expect({ inText, line, column }).toMatchObject({ inText: true });
      }
    }),
    { numRuns: 1500 },
  );
});

describe('files made to tire the reader', () => {
  const lol = Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join('');
  const laughs = `<!DOCTYPE x [<!ENTITY l0 "lol">${lol}]>`;
  const large = 4_000_000;
  test.each([
    ['a billion laughs in rules', `${laughs}<rule>&l9;</rule>`, 'xml'],
    ['a billion laughs in SyncML', `${laughs}<SyncML>&l9;</SyncML>`, 'csp'],
    ['four million open elements in rules', '<a>'.repeat(large / 4), 'xml'],
    ['a million open elements in SyncML', '<a>'.repeat(large / 4), 'csp'],
    ['a huge attribute in SyncML', `<SyncML a="${'x'.repeat(large)}"/>`, 'csp'],
    ['a huge attribute in rules', `<rule a="${'x'.repeat(200_000)}"/>`, 'xml'],
    ['a huge text in a registry file', `REGEDIT4\n[A]\n"x"="${'x'.repeat(large)}"`, 'reg'],
    ['a huge value in hexadecimal', `REGEDIT4\n[A]\n"x"=hex:${'00,'.repeat(large / 4)}00`, 'reg'],
    ['a huge name of a key', `REGEDIT4\n[${'A'.repeat(large)}]\n`, 'reg'],
    ['more keys than any file has', `REGEDIT4\n${'[A]\n'.repeat(large / 4)}`, 'reg'],
    ['a huge comment', `REGEDIT4\n;${'x'.repeat(large)}`, 'reg'],
    ['quotation marks without end', `REGEDIT4\n[A]\n${'"'.repeat(large)}`, 'reg'],
    ['nested lists', '['.repeat(large), 'intune'],
    ['many policies', `[${'{},'.repeat(large / 4)}{}]`, 'intune'],
    ['many nodes', `{${Array.from({ length: 100_000 }, (_, i) => `"./x${i}":1`).join(',')}}`, 'csp'],
    ['a list of a million commas', JSON.stringify({ GroupA: ','.repeat(1_000_000) }), 'strings'],
    ['NUL characters', '\0'.repeat(large), 'xml'],
  ] as const)('%s', (_name, text, format) => {
    const result = outcome(() => readWindowsPolicy(text, { format }));
    expect(result === 'value').toBe(_name === 'a huge comment' || _name === 'a huge attribute in SyncML');
  });
});
