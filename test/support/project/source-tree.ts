/** Reads the project's own TypeScript sources, for the tests that look at all of them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The nearest folder above this file with a package.json: the same for the source and for its build in dist/. */
function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

export const PROJECT_ROOT = projectRoot();

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
