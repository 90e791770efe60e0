/** Tests that act as another user need to be root, and a checkout that other users may enter. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SOMEBODY = 54321;

/** What keeps a test from acting as another user, for the title of a skip; null: nothing. */
export function otherUserMissing(): string | null {
  if (process.getuid?.() !== 0) return 'needs root, to act as another user';
  const look = ['-e', 'require("node:fs").readdirSync(process.argv[1])', ROOT];
  const { status } = spawnSync(process.execPath, look, { uid: SOMEBODY, gid: SOMEBODY, cwd: '/', stdio: 'ignore' });
  return status === 0 ? null : 'the checkout, or Node, lies in a folder that other users may not enter';
}
