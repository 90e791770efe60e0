/** Finds links between the project's Markdown pages that lead nowhere: a file that is not there, or a heading. */
import { posix } from 'node:path';

/** Headings become anchors as GitHub makes them: lower case, punctuation away, spaces to hyphens. */
const anchorOf = (heading: string): string =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');

const withoutCode = (page: string): string => page.replace(/^(```|~~~)[\s\S]*?^\1/gm, '').replace(/`[^`\n]*`/g, '');

function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of page.replace(/^(```|~~~)[\s\S]*?^\1/gm, '').matchAll(/^#{1,6}\s+(.+)$/gm)) {
    const base = anchorOf(heading);
    let anchor = base;
    for (let n = 1; anchors.has(anchor); n += 1) anchor = `${base}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

/**
 * @param pages path relative to the project, to text
 * @param exists whether a path relative to the project is there (file or folder)
 * @returns one sentence for each link that leads nowhere; links to other hosts are not looked at
 */
export function deadLinks(pages: ReadonlyMap<string, string>, exists: (path: string) => boolean): string[] {
  const found: string[] = [];
  for (const [path, page] of pages) {
    for (const [, target = ''] of withoutCode(page).matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)) {
      if (/^[a-z][a-z0-9+.-]*:/i.test(target)) continue;
      const [file = '', anchor] = target.split('#');
      const resolved = file === '' ? path : posix.normalize(posix.join(posix.dirname(path), file));
      if (resolved.startsWith('..') || !exists(resolved)) {
        found.push(`${path} links to ${target}, which is not there`);
        continue;
      }
      const other = pages.get(resolved);
      if (anchor && other !== undefined && !anchorsOf(other).has(anchor)) {
        found.push(`${path} links to ${target}, which has no such heading`);
      }
    }
  }
  return found;
}
