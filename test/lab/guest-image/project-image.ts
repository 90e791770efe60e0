/**
 * The project as it is installed, as a file system for guests: the build, the documents and the packages that it needs to
 * run. Reading a drive costs a guest a fraction of what a shared folder does; and it stays as it was when the build changes.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const WHOLE = ['dist', 'docs', 'package.json'];

/** Folders of the packages that are no tools of the developers. */
function packagesOf(project: string): readonly string[] {
  const lock: unknown = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8'));
  const { packages } = lock as { readonly packages: Readonly<Record<string, { readonly dev?: boolean }>> };
  return Object.entries(packages)
    .filter(([folder, { dev }]) => folder.startsWith('node_modules/') && dev !== true)
    .map(([folder]) => folder)
    .filter((folder) => existsSync(join(project, folder)));
}

export interface ProjectImage extends Disposable {
  /** File of the image. */
  readonly file: string;
}

/** @throws an Error with the words of mksquashfs */
export function projectImage(project: string): ProjectImage {
  const folder = mkdtempSync(join(tmpdir(), 'unlockd-project-'));
  const away = () => rmSync(folder, { recursive: true, force: true });
  try {
    const tree = join(folder, 'tree');
    for (const path of [...WHOLE, ...packagesOf(project)]) {
      cpSync(join(project, path), join(tree, path), { recursive: true });
    }
    const file = join(folder, 'project.sqfs');
    const how = ['-noappend', '-quiet', '-no-progress', '-comp', 'zstd', '-Xcompression-level', '1'];
    const { status, stderr, error } = spawnSync('mksquashfs', [tree, file, ...how], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`mksquashfs failed: ${error?.message ?? stderr.trim()}`);
    rmSync(tree, { recursive: true });
    return { file, [Symbol.dispose]: away };
  } catch (error) {
    away();
    throw error;
  }
}
