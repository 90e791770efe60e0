/**
 * The real world of the command line: this process, its streams, signals and users. Everything that costs time to load
 * (koffi, terminals, child processes) is loaded by the call that needs it; the host's native calls are handed in by the
 * entry.
 */
import { readFileSync, writeSync } from 'node:fs';
import { systemClock } from '../../drivers/base/clock.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { CtlDeps, Descriptors, TextSink } from './deps.ts';

/** Writes at once and in order, so that nothing is lost when the process ends; a reader that left is no error. */
function sink(fd: number): TextSink {
  return {
    write: (text) => {
      const bytes = new TextEncoder().encode(text);
      for (let at = 0; at < bytes.length; ) {
        try {
          at += writeSync(fd, bytes, at);
        } catch (error) {
          const code = error instanceof Error && 'code' in error ? error.code : null;
          // A pipe that others made non-blocking and that is full: its reader will go on.
          if (code !== 'EAGAIN') return;
        }
      }
    },
  };
}

/** The uid of a name in /etc/passwd (passwd(5)), or as the system's name service says (getent(1)). */
async function uidOf(name: string): Promise<number | null> {
  const find = (text: string): number | null => {
    for (const line of text.split('\n')) {
      const [user, , uid] = line.split(':');
      if (user === name && uid !== undefined && /^\d+$/.test(uid)) return Number(uid);
    }
    return null;
  };
  try {
    const local = find(readFileSync('/etc/passwd', 'utf8'));
    if (local !== null) return local;
  } catch {
    // Without the file there may still be a name service.
  }
  if (name.startsWith('-')) return null;
  const { execFile } = await import('node:child_process');
  return new Promise((resolve) => {
    execFile('getent', ['passwd', name], { timeout: 5000 }, (error, stdout) => resolve(error ? null : find(stdout)));
  });
}

const STOPPING: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Signals as an AbortSignal, and their detour while a child runs. */
function signals(): Pick<CtlDeps, 'interrupted' | 'withSignalsFor'> {
  const interruption = new AbortController();
  let divert: ((signal: NodeJS.Signals) => void) | null = null;
  for (const signal of STOPPING) {
    process.on(signal, () => {
      if (divert !== null) divert(signal);
      else interruption.abort(new UnlockdError('ERR_CLI_INTERRUPTED', `interrupted by ${signal}`));
    });
  }
  return {
    interrupted: interruption.signal,
    withSignalsFor: async (onSignal, work) => {
      // Ctrl-C reaches the child by itself: it is in the same process group. The rest is passed on.
      divert = (signal) => (signal === 'SIGINT' ? undefined : onSignal(signal));
      try {
        return await work();
      } finally {
        divert = null;
      }
    },
  };
}

/** Loads the real descriptors at the first call. */
function lazyDescriptors(): Descriptors & { load(): Promise<void> } {
  let real: Descriptors | null = null;
  const ready = (): Descriptors => {
    if (real === null) throw new TypeError('descriptors used before they were loaded');
    return real;
  };
  return {
    load: async () => {
      real ??= (await import('./descriptors.ts')).processDescriptors();
    },
    readLine: (fd, options) => ready().readLine(fd, options),
    write: (fd, bytes) => ready().write(fd, bytes),
    isTerminal: (fd) => ready().isTerminal(fd),
  };
}

/** Folders above this file in which package.json may stand: it depends on how the program was built. */
/** The host's part: what only native calls and the composition know. */
export type HostDeps = Pick<CtlDeps, 'version' | 'peerOf' | 'openPipe' | 'keyHost' | 'lanes' | 'doctorProbes'>;

/**
 * @returns the dependencies, and what has to be awaited before a command other than `status` runs
 */
export function systemDeps(host: HostDeps): { readonly deps: CtlDeps; readonly load: () => Promise<void> } {
  const descriptors = lazyDescriptors();
  let openTerminal: CtlDeps['openTerminal'] = () => null;
  const deps: CtlDeps = {
    clock: systemClock,
    uid: process.getuid?.() ?? 0,
    socketPath: process.env.UNLOCKD_SOCKET ?? null,
    stdout: sink(1),
    stderr: sink(2),
    openTerminal: () => openTerminal(),
    descriptors,
    uidOf,
    ...signals(),
    ...host,
  };
  return {
    deps,
    load: async () => {
      await descriptors.load();
      ({ openTerminal } = await import('./terminal.ts'));
    },
  };
}
