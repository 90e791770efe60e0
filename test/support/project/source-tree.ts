/** Reads the project's own TypeScript sources, for the tests that look at all of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder with package.json, seen from this file. */
export const PROJECT_ROOT = fileURLToPath(new URL('../../../', import.meta.url));

const ROOTS = ['agent', 'drivers', 'hal-mocks', 'test'] as const;

/** Every .ts file under the given folders: path relative to the project (with `/`) to text. */
export function readSources(folders: readonly string[] = ROOTS): Map<string, string> {
  const sources = new Map<string, string>();
  const visit = (folder: string): void => {
    for (const entry of readdirSync(join(PROJECT_ROOT, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) visit(path);
      else if (entry.name.endsWith('.ts')) sources.set(path, readFileSync(join(PROJECT_ROOT, path), 'utf8'));
    }
  };
  for (const folder of folders) visit(folder);
  return sources;
}
