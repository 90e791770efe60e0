/**
 * Where a text stops being JSON (RFC 8259). The messages of the engine differ by version and often name no position, so
 * the grammar is walked through once more, token by token.
 */

type Wanted = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | 'more' | 'end';

const SPACE = /[ \t\n\r]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they may not stand in a string
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.])/y;

/** Length of what `pattern` matches at `at`; 0: nothing. */
function lengthAt(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0].length ?? 0;
}

/** @returns the index of the first character that cannot stand where it stands; null: the text is JSON */
export function jsonErrorAt(text: string): number | null {
  const open: ('{' | '[')[] = [];
  let wanted: Wanted = 'value';
  const after = (): Wanted => (open.length === 0 ? 'end' : 'more');
  for (let at = 0; ; ) {
    at += lengthAt(SPACE, text, at);
    const next = text[at];
    if (next === undefined) return wanted === 'end' ? null : at;
    const inside = open.at(-1);
    if (next === '}' || next === ']') {
      const fits = next === '}' ? inside === '{' && wanted === 'key or }' : inside === '[' && wanted === 'value or ]';
      const ends = wanted === 'more' && inside === (next === '}' ? '{' : '[');
      if (!fits && !ends) return at;
      open.pop();
      wanted = after();
      at++;
    } else if (wanted === 'more' || wanted === ':' || wanted === 'end') {
      if (wanted === 'end' || next !== (wanted === ':' ? ':' : ',')) return at;
      wanted = wanted === 'more' && inside === '{' ? 'key' : 'value';
      at++;
    } else {
      const key: boolean = wanted === 'key' || wanted === 'key or }';
      if (!key && (next === '{' || next === '[')) {
        open.push(next);
        wanted = next === '{' ? 'key or }' : 'value or ]';
        at++;
        continue;
      }
      const length = lengthAt(STRING, text, at) || (key ? 0 : lengthAt(SCALAR, text, at));
      if (length === 0) return at;
      wanted = key ? ':' : after();
      at += length;
    }
  }
}
