/**
 * What the command line needs from the world, as interfaces: the entry hands the real ones in, tests hand in others.
 * Nothing here opens a terminal or loads a native module before a command asks for it.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../../drivers/base/clock.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import type { HidHal } from '../../drivers/hal/hid.ts';
import type { Peer } from '../api/ports.ts';
import type { LaneOptions, OpenedLane } from '../lanes/options.ts';
import type { recordRun, replayRun } from '../lanes/recording.ts';
import type { DoctorProbes } from '../lifecycle/doctor.ts';
import type { LaneName } from '../walkthrough/lane.ts';
import type { Walkthrough } from '../walkthrough/schema.ts';

/** A place to print; `write` keeps the order of its calls. */
export interface TextSink {
  write(text: string): void;
}

/** The person's terminal, /dev/tty: not standard input or output, which may be redirected. */
export interface Terminal {
  /**
   * Prints `prompt` and reads one line without echo. The terminal is restored on every path.
   * @throws {ERR_CLI_INTERRUPTED} on Ctrl-C, Ctrl-D on an empty line, or when `signal` aborts
   * @throws {ERR_CLI_SECRET_INVALID} when the line is longer than `limit` bytes
   */
  readHidden(prompt: string, options: { limit: number; signal: AbortSignal }): Promise<Secret>;
  /** The same with echo, for what is no secret. */
  readVisible(prompt: string, options: { limit: number; signal: AbortSignal }): Promise<string>;
  write(text: string): void;
  close(): void;
}

/** Descriptors that the caller of the program passed. */
export interface Descriptors {
  /**
   * The next line of descriptor `fd` without its line break; null at the end of input. What was read beyond the line is
   * kept for the next call.
   * @throws {ERR_CLI_USAGE} when the descriptor is not open @throws {ERR_CLI_SECRET_INVALID}
   */
  readLine(fd: number, options: { limit: number; signal: AbortSignal }): Promise<Secret | null>;
  /** Writes all bytes. @throws {ERR_CLI_USAGE} when the descriptor is not open for writing */
  write(fd: number, bytes: Uint8Array): void;
  isTerminal(fd: number): boolean;
}

export interface CtlDeps {
  readonly version: string;
  readonly clock: Clock;
  /** The uid of the person. */
  readonly uid: number;
  /** From the environment; `--socket` wins. */
  readonly socketPath: string | null;
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  /** Null: the program has no terminal. The caller closes it. */
  readonly openTerminal: () => Terminal | null;
  readonly descriptors: Descriptors;
  /** SO_PEERCRED of a connected socket. */
  readonly peerOf: (socket: Socket) => Promise<Peer | null>;
  /** The uid of a user name; null: there is none. */
  readonly uidOf: (name: string) => Promise<number | null>;
  readonly openPipe: () => Promise<{ readonly readFd: number; readonly writeFd: number }>;
  /** Aborts when the person interrupts the program (SIGINT, SIGTERM, SIGHUP). */
  readonly interrupted: AbortSignal;
  /** While `work` runs, SIGINT is the child's and SIGTERM is passed on to it through `onSignal`. */
  readonly withSignalsFor: <T>(onSignal: (signal: NodeJS.Signals) => void, work: () => Promise<T>) => Promise<T>;
  /** The host of security keys, for the commands that use them without the daemon; loaded when it is asked for. */
  readonly keyHost: () => Promise<{ readonly hid: HidHal; readonly entropy: Entropy }>;
  /** Machines on which walkthroughs are run; loaded when one is. */
  readonly lanes: () => Promise<{
    readonly open: (name: LaneName, walkthrough: Walkthrough, options: LaneOptions) => Promise<OpenedLane>;
    readonly entropy: Entropy;
    readonly record: typeof recordRun;
    readonly replay: typeof replayRun;
  }>;
  /** What `doctor` can look at without the daemon. */
  readonly doctorProbes: (context: { socketPath: string }) => Promise<Omit<DoctorProbes, 'daemon'>>;
}

/** Where the daemon listens unless it is configured otherwise. */
export const DEFAULT_SOCKET_PATH = '/run/unlockd/unlockd.sock';
/** The system user that the daemon may run under, by name. */
export const DAEMON_USER = 'unlockd';
/** Bytes of one line that is a secret, as the API takes it. */
export const SECRET_LINE_BYTES = 1024;
