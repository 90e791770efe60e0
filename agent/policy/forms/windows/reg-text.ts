/**
 * The syntax of `.reg` files, version 5 and REGEDIT4: keys, values with their types, line continuations, comments and
 * deletions, with the line of each. What the keys mean is for `reg-keys.ts`.
 */
import { MAX_RULES_LENGTH, MAX_SETTINGS } from './limits.ts';
import { quoted, windowsError } from './settings.ts';

/** Numbers of the registry's types (`REG_SZ`, ...). */
export const REG = { sz: 1, expandSz: 2, binary: 3, dword: 4, multiSz: 7 } as const;

export type RegValue =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'dword'; readonly value: number }
  | { readonly kind: 'raw'; readonly registryType: number; readonly hex: string };

export type RegEntry = { readonly line: number; readonly key: string } & (
  | { readonly does: 'key' }
  | { readonly does: 'delete-key' }
  | { readonly does: 'value'; readonly name: string; readonly value: RegValue }
  | { readonly does: 'delete-value'; readonly name: string }
);

export const REG_HEADERS = ['Windows Registry Editor Version 5.00', 'REGEDIT4'] as const;

/** Longest name of a key with its path, and of a value (the registry's own limits, rounded). */
const MAX_KEY_LENGTH = 2048;
const MAX_NAME_LENGTH = 16_383;

const hexOf = (octets: readonly number[]): string =>
  octets.map((octet) => octet.toString(16).padStart(2, '0')).join('');

class Scanner {
  readonly #text: string;
  readonly #file: string;
  #at = 0;
  #line = 1;

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
  }

  get line(): number {
    return this.#line;
  }
  get done(): boolean {
    return this.#at >= this.#text.length;
  }
  peek(): string {
    return this.#text.charAt(this.#at);
  }
  next(): string {
    const character = this.peek();
    this.#at += 1;
    if (character === '\n' || (character === '\r' && this.peek() !== '\n')) this.#line += 1;
    return character;
  }
  /** Takes what the sticky expression matches here. */
  take(expression: RegExp): string | undefined {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#text)?.[0];
    if (found === undefined) return undefined;
    const end = this.#at + found.length;
    while (this.#at < end) this.next();
    return found;
  }
  fail(words: string, line = this.#line): Error {
    return windowsError('ERR_POLICY_WINDOWS_REG', words, `${this.#file} line ${line}`);
  }
  tooLarge(words: string): Error {
    return windowsError('ERR_POLICY_WINDOWS_TOO_LARGE', words, `${this.#file} line ${this.#line}`);
  }
}

const BLANK = /[ \t]*/y;
const END_OF_LINE = /[ \t]*(?:;[^\r\n]*)?(?:\r\n|[\r\n]|$)/y;
const REST_OF_LINE = /[^\r\n]*/y;

/** The content of a quoted text; it may run over lines. Only `\\` and `\"` are escapes. */
function quotedText(scanner: Scanner, limit: number): string {
  const start = scanner.line;
  scanner.next();
  const parts: string[] = [];
  let length = 0;
  for (;;) {
    if (scanner.done) throw scanner.fail('a quotation mark is not closed', start);
    let character = scanner.next();
    if (character === '"') return parts.join('');
    if (character === '\\') {
      character = scanner.next();
      if (character !== '\\' && character !== '"') throw scanner.fail('only \\\\ and \\" are escapes');
    }
    if (character === '\0') throw scanner.fail('there is a NUL character in a text');
    length += 1;
    if (length > limit) throw scanner.tooLarge('a text is too long');
    parts.push(character);
  }
}

function hexOctets(scanner: Scanner): readonly number[] {
  const octets: number[] = [];
  if (scanner.take(/[ \t]*(?=;|[\r\n]|$)/y) !== undefined) return octets;
  for (;;) {
    const octet = scanner.take(/[ \t]*[\dA-Fa-f]{1,2}(?![\dA-Fa-f])/y);
    if (octet === undefined) throw scanner.fail('an octet in hexadecimal is needed here');
    octets.push(Number.parseInt(octet.trim(), 16));
    if (octets.length > 2 * MAX_RULES_LENGTH) throw scanner.tooLarge('a value is too long');
    if (scanner.take(/[ \t]*,/y) === undefined) return octets;
    scanner.take(/[ \t]*\\[ \t]*(?:\r\n|[\r\n])/y);
  }
}

/** UTF-16LE in version 5, one octet a character in REGEDIT4; NUL ends it. */
function textOfOctets(octets: readonly number[], wide: boolean, scanner: Scanner): string {
  if (wide && octets.length % 2 !== 0) throw scanner.fail('half a character at the end of a text');
  const encoding = wide ? 'utf-16le' : 'windows-1252';
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(octets));
  } catch {
    throw scanner.fail('a text is not UTF-16');
  }
  const end = text.replace(/\0+$/, '');
  if (end.includes('\0')) throw scanner.fail('there is a NUL character in a text');
  return end;
}

function value(scanner: Scanner, wide: boolean): RegValue {
  if (scanner.peek() === '"') return { kind: 'text', text: quotedText(scanner, MAX_RULES_LENGTH) };
  if (scanner.take(/dword:[ \t]*/iy) !== undefined) {
    const digits = scanner.take(/[\dA-Fa-f]{1,8}(?![\dA-Fa-f])/y);
    if (digits === undefined) throw scanner.fail('dword takes one to eight hexadecimal digits');
    return { kind: 'dword', value: Number.parseInt(digits, 16) };
  }
  const typed = scanner.take(/hex(?:\([\dA-Fa-f]{1,8}\))?:/iy);
  if (typed === undefined) {
    throw scanner.fail(`${quoted(scanner.take(REST_OF_LINE) ?? '')} is no value`, scanner.line);
  }
  const registryType = typed.includes('(') ? Number.parseInt(typed.slice(4), 16) : REG.binary;
  const octets = hexOctets(scanner);
  if (registryType === REG.sz || registryType === REG.expandSz) {
    return { kind: 'text', text: textOfOctets(octets, wide, scanner) };
  }
  if (registryType === REG.dword && octets.length === 4) {
    return { kind: 'dword', value: octets.reduceRight((sum, octet) => sum * 256 + octet, 0) };
  }
  return { kind: 'raw', registryType, hex: hexOf(octets) };
}

function key(scanner: Scanner): { readonly name: string; readonly deleted: boolean } {
  const bracketed = scanner.take(/\[[^\r\n]*\]/y);
  if (bracketed === undefined) throw scanner.fail('a key is not closed by a bracket');
  const deleted = bracketed.startsWith('[-');
  const name = bracketed
    .slice(deleted ? 2 : 1, -1)
    .trim()
    .replace(/\\+$/, '');
  if (name === '') throw scanner.fail('a key has no name');
  if (name.length > MAX_KEY_LENGTH) throw scanner.tooLarge('the name of a key is too long');
  if (/[\0!]|\\\\/.test(name)) throw scanner.fail('a key of Windows has no NUL, no ! and no empty part in its name');
  return { name, deleted };
}

/**
 * Reads a `.reg` file that is already text.
 * @param file how errors call it
 * @throws {ERR_POLICY_WINDOWS_REG} with the line @throws {ERR_POLICY_WINDOWS_TOO_LARGE}
 */
export function readRegText(text: string, file: string): readonly RegEntry[] {
  const scanner = new Scanner(text, file);
  const header = scanner.take(REST_OF_LINE)?.trimEnd();
  if (!REG_HEADERS.some((known) => known === header)) {
    throw scanner.fail(`the first line is not ${REG_HEADERS.map(quoted).join(' or ')}`);
  }
  const wide = header !== 'REGEDIT4';
  const entries: RegEntry[] = [];
  let current: string | undefined;
  while (!scanner.done) {
    if (scanner.take(END_OF_LINE) !== undefined) continue;
    scanner.take(BLANK);
    const { line } = scanner;
    if (entries.length >= MAX_SETTINGS) throw scanner.tooLarge('there are too many entries');
    if (scanner.peek() === '[') {
      const { name, deleted } = key(scanner);
      entries.push({ line, key: name, does: deleted ? 'delete-key' : 'key' });
      current = deleted ? undefined : name;
    } else if (scanner.peek() === '"' || scanner.peek() === '@') {
      const name = scanner.take(/@/y) === undefined ? quotedText(scanner, MAX_NAME_LENGTH) : '';
      if (scanner.take(/[ \t]*=[ \t]*/y) === undefined) throw scanner.fail('there is no = after the name');
      if (current === undefined) throw scanner.fail('a value stands before any key', line);
      const found = scanner.take(/-/y) === undefined ? value(scanner, wide) : undefined;
      entries.push(
        found === undefined
          ? { line, key: current, does: 'delete-value', name }
          : { line, key: current, does: 'value', name, value: found },
      );
    } else {
      throw scanner.fail(`${quoted(scanner.take(REST_OF_LINE) ?? '')} is neither a key nor a value`, line);
    }
    if (scanner.take(END_OF_LINE) === undefined && !scanner.done) {
      throw scanner.fail(`there is more on the line: ${quoted(scanner.take(REST_OF_LINE) ?? '')}`);
    }
  }
  return entries;
}
