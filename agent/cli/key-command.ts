/**
 * `unlock -- CMD`: runs CMD with the purpose key on a descriptor of a pipe, its number in UNLOCKD_KEY_FD. The key is
 * in the pipe before CMD starts, and nowhere in arguments, environment or files.
 */
import { spawn } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import type { CtlDeps } from './deps.ts';

/** The number that the descriptor has in CMD: the first one that no program expects. */
const KEY_FD = 3;
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;
const SIGNAL_BASE = 128;

/**
 * @param key the purpose key; the caller disposes it
 * @returns the exit code of CMD; 128 + the signal when one ended it; 126 or 127 when it could not be started
 */
export async function runWithKey(
  deps: CtlDeps,
  command: readonly string[],
  key: Secret,
  unstartable: (error: UnlockdError) => void,
): Promise<number> {
  const [program, ...args] = command;
  if (program === undefined) throw new UnlockdError('ERR_CLI_USAGE', 'a command is missing after --');
  const { readFd, writeFd } = await deps.openPipe();
  try {
    // A pipe holds at least 4096 bytes (pipe(7), PIPE_BUF): writing a key never waits.
    writeSync(writeFd, key.expose());
  } finally {
    closeSync(writeFd);
  }
  let child: ReturnType<typeof spawn>;
  try {
    child = spawn(program, args, {
      stdio: ['inherit', 'inherit', 'inherit', readFd],
      env: { ...process.env, UNLOCKD_KEY_FD: String(KEY_FD) },
    });
  } catch (cause) {
    throw new UnlockdError('ERR_CLI_COMMAND', `${program} could not be started`, { detail: { program }, cause });
  } finally {
    closeSync(readFd);
  }
  return deps.withSignalsFor(
    (signal) => child.kill(signal),
    () =>
      new Promise<number>((resolve) => {
        child.once('error', (cause: NodeJS.ErrnoException) => {
          const errno = cause.code ?? null;
          unstartable(
            new UnlockdError('ERR_CLI_COMMAND', `${program}: ${errno}`, { detail: { program, errno }, cause }),
          );
          resolve(errno === 'ENOENT' ? NOT_FOUND : NOT_EXECUTABLE);
        });
        child.once('exit', (code, signal) =>
          resolve(code ?? SIGNAL_BASE + (signal === null ? 0 : constants.signals[signal])),
        );
      }),
  );
}
