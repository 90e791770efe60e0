/**
 * Elements without children, with their text, of the XML that WlanGetProfile hands out. A profile may come from anybody
 * who could bring it onto this machine, so this reads as little of XML as profiles need: no document type, no entities
 * but the five of XML, no CDATA, no instructions; and all of it bounded. What is anything else is null.
 */
export interface XmlLeaf {
  /** Local names from the root down; the prefix of a namespace is left off. */
  readonly path: readonly string[];
  readonly text: string;
}

const MAX_UNITS = 262_144;
const MAX_DEPTH = 32;
const MAX_ELEMENTS = 2048;

/** XML 1.0, "Start-Tags, End-Tags, and Empty-Element Tags", of the names that profiles have. */
const TAG =
  /<(\/?)((?:[A-Za-z_][\w.-]{0,63}:)?([A-Za-z_][\w.-]{0,63}))((?:\s+[A-Za-z_][\w.:-]{0,127}\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y;
const DECLARATION = /^\uFEFF?<\?xml\s[^<>?]{0,200}\?>/;
const COMMENT = ['<!--', '--', '-->'] as const;
const ENTITY = /&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#x([\dA-Fa-f]{1,6}));|&/g;
const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Null: an entity that is not one of XML's own. */
function unescaped(text: string): string | null {
  let known = true;
  const out = text.replace(ENTITY, (_, named?: string, decimal?: string, hex?: string) => {
    if (named !== undefined) return NAMED[named] ?? '';
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
    known &&= code > 0 && code <= 0x10ffff;
    return known ? String.fromCodePoint(code) : '';
  });
  return known ? out : null;
}

interface Open {
  readonly qualified: string;
  readonly name: string;
  text: string;
  leaf: boolean;
}

class LeafScanner {
  readonly #xml: string;
  readonly #open: Open[] = [];
  readonly leaves: XmlLeaf[] = [];
  #at: number;
  #elements = 0;

  constructor(xml: string) {
    this.#xml = xml;
    this.#at = DECLARATION.exec(xml)?.[0].length ?? 0;
  }

  /** @returns whether it was a document from its beginning to its end */
  run(): boolean {
    while (this.#at < this.#xml.length) if (!this.#step()) return false;
    return this.#open.length === 0 && this.#elements > 0;
  }

  #step(): boolean {
    if (this.#xml[this.#at] !== '<') return this.#text();
    if (this.#xml.startsWith(COMMENT[0], this.#at)) return this.#comment();
    TAG.lastIndex = this.#at;
    const tag = TAG.exec(this.#xml);
    if (tag === null) return false;
    this.#at = TAG.lastIndex;
    const [, slash, qualified = '', name = '', attributes = '', empty] = tag;
    if (slash === '') return this.#begin(qualified, name) && (empty === '' || this.#end(qualified));
    return attributes === '' && empty === '' && this.#end(qualified);
  }

  /** Two hyphens stand at its end alone. */
  #comment(): boolean {
    const [begin, hyphens, end] = COMMENT;
    const at = this.#xml.indexOf(hyphens, this.#at + begin.length);
    if (at < 0 || !this.#xml.startsWith(end, at)) return false;
    this.#at = at + end.length;
    return true;
  }

  #text(): boolean {
    const end = this.#xml.indexOf('<', this.#at);
    const raw = this.#xml.slice(this.#at, end < 0 ? this.#xml.length : end);
    this.#at += raw.length;
    const text = unescaped(raw);
    const inside = this.#open.at(-1);
    if (text === null) return false;
    if (inside === undefined) return text.trim() === '';
    inside.text += text;
    return true;
  }

  #begin(qualified: string, name: string): boolean {
    // One root, and nothing after it.
    if (this.#open.length === 0 && this.#elements > 0) return false;
    if (++this.#elements > MAX_ELEMENTS || this.#open.length === MAX_DEPTH) return false;
    const parent = this.#open.at(-1);
    if (parent !== undefined) parent.leaf = false;
    this.#open.push({ qualified, name, text: '', leaf: true });
    return true;
  }

  #end(qualified: string): boolean {
    const ended = this.#open.at(-1);
    if (ended?.qualified !== qualified) return false;
    if (ended.leaf) this.leaves.push({ path: this.#open.map(({ name }) => name), text: ended.text });
    this.#open.pop();
    return true;
  }
}

/** In the order of the document; null: it is none, or has something that profiles have not. */
export function leavesOf(xml: string): readonly XmlLeaf[] | null {
  if (xml.length > MAX_UNITS) return null;
  const scanner = new LeafScanner(xml);
  return scanner.run() ? scanner.leaves : null;
}
