/** A world for the command line in memory: what it prints is kept, what a person types and descriptors hold is scripted. */
import type { CtlDeps, Terminal } from '../../../agent/cli/deps.ts';
import { checkedLine } from '../../../agent/cli/descriptors.ts';
import { runCtl } from '../../../agent/cli/run.ts';
import { recordRun, replayRun } from '../../../agent/lanes/recording.ts';
import { type Clock, systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { HidHal } from '../../../drivers/hal/hid.ts';
import { InProcessHid } from '../../../hal-mocks/fido2/in-process-hid.ts';

export interface Typed {
  /**
   * What the person types at each prompt, in order; null: never comes; a function: after something else was done. Absent:
   * there is no terminal.
   */
  readonly typed?: readonly (string | null | (() => Promise<string>))[];
  /** Lines that lie on descriptors. */
  readonly lines?: Readonly<Record<number, readonly string[]>>;
  readonly daemonUid?: number;
  readonly interrupted?: AbortSignal;
  /** The security keys of the machine; none unless told. */
  readonly hid?: HidHal;
  readonly terminalFds?: readonly number[];
  /** Called with all that stands on stdout, each time something was added. */
  readonly onStdout?: (all: string) => void;
  /** The same for stderr, with what was added only. */
  readonly onStderr?: (text: string) => void;
  /** Likewise for what appears on the terminal. */
  readonly onTerminal?: (text: string) => void;
  readonly clock?: Clock;
  /** Opens the lane of a walkthrough; there is none unless told. */
  readonly openLane?: Awaited<ReturnType<CtlDeps['lanes']>>['open'];
}

export interface Ran {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What stood on the terminal. */
  readonly terminal: string;
  /** What was written to descriptors, by number. */
  readonly written: Readonly<Record<number, string>>;
}

function scriptedTerminal(typed: NonNullable<Typed['typed']>, screen: (text: string) => void): Terminal {
  const queue = [...typed];
  const next = async (prompt: string, signal: AbortSignal): Promise<string> => {
    screen(prompt);
    const line = queue.shift();
    if (line === undefined) throw new UnlockdError('ERR_CLI_INTERRUPTED', 'nothing more is typed');
    if (typeof line === 'function') return await line();
    if (line !== null) return line;
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    throw new UnlockdError('ERR_CLI_INTERRUPTED', 'interrupted');
  };
  return {
    write: screen,
    close: () => undefined,
    readHidden: async (prompt, { limit, signal }) =>
      checkedLine(new TextEncoder().encode(await next(prompt, signal)), limit),
    readVisible: (prompt, { signal }) => next(prompt, signal),
  };
}

/** Runs one command line in this process. */
export async function ctl(socketPath: string, argv: readonly string[], world: Typed = {}): Promise<Ran> {
  const out = { stdout: '', stderr: '', terminal: '' };
  const written: Record<number, string> = {};
  const lines = new Map(Object.entries(world.lines ?? {}).map(([fd, each]) => [Number(fd), [...each]]));
  const deps: CtlDeps = {
    version: '1.2.3',
    clock: world.clock ?? systemClock,
    uid: 1000,
    socketPath,
    stdout: {
      write: (text) => {
        out.stdout += text;
        world.onStdout?.(out.stdout);
      },
    },
    stderr: {
      write: (text) => {
        out.stderr += text;
        world.onStderr?.(text);
      },
    },
    openTerminal: () =>
      world.typed === undefined
        ? null
        : scriptedTerminal(world.typed, (text) => {
            out.terminal += text;
            world.onTerminal?.(text);
          }),
    descriptors: {
      readLine: async (fd, { limit }) => {
        const line = lines.get(fd)?.shift();
        return line === undefined ? null : checkedLine(new TextEncoder().encode(line), limit);
      },
      write: (fd, bytes) => {
        written[fd] = (written[fd] ?? '') + new TextDecoder().decode(bytes);
      },
      isTerminal: (fd) => world.terminalFds?.includes(fd) === true,
    },
    peerOf: async () => ({ uid: world.daemonUid ?? 0, gid: 0, pid: 1 }),
    uidOf: async (name) => (name === 'alice' ? 1001 : null),
    openPipe: async () => (await import('../../../drivers/linux/pipe.ts')).openPipe(),
    interrupted: world.interrupted ?? new AbortController().signal,
    withSignalsFor: (_onSignal, work) => work(),
    keyHost: async () => ({ hid: world.hid ?? new InProcessHid(), entropy: systemEntropy }),
    lanes: async () => ({
      open:
        world.openLane ??
        (async (name) => {
          throw new UnlockdError('ERR_LANE_UNKNOWN', `there is no lane ${name} in this test`);
        }),
      entropy: systemEntropy,
      record: recordRun,
      replay: replayRun,
    }),
    doctorProbes: async () => ({ config: null, tpm: null, folders: async () => [], packages: async () => [] }),
  };
  const exit = await runCtl(argv, deps);
  return { exit, ...out, written };
}
