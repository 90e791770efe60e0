/**
 * The guest's kernel and root file system, from the cache or made now. They are kept under a key of all that decides what
 * is in them, so that an image of another checkout is not taken for this one's.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { digest, exactKernel, FILES, FIRST, INIT, makeImage, missingForBuild, type Recipe } from './make-image.ts';

export interface Image {
  readonly folder: string;
  readonly kernel: string;
  /** Bytes of each file. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly built: boolean;
}

/** The build, also for who runs this from its source: both have to come to the same key. */
const BUILT = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../../dist/test/lab/guest-image/' : './', import.meta.url),
);
const MADE_BY = [INIT, FIRST, 'make-image.js', 'cpio.js'];

/** Everything that decides what is in an image, but for the versions of the packages at the time when it is made. */
function keyOf(kernel: string, { packages, modules }: Recipe): string {
  const parts = MADE_BY.map((name) => readFileSync(join(BUILT, name), 'utf8'));
  return digest(JSON.stringify([kernel, packages, modules, ...parts])).slice(0, 16);
}

/** The image in the cache, when it is whole. */
function cached(folder: string): Image | null {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
    const sizes: Record<string, number> = {};
    for (const name of FILES) {
      if (digest(readFileSync(join(folder, name))) !== manifest.sha256[name]) return null;
      sizes[name] = statSync(join(folder, name)).size;
    }
    return { folder, kernel: String(manifest.kernel), sizes, built: false };
  } catch {
    return null;
  }
}

/** The image in the cache, for the first of the kernels that there is one of; null: none. */
export function cachedImage(cache: string, kernels: readonly string[], recipe: Recipe): Image | null {
  if (!MADE_BY.every((name) => existsSync(join(BUILT, name)))) return null;
  for (const kernel of kernels) {
    const found = cached(join(cache, keyOf(kernel, recipe)));
    if (found !== null) return found;
  }
  return null;
}

/**
 * The image for this checkout, from the cache or made now.
 * @param say progress, for people
 * @throws an Error that says what failed
 */
export function prepareImage(
  cache: string,
  options: {
    /** Packages that are a kernel or depend on an exact one, the preferred first: the first that is there is taken. */
    readonly kernels: readonly string[];
    readonly recipe: Recipe;
    readonly rebuild: boolean;
    readonly say: (line: string) => void;
  },
): Image {
  const found = options.rebuild ? null : cachedImage(cache, options.kernels, options.recipe);
  if (found !== null) return found;
  const missing = missingForBuild();
  if (missing !== null) throw new Error(`no image in ${cache}, and none can be made: ${missing}`);
  mkdirSync(cache, { recursive: true });
  const asked = options.kernels.find((name) => exactKernel(name) !== null);
  if (asked === undefined) throw new Error(`apt knows no kernel ${options.kernels.join(', ')}`);
  const folder = join(cache, keyOf(asked, options.recipe));
  const work = mkdtempSync(join(cache, 'making-'));
  try {
    const kernel = makeImage(work, asked, options.recipe, options.say);
    rmSync(folder, { recursive: true, force: true });
    renameSync(join(work, 'image'), folder);
    options.say(`image of ${kernel} in ${folder}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const made = cached(folder);
  if (made === null) throw new Error(`the image in ${folder} does not read back`);
  return { ...made, built: true };
}
