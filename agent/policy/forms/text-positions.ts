/**
 * Where an element stands in the text of a policy document, TOML 1.0 or JSON (RFC 8259): the parsers keep no positions,
 * and an error that names a line is worth more than one that names a path. Only texts that their parser has accepted come
 * here, so the scan looks for boundaries and judges nothing; it is bounded by the length of the text.
 */

/** Both from 1; columns in UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** `contexts.unlock.require.any[1]`: how elements are called in errors. */
export const elementOf = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`),
    '',
  );

type Path = readonly (string | number)[];

/** Line and column of an index. */
export function positionAt(text: string, index: number): Position {
  const before = text.slice(0, index);
  const line = before.split('\n').length;
  return { line, column: index - (before.lastIndexOf('\n') + 1) + 1 };
}

/** Nesting that no document has: `checkedDocument` refuses it, and deeper elements are called by what is around them. */
const MAX_DEPTH = 32;

class Scanner {
  readonly found = new Map<string, number>();
  /** The first key of a JSON object that stands in it twice; null: there is none. */
  repeated: string | null = null;
  readonly #text: string;
  readonly #toml: boolean;
  #at = 0;

  constructor(text: string, form: 'toml' | 'json') {
    this.#text = text;
    this.#toml = form === 'toml';
  }

  #mark(path: Path, at: number): void {
    if (path.length > MAX_DEPTH) return;
    const element = elementOf(path);
    if (!this.found.has(element)) this.found.set(element, at);
  }

  #peek(): string {
    return this.#text[this.#at] ?? '';
  }

  /** Skips what stands between tokens; `lines`: line ends too. */
  #space(lines: boolean): void {
    const pattern = lines ? /(?:[ \t\r\n\ufeff]|#[^\n]*)*/y : /(?:[ \t]|#[^\n]*)*/y;
    this.#skip(this.#toml ? pattern : /[ \t\r\n]*/y);
  }

  #skip(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const matched = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += matched.length;
    return matched;
  }

  /** A string of any kind, as it stands. */
  #string(): string {
    return this.#skip(/"""(?:[^\\]|\\.)*?"{3,5}(?!")|'''.*?'{3,5}(?!')|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/sy);
  }

  #key(): string {
    if (this.#peek() === '"') {
      const raw = this.#string();
      try {
        // \U and \e of TOML are no JSON; such a key keeps its spelling.
        return String(JSON.parse(raw));
      } catch {
        return raw.slice(1, -1);
      }
    }
    return this.#peek() === "'" ? this.#string().slice(1, -1) : this.#skip(/[^\s.=\]:,{}[\]]*/y);
  }

  #dottedKey(): string[] {
    const keys: string[] = [];
    for (;;) {
      this.#space(false);
      const key = this.#key();
      // What follows may be as long as the text, and each prefix of a path is a path.
      if (keys.length <= MAX_DEPTH) keys.push(key);
      this.#space(false);
      if (this.#peek() !== '.') return keys;
      this.#at++;
    }
  }

  #value(path: Path, depth: number): void {
    this.#space(true);
    this.#mark(path, this.#at);
    const first = this.#peek();
    if (depth > MAX_DEPTH) this.#at = this.#text.length;
    else if (first === '[') this.#array(path, depth);
    else if (first === '{') this.#table(path, depth);
    else if (this.#string() === '') this.#skip(/[^,\]}#\n]*/y);
  }

  #array(path: Path, depth: number): void {
    this.#at++;
    for (let i = 0; this.#at < this.#text.length; i++) {
      this.#space(true);
      if (this.#peek() === ']') break;
      this.#value([...path, i], depth + 1);
      this.#space(true);
      if (this.#peek() !== ',') break;
      this.#at++;
    }
    this.#space(true);
    if (this.#peek() === ']') this.#at++;
  }

  #table(path: Path, depth: number): void {
    this.#at++;
    const keys = new Set<string>();
    while (this.#at < this.#text.length) {
      this.#space(true);
      if (this.#peek() === '}') break;
      const key = this.#entry(path, depth);
      if (keys.has(key)) this.repeated ??= elementOf([...path, key]);
      keys.add(key);
      this.#space(true);
      if (this.#peek() !== ',') break;
      this.#at++;
    }
    this.#space(true);
    if (this.#peek() === '}') this.#at++;
  }

  /** `key = value` or `"key": value`; a key is where its element stands. */
  #entry(path: Path, depth: number): string {
    const at = this.#at;
    const keys = this.#toml ? this.#dottedKey() : [this.#key()];
    for (let n = 1; n <= keys.length; n++) this.#mark([...path, ...keys.slice(0, n)], at);
    this.#space(!this.#toml);
    this.#at++;
    this.#value([...path, ...keys], depth + 1);
    return keys[0] ?? '';
  }

  json(): void {
    this.#value([], 0);
  }

  toml(): void {
    /** How many tables an array of tables has so far, by element. */
    const counts = new Map<string, number>();
    /** The table of a header: into the newest table of each array on the way. */
    const resolved = (keys: readonly string[], isArray: boolean): Path => {
      const path: (string | number)[] = [];
      for (const [i, key] of keys.entries()) {
        path.push(key);
        const count = counts.get(elementOf(path));
        if (i === keys.length - 1 && isArray) {
          counts.set(elementOf(path), (count ?? 0) + 1);
          path.push(count ?? 0);
        } else if (count !== undefined) {
          path.push(count - 1);
        }
      }
      return path;
    };
    let table: Path = [];
    while (this.#at < this.#text.length) {
      this.#space(true);
      const at = this.#at;
      if (at >= this.#text.length) break;
      if (this.#peek() === '[') {
        const brackets = this.#skip(/\[{1,2}/y);
        table = resolved(this.#dottedKey(), brackets.length === 2);
        for (let n = 1; n <= table.length; n++) this.#mark(table.slice(0, n), at);
        this.#skip(/\]{1,2}/y);
      } else {
        this.#entry(table, 0);
      }
      // Whatever the parser has accepted moves on; a text that it has not must not hold anybody up.
      if (this.#at === at) this.#at++;
    }
  }
}

/**
 * A key that an object of a JSON text has twice, as an element. JSON.parse takes the last one.
 * @param text that was parsed without an error
 * @returns null: there is none down to the depth of any document
 */
export function repeatedKey(text: string): string | null {
  const scanner = new Scanner(text, 'json');
  scanner.json();
  return scanner.repeated;
}

/**
 * Where an element stands: its key, or for an item of a list the item; of one that is not there the closest around it.
 * @param form what the text was parsed as, without an error
 */
export function positionOf(text: string, form: 'toml' | 'json', element: string): Position {
  const scanner = new Scanner(text, form);
  scanner[form]();
  for (let path = element; path !== ''; path = path.replace(/(?:\.[^.[\]]*|\[\d+\]|^[^.[]*)$/, '')) {
    const found = scanner.found.get(path);
    if (found !== undefined) return positionAt(text, found);
    if (!/[.[]/.test(path)) break;
  }
  return { line: 1, column: 1 };
}
