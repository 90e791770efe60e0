/** Where the reports of several walkthroughs are written, when one file is named. Pure. */
import { basename, extname } from 'node:path';

/** Of one walkthrough the file itself; of several `run.html` becomes `run-first-unlock.html` and so on, each once. */
export function reportPaths(path: string, names: readonly string[]): readonly string[] {
  if (names.length === 1) return [path];
  const ending = extname(path);
  const stem = path.slice(0, path.length - ending.length);
  const taken = new Set<string>();
  return names.map((name) => {
    const own = basename(name, extname(name)).replace(/[^\w-]+/g, '-');
    let free = own;
    for (let n = 2; taken.has(free); n++) free = `${own}-${n}`;
    taken.add(free);
    return `${stem}-${free}${ending}`;
  });
}
