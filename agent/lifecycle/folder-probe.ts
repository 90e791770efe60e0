/** Looks at the folders of the daemon for `doctor`: who owns them and who else may look in or write. */
import { lstatSync } from 'node:fs';
import type { FolderFact } from './doctor.ts';

/** A folder and the most that others may do with it: mode bits as in stat(2). */
export interface ExpectedFolder {
  readonly path: string;
  /** Bits that must not be set, e.g. 0o077. */
  readonly forbidden: number;
  /** The uids that may own it. */
  readonly owners: readonly number[];
}

const octal = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, '0');

const MISSING = 'does not exist';

function problemOf({ path, forbidden, owners }: ExpectedFolder): string | null {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return MISSING;
    if (!found.isDirectory()) return 'is no directory';
    if (!owners.includes(found.uid)) return `belongs to uid ${found.uid}`;
    if ((found.mode & forbidden) !== 0) return `has mode ${octal(found.mode)}: others may do too much`;
    return null;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return `cannot be looked at (${code})`;
  }
}

export function probeFolder(expected: ExpectedFolder): FolderFact {
  const allowed = octal(0o777 & ~expected.forbidden);
  const problem = problemOf(expected);
  return {
    path: expected.path,
    problem: problem === MISSING ? null : problem,
    missing: problem === MISSING,
    cure: `It belongs to the daemon with mode ${allowed} or less: \`install -d -m ${allowed} ${expected.path}\`.`,
  };
}
