/** The walkthroughs that come with the product: files of docs/walkthroughs/, read where the package is installed. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UnlockdError } from '../../drivers/base/errors.ts';

export interface ShippedFile {
  /** What a command line calls it: `first-unlock`. */
  readonly name: string;
  readonly path: string;
  readonly text: string;
}

const SUFFIX = '.yaml';

/** Both from the sources and from `dist/`, the package is two or three folders up. @throws {ERR_WALKTHROUGH_NOT_SHIPPED} */
function folder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  for (const up of ['../..', '../../..']) {
    const found = join(here, up, 'docs', 'walkthroughs');
    if (existsSync(found)) return found;
  }
  throw new UnlockdError('ERR_WALKTHROUGH_NOT_SHIPPED', 'this installation has no docs/walkthroughs');
}

/** By name. @throws {ERR_WALKTHROUGH_NOT_SHIPPED} */
export function shippedWalkthroughs(): readonly ShippedFile[] {
  const from = folder();
  return readdirSync(from)
    .filter((file) => file.endsWith(SUFFIX))
    .sort()
    .map((file) => {
      const path = join(from, file);
      return { name: file.slice(0, -SUFFIX.length), path, text: readFileSync(path, 'utf8') };
    });
}
