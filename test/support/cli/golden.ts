/**
 * Generated files that stand in the repository: a test fails when one differs from what is generated now, and rewrites
 * it when UPDATE_GOLDEN=1.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect } from 'vitest';

/** @param path relative to the root of the repository */
export function expectGolden(path: string, text: string): void {
  const file = new URL(`../../../${path}`, import.meta.url).pathname;
  if (process.env.UPDATE_GOLDEN === '1') {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  let kept: string;
  try {
    kept = readFileSync(file, 'utf8');
  } catch {
    kept = '';
  }
  expect(kept, `${path} differs from what is generated: run this test with UPDATE_GOLDEN=1`).toBe(text);
}
