/**
 * Where a key stands in a TOML file, for messages and for the origin of a value. The TOML parser keeps no positions;
 * the document that it has accepted has two levels only, so that a look at the line beginnings is enough.
 */

const unquote = (key: string): string => key.replace(/^(["'])(.*)\1$/, '$2');

/**
 * The 1-based line of every `section`, `section.key` and top-level key. Of a key inside an inline table the line of
 * its section is known.
 */
export function keyLines(toml: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>();
  const add = (key: string, line: number): void => {
    if (!lines.has(key)) lines.set(key, line);
  };
  let section = '';
  let multiline: string | null = null;
  for (const [i, line] of toml.split('\n').entries()) {
    if (multiline !== null) {
      if (line.includes(multiline)) multiline = null;
      continue;
    }
    const header = /^\s*\[\[?\s*([^\]]+?)\s*\]/.exec(line)?.[1];
    if (header !== undefined) {
      section = header
        .split('.')
        .map((part) => unquote(part.trim()))
        .join('.');
      add(section, i + 1);
      continue;
    }
    const assignment =
      /^\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*=(.*)$/.exec(line);
    if (assignment === null) continue;
    const parts = (assignment[1] ?? '').split('.').map((part) => unquote(part.trim()));
    const path = section === '' ? parts : [...section.split('.'), ...parts];
    for (let n = 1; n <= path.length; n++) add(path.slice(0, n).join('.'), i + 1);
    const quotes = /("""|''')/.exec(assignment[2] ?? '');
    if (quotes?.[1] !== undefined && (assignment[2] ?? '').split(quotes[1]).length === 2) multiline = quotes[1];
  }
  return lines;
}
