/**
 * Recovery sheets: 160 random bits as eight groups of five characters that a person can type. The alphabet is Crockford's
 * base 32 (no I, L, O, U; those that look like digits are read as digits). The fifth character of each group checks the
 * other four and the place of the group, so that a typing error is found in its group before anything else happens.
 */
import type { Entropy } from '../../drivers/base/entropy.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { Secret } from '../../drivers/base/secret.ts';

export const SHEET_GROUPS = 8;
const SYMBOLS = 4;
const SECRET_BYTES = (SHEET_GROUPS * SYMBOLS * 5) / 8;
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const HYPHEN = 0x2d;

/** Character code → value, with the look-alikes; -1: no such character. */
const VALUES = new Int8Array(128).fill(-1);
for (let value = 0; value < ALPHABET.length; value++) {
  VALUES[ALPHABET.charCodeAt(value)] = value;
  VALUES[ALPHABET.toLowerCase().charCodeAt(value)] = value;
}
for (const [like, digit] of ['O0', 'o0', 'I1', 'i1', 'L1', 'l1'] as const)
  VALUES[like?.charCodeAt(0) ?? 0] = Number(digit);

/** Multiplication by x in GF(32), polynomial x^5 + x^2 + 1. */
const timesX = (value: number): number => ((value << 1) ^ (value & 16 ? 0b100101 : 0)) & 31;

/** Weighs each symbol with another power of x, so that any one error and any swap of neighbours changes it. */
function checkSymbol(symbols: Uint8Array, group: number): number {
  let sum = group + 1;
  for (const symbol of symbols) sum = timesX(sum) ^ symbol;
  return timesX(sum);
}

/** The bytes of a sheet as 5-bit symbols, most significant bits first. */
function symbolsOf(secret: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(SHEET_GROUPS * SYMBOLS);
  for (let bit = 0; bit < SECRET_BYTES * 8; bit++) {
    const set = ((secret[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1;
    const at = Math.floor(bit / 5);
    out[at] = ((out[at] ?? 0) << 1) | set;
  }
  return out;
}

export const newRecoverySecret = (entropy: Entropy): Secret => Secret.take(entropy.bytes(SECRET_BYTES));

/** The sheet as ASCII: groups separated by hyphens, 47 characters. The caller disposes it. */
export function formatSheet(secret: Secret): Secret {
  const symbols = symbolsOf(secret.expose());
  const text = new Uint8Array(SHEET_GROUPS * (SYMBOLS + 2) - 1).fill(HYPHEN);
  for (let group = 0; group < SHEET_GROUPS; group++) {
    const four = symbols.subarray(group * SYMBOLS, (group + 1) * SYMBOLS);
    const at = group * (SYMBOLS + 2);
    four.forEach((symbol, i) => {
      text[at + i] = ALPHABET.charCodeAt(symbol);
    });
    text[at + SYMBOLS] = ALPHABET.charCodeAt(checkSymbol(four, group));
  }
  symbols.fill(0);
  return Secret.take(text);
}

/** Values of the characters that count; hyphens and white space between them do not. */
function typedSymbols(typed: Uint8Array, max: number): Uint8Array {
  const out = new Uint8Array(max + 1);
  let length = 0;
  for (const code of typed) {
    if (code === HYPHEN || code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d) continue;
    if (length === max) {
      out.fill(0);
      throw new UnlockdError('ERR_RECOVERY_GROUP', 'there are more characters than a sheet has');
    }
    // What is no character of the alphabet at all is kept as 255, so that its group can be named.
    const value = VALUES[code] ?? -1;
    out[length++] = value < 0 ? 255 : value;
  }
  return out.subarray(0, length);
}

const groupError = (group: number): UnlockdError =>
  new UnlockdError('ERR_RECOVERY_GROUP', `group ${group + 1} of the recovery sheet is mistyped`, {
    detail: { group: group + 1 },
  });

/**
 * Reads a whole sheet as it was typed.
 * @param typed ASCII; stays the caller's
 * @throws {ERR_RECOVERY_GROUP} naming the first group that is wrong, counted from 1
 */
export function parseSheet(typed: Secret): Secret {
  const symbols = typedSymbols(typed.expose(), SHEET_GROUPS * (SYMBOLS + 1));
  const out = new Uint8Array(SECRET_BYTES);
  try {
    for (let group = 0; group < SHEET_GROUPS; group++) {
      const five = symbols.subarray(group * (SYMBOLS + 1), (group + 1) * (SYMBOLS + 1));
      const four = five.subarray(0, SYMBOLS);
      if (five.length !== SYMBOLS + 1 || five.some((symbol) => symbol > 31)) throw groupError(group);
      if (checkSymbol(four, group) !== five[SYMBOLS]) throw groupError(group);
      four.forEach((symbol, i) => {
        for (let bit = 0; bit < 5; bit++) {
          const at = (group * SYMBOLS + i) * 5 + bit;
          if ((symbol >> (4 - bit)) & 1) out[at >> 3] = (out[at >> 3] ?? 0) | (0x80 >> (at & 7));
        }
      });
    }
    return Secret.take(out);
  } finally {
    symbols.fill(0);
    out.fill(0);
  }
}

/** Which two groups are asked back after a sheet was shown, 1-based and in order. */
export function groupsToAsk(entropy: Entropy): readonly [number, number] {
  const [a = 0, b = 0] = entropy.bytes(2);
  const first = a % SHEET_GROUPS;
  const second = (first + 1 + (b % (SHEET_GROUPS - 1))) % SHEET_GROUPS;
  return first < second ? [first + 1, second + 1] : [second + 1, first + 1];
}

/** Compares what was typed with the named groups of the sheet. */
export function groupsMatch(sheet: Secret, groups: readonly number[], typed: Secret): boolean {
  const bytes = sheet.expose();
  const wanted = groups.flatMap((group) => {
    const at = (group - 1) * (SYMBOLS + 2);
    return [...bytes.subarray(at, at + SYMBOLS + 1)].map((code) => VALUES[code] ?? -1);
  });
  let given: Uint8Array;
  try {
    given = typedSymbols(typed.expose(), groups.length * (SYMBOLS + 1));
  } catch {
    return false;
  }
  using a = Secret.take(Uint8Array.from(wanted));
  using b = Secret.take(given);
  return a.equals(b);
}
