/** What a software TPM needs from the machine that it runs on: its program, two free ports, an end with its parent. */
import { access, constants } from 'node:fs/promises';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { UnlockdError } from '../../drivers/base/errors.ts';

/** The first executable of this name in PATH, or null. */
export async function programPath(name: string): Promise<string | null> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder === '') continue;
    const path = join(folder, name);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return null;
}

/** Why swtpm cannot be started here, or null: for tests that skip with the reason in their title. */
export async function swtpmMissing(): Promise<string | null> {
  return (await programPath('swtpm')) === null ? 'the Debian package swtpm is not installed' : null;
}

const listens = (port: number): Promise<number | null> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : null));
    });
  });

/** A free loopback port whose next one is free as well. @throws {ERR_HAL_IO} there is none */
export async function freePortPair(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = await listens(0);
    if (port !== null && port < 65535 && (await listens(port + 1)) !== null) return port;
  }
  throw new UnlockdError('ERR_HAL_IO', 'no two neighbouring free ports on the loopback interface');
}

/** Ends with this process whatever becomes of it: util-linux sets the parent-death signal where it is installed. */
export async function commandLine(swtpm: string, args: readonly string[]): Promise<[string, string[]]> {
  const setpriv = await programPath('setpriv');
  return setpriv === null ? [swtpm, [...args]] : [setpriv, ['--pdeathsig', 'KILL', '--', swtpm, ...args]];
}
