/** Policy documents that say something else than they seem to, or more than anybody could work out. */
import { describe, expect, it } from 'vitest';
import { parseDocument } from '../../../agent/policy/forms/native-json.ts';
import { parseToml } from '../../../agent/policy/forms/native-toml.ts';
import { formatSignedDocument, parseSignedDocument } from '../../../agent/policy/forms/signed-document.ts';

const PAIR = '{"require":{"all":["pin","securityKey"]}}';
const WINDOW = '{"days":["monday"],"from":"08:00","to":"17:00"}';
const refusalOf = (text: string, parse: (text: string) => unknown = parseDocument): unknown => {
  try {
    return parse(text);
  } catch (error) {
    return error;
  }
};

describe('a JSON document in which something stands twice', () => {
  it.each([
    [
      'a context, strong where it is read and weak where it counts',
      `{"version":2,"contexts":{"unlock":${PAIR},"unlock":{"require":{"all":["face","network"]},"acceptAsserted":true}}}`,
      'contexts.unlock',
    ],
    [
      'a context, once with an escape in its name',
      `{"version":2,"contexts":{"unlock":${PAIR},"wallet":${PAIR},"w\\u0061llet":{"require":{"all":["pin","face"]}}}}`,
      'contexts.wallet',
    ],
    ['all contexts', `{"contexts":{"unlock":${PAIR}},"version":2,"contexts":{"unlock":${PAIR}}}`, 'contexts'],
    [
      'an element of a rule',
      `{"version":2,"contexts":{"unlock":${PAIR}},"rules":[{"name":"a","all":[{"type":"wifi","ssid":"x","security":"Open","ssid":"y"}]}]}`,
      'rules[0].all[0].ssid',
    ],
  ])('is refused: %s', (_, text, element) => {
    expect(refusalOf(text)).toMatchObject({
      code: 'ERR_POLICY_INVALID',
      message: expect.stringContaining(`${element}: is there twice`),
      detail: { element, line: 1 },
    });
  });

  it('is refused as TOML as well', () => {
    const text = 'version = 2\n[contexts.unlock]\nfirst = ["pin"]\nthen = ["securityKey"]\nfirst = ["face"]\n';
    expect(refusalOf(text, parseToml)).toMatchObject({ code: 'ERR_POLICY_INVALID', detail: { line: 5 } });
  });

  it('is told from one in which the same name stands in different places', () => {
    const text = `{"version":2,"contexts":{"unlock":${PAIR},"wallet":${PAIR}},"windows":{"unlock":${WINDOW},"name":${WINDOW}}}`;
    expect(Object.keys(parseDocument(text).contexts)).toEqual(['unlock', 'wallet']);
  });
});

describe('a key that is the name of a prototype', () => {
  it.each([
    ['windows', `{"version":2,"contexts":{"unlock":${PAIR}},"windows":{"__proto__":${WINDOW}}}`],
    ['windowsSettings', `{"version":2,"contexts":{"unlock":${PAIR}},"windowsSettings":{"__proto__":"x"}}`],
    ['freshnessSeconds', `{"version":2,"contexts":{"unlock":${PAIR}},"freshnessSeconds":{"__proto__":1}}`],
    ['contexts', `{"version":2,"contexts":{"unlock":${PAIR},"__proto__":{"wallet":${PAIR}}}}`],
  ])('is refused in %s, not passed over', (place, text) => {
    expect(refusalOf(text)).toMatchObject({ code: 'ERR_POLICY_INVALID', detail: { element: `${place}.__proto__` } });
  });

  it('is refused in TOML', () => {
    const text =
      'version = 2\n[contexts.unlock]\nfirst = ["pin"]\nthen = ["securityKey"]\n[windowsSettings]\n__proto__ = "x"\n';
    expect(refusalOf(text, parseToml)).toMatchObject({ detail: { element: 'windowsSettings.__proto__', line: 6 } });
  });
});

describe('a requirement whose alternatives multiply', () => {
  /** `count` windows for each of five factors, all of which are asked for: count^5 alternatives. */
  const multiplied = (count: number): string => {
    const factors = ['pin', 'securityKey', 'face', 'fingerprint', 'network'];
    const hours = Array.from({ length: 5 * count }, (_, i) => [`w${i}`, JSON.parse(WINDOW)]);
    const all = factors.map((need, f) => ({
      any: Array.from({ length: count }, (_, i) => ({ during: `w${f * count + i}`, need })),
    }));
    const rules = [{ name: 'office', all: [{ type: 'ipConfig', ipv4Gateway: '192.0.2.1' }] }];
    const contexts = { unlock: { require: { all } } };
    return JSON.stringify({ version: 2, contexts, rules, windows: Object.fromEntries(hours) });
  };

  it('is read while there are a few hundred of them', () => {
    expect(parseDocument(multiplied(3)).version).toBe(2);
  });

  it('is refused when there are a quarter of a million, in a few kilobytes', () => {
    const text = multiplied(12);
    expect(text.length).toBeLessThan(8192);
    expect(refusalOf(text)).toMatchObject({
      code: 'ERR_POLICY_INVALID',
      message: expect.stringContaining('more alternatives than can be looked at'),
      detail: { element: 'contexts.unlock.require' },
    });
  });

  it('is refused with atLeast as well, and with rules in the place of windows it does not multiply', () => {
    const windows = Object.fromEntries(Array.from({ length: 31 }, (_, i) => [`w${i}`, JSON.parse(WINDOW)]));
    const any = ['pin', 'securityKey', 'face', 'fingerprint'];
    const of = Object.keys(windows).map((during) => ({ during, need: { any: any.slice(0, 2) } }));
    const document = { version: 2, windows, contexts: { unlock: { require: { all: [{ atLeast: 2, of }, { any }] } } } };
    expect(refusalOf(JSON.stringify(document))).toMatchObject({ code: 'ERR_POLICY_INVALID' });
    const rules = Array.from({ length: 100 }, (_, i) => ({
      name: `r${i}`,
      all: [{ type: 'ipConfig', ipv4Gateway: `192.0.2.${i}` }],
    }));
    const parts = rules.slice(0, 30).map(({ name }) => `rule:${name}`);
    const ruled = { version: 2, rules, contexts: { unlock: { require: { all: [{ any }, { any: parts }] } } } };
    expect(parseDocument(JSON.stringify(ruled)).rules).toHaveLength(100);
  });
});

describe('a signed document whose signature would hold for another text', () => {
  const signed = { version: 1, document: '{"a":"\ufffd"}', key: '00'.repeat(32), signature: new Uint8Array(64) };

  it('is refused with half a surrogate pair, which UTF-8 writes like U+FFFD', () => {
    expect(parseSignedDocument(formatSignedDocument(signed)).document).toBe(signed.document);
    const forged = formatSignedDocument({ ...signed, document: '{"a":"\ud800"}' });
    expect(refusalOf(forged, parseSignedDocument)).toMatchObject({ code: 'ERR_POLICY_DOCUMENT_SIGNATURE' });
  });

  it('is refused with two documents, of which a reader may see the other', () => {
    const text = formatSignedDocument(signed).replace('{', '{"document":"{}",');
    expect(refusalOf(text, parseSignedDocument)).toMatchObject({ code: 'ERR_POLICY_DOCUMENT_SIGNATURE' });
  });
});
