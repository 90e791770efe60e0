/** Finds comments that silence a check: each has to say why, and some are not allowed at all. */
import { parseSync } from 'oxc-parser';

/** At least two words: a reason, not a label. */
const REASON = /\S+\s+\S+/;

const KINDS: readonly { readonly pattern: RegExp; readonly reason: RegExp | null }[] = [
  { pattern: /^\s*biome-ignore(-\w+)?\b/, reason: /^\s*biome-ignore(?:-\w+)?\s+[\w/]+(?:\([^)]*\))?:\s*(.*)$/s },
  { pattern: /^\s*@ts-expect-error\b/, reason: /^\s*@ts-expect-error:?\s*(.*)$/s },
  {
    pattern: /^[\s*]*@?(v8|c8|istanbul) ignore\b/,
    reason: /^[\s*]*@?\w+ ignore (?:next|start|stop|if|else|file)[\s:—-]*(.*)$/s,
  },
  { pattern: /^\s*@ts-(ignore|nocheck)\b/, reason: null },
];

/** One sentence for each suppression that has no reason or may not exist. */
export function unexplainedSuppressions(file: string, source: string): string[] {
  const found: string[] = [];
  for (const comment of parseSync(file, source).comments) {
    const kind = KINDS.find(({ pattern }) => pattern.test(comment.value));
    if (!kind) continue;
    const line = source.slice(0, comment.start).split('\n').length;
    const text = comment.value.trim().split('\n')[0];
    if (kind.reason === null) found.push(`${file}:${line} may not silence the compiler: ${text}`);
    else if (!REASON.test(kind.reason.exec(comment.value)?.[1] ?? '')) {
      found.push(`${file}:${line} silences a check without a reason: ${text}`);
    }
  }
  return found;
}
