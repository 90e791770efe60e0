import { describe, expect, test } from 'vitest';
import { ssidBytes, ssidWords } from '../../../drivers/base/ssid.ts';

const asBytes = (text: string): string => `0x${ssidBytes(text)}`;

describe('an SSID for people', () => {
  test.each(['depot-7', 'Büro & Lager', 'Corp&&5G', 'Corp\\', '倉庫', 'Café ☕'])('is text: %s', (text) => {
    expect(ssidWords(ssidBytes(text))).toBe(text);
  });

  test.each<[string, string]>([
    ['an override of the direction of writing', 'a\u202eb'],
    ['an isolate of it', 'a\u2066b'],
    ['a mark of it', 'Corp\u200f'],
    ['a joiner that is not seen', 'Co\u200drp'],
    ['a byte order mark', '\ufeffCorp'],
    ['another line', 'a\nb'],
    ['a line separator', 'a\u2028b'],
    ['a sequence that clears the terminal', '\u001b[2J'],
    ['a control character of eight bits', 'a\u009b2J'],
    ['a mark on nothing', 'Corp\u0301'],
    ['a letter that is not seen', 'Corp\u3164'],
    ['a pattern of no dots', '\u2800'],
    ['a blank of another kind', 'Corp\u00a0Net'],
    ['a blank at its end', 'Corp '],
    ['a blank at its beginning', ' Corp'],
    ['two blanks', 'Corp  Net'],
    ['the end of a quotation', 'Corp" 00:11:22:33:44:55'],
    ['the bytes of another one', '0x436f7270'],
    ['what a hidden one is called', 'hidden'],
  ])('is bytes where the text has %s', (_, text) => {
    expect(ssidWords(ssidBytes(text))).toBe(asBytes(text));
  });

  test.each<[string, string]>([
    ['', 'hidden'],
    ['42fc726f', '0x42fc726f'],
    ['6400', '0x6400'],
    ['ff'.repeat(32), `0x${'ff'.repeat(32)}`],
    ['xyz', 'not an SSID'],
    ['abc', 'not an SSID'],
    ['AB', 'not an SSID'],
    ['61 62', 'not an SSID'],
  ])('%s is %s', (bytes, words) => {
    expect(ssidWords(bytes)).toBe(words);
  });
});
