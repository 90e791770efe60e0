/** The version of the product, as `package.json` has it. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Both from the sources and from `dist/`, the package is one or two folders up. */
function readVersion(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  for (const folder of [join(here, '..'), join(here, '..', '..')]) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<
        string,
        unknown
      >;
      if (name === 'unlockd' && typeof version === 'string') return version;
    } catch {
      // Not here: one further up.
    }
  }
  return '0.0.0';
}

export const VERSION: string = readVersion();
