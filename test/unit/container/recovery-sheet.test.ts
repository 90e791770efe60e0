/** Recovery sheets: what a person may mistype is found, in the group where it was mistyped. */
import { describe, expect, it } from 'vitest';
import {
  formatSheet,
  groupsMatch,
  groupsToAsk,
  newRecoverySecret,
  parseSheet,
} from '../../../agent/container/recovery-sheet.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { Secret } from '../../../drivers/base/secret.ts';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const secret = newRecoverySecret(systemEntropy);
const sheet = new TextDecoder().decode(formatSheet(secret).expose());
const groups = sheet.split('-');
const parse = (text: string): Secret => parseSheet(Secret.copyOf(utf8(text)));
const wrongGroup = (text: string): unknown => {
  try {
    parse(text);
    return 'accepted';
  } catch (error) {
    return (error as { code: string; detail: { group?: number } }).detail.group;
  }
};
const withGroup = (at: number, group: string): string => groups.map((old, i) => (i === at ? group : old)).join('-');

describe('a sheet', () => {
  it('has eight groups of five and is read back as it was made', () => {
    expect(groups.map((group) => group.length)).toEqual(Array(8).fill(5));
    for (let round = 0; round < 200; round++) {
      const made = newRecoverySecret(systemEntropy);
      expect(parseSheet(formatSheet(made)).equals(made)).toBe(true);
    }
  });

  it.each([
    ['small letters', sheet.toLowerCase()],
    ['no hyphens', sheet.replaceAll('-', '')],
    ['spaces and a line end', `${sheet.replaceAll('-', ' ')}\r\n`],
    ['O for 0 and I for 1', sheet.replaceAll('0', 'O').replaceAll('1', 'I')],
    ['o for 0 and l for 1', sheet.replaceAll('0', 'o').replaceAll('1', 'l')],
  ])('may be typed with %s', (_, text) => {
    expect(parse(text).equals(secret)).toBe(true);
  });

  it('with any one character replaced is refused, naming its group', () => {
    for (let group = 0; group < 8; group++) {
      for (let at = 0; at < 5; at++) {
        for (const typed of `${ALPHABET}U*é`) {
          const old = groups[group] ?? '';
          if (typed === old[at]) continue;
          const text = withGroup(group, old.slice(0, at) + typed + old.slice(at + 1));
          if (typed === 'é') expect(wrongGroup(text)).not.toBe('accepted');
          else expect(wrongGroup(text), text).toBe(group + 1);
        }
      }
    }
  });

  it('with two neighbours of a group swapped is refused, naming the group', () => {
    for (let round = 0; round < 50; round++) {
      const other = new TextDecoder().decode(formatSheet(newRecoverySecret(systemEntropy)).expose()).split('-');
      for (let group = 0; group < 8; group++) {
        for (let at = 0; at < 4; at++) {
          const [...symbols] = other[group] ?? '';
          if (symbols[at] === symbols[at + 1]) continue;
          [symbols[at], symbols[at + 1]] = [symbols[at + 1] ?? '', symbols[at] ?? ''];
          expect(wrongGroup(other.map((g, i) => (i === group ? symbols.join('') : g)).join('-'))).toBe(group + 1);
        }
      }
    }
  });

  it('with any two groups swapped is refused', () => {
    for (let a = 0; a < 8; a++) {
      for (let b = a + 1; b < 8; b++) {
        const swapped = groups.map((group, i) => (i === a ? groups[b] : i === b ? groups[a] : group)).join('-');
        expect(wrongGroup(swapped), `${a} ${b}`).toBe(a + 1);
      }
    }
  });

  it.each(['', '-', sheet.slice(0, -1), `${sheet}0`, `${sheet}-${sheet}`])(
    'of another length is refused: "%s"',
    (text) => {
      expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'ERR_RECOVERY_GROUP' }));
    },
  );
});

describe('the two groups that are asked back', () => {
  it('are two different ones in order, and match only as printed', () => {
    for (let round = 0; round < 200; round++) {
      const [a, b] = groupsToAsk(systemEntropy);
      expect(a >= 1 && a < b && b <= 8).toBe(true);
      const typed = `${groups[a - 1]} ${groups[b - 1]}`;
      const match = (text: string) => groupsMatch(Secret.copyOf(utf8(sheet)), [a, b], Secret.copyOf(utf8(text)));
      expect(match(typed)).toBe(true);
      expect(match(`${groups[b - 1]} ${groups[a - 1]}`)).toBe(groups[a - 1] === groups[b - 1]);
      expect(match(typed.slice(0, -1))).toBe(false);
      expect(match(`${typed}0`)).toBe(false);
    }
  });
});
