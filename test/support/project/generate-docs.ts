/** `npm run docs`: writes the generated pages. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { generatedDocs } from './generated-docs.ts';
import { PROJECT_ROOT } from './source-tree.ts';

for (const { path, content } of generatedDocs()) {
  mkdirSync(join(PROJECT_ROOT, dirname(path)), { recursive: true });
  writeFileSync(join(PROJECT_ROOT, path), content);
}
