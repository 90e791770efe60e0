/**
 * Starts a command in a world where /dev/hidraw0 is a virtual authenticator (`bridge.py` beside this file tells how it
 * works), and says what is missing where that cannot be done.
 */
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Debian's Python, which has the GObject bindings; another one in the PATH may not. */
export const SYSTEM_PYTHON = '/usr/bin/python3';
const BRIDGE = fileURLToPath(new URL('./bridge.py', import.meta.url));

/** Where the authenticator listens, as `TcpServer.port` or `UdpServer.port` say. */
export interface BridgeAddress {
  readonly protocol: 'tcp' | 'udp';
  /** `127.0.0.1:PORT` */
  readonly address: string;
}

export interface Finished {
  /** 128 + n when signal n ended it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What keeps a command from being found or run, for the title of a skipped test; null: it is there. */
export function missingCommand(command: string, debianPackage: string): string | null {
  const found = spawnSync('sh', ['-c', 'command -v "$1"', 'sh', command]).status === 0;
  return found ? null : `${command} is missing: apt install ${debianPackage}`;
}

/** What keeps a Python module from being loaded, likewise. */
export function missingPythonModule(code: string, debianPackages: string): string | null {
  const found = spawnSync(SYSTEM_PYTHON, ['-c', code]).status === 0;
  return found ? null : `apt install ${debianPackages}`;
}

/** What the bridge lacks on this machine, or null. */
export function missingForBridge(): string | null {
  return (
    missingCommand('umockdev-wrapper', 'umockdev') ??
    missingPythonModule(
      "import gi; gi.require_version('UMockdev', '1.0'); from gi.repository import UMockdev",
      'python3-gi gir1.2-umockdev-1.0',
    )
  );
}

/** The argument vector that runs `command` under the bridge. */
export const bridgeArgv = (at: BridgeAddress, command: readonly string[]): readonly string[] => [
  SYSTEM_PYTHON,
  BRIDGE,
  `--${at.protocol}`,
  at.address,
  '--',
  ...command,
];

/**
 * Settings of a daemon that runs under the bridge: it starts no programs of its own. A child that is forked while another
 * thread of the daemon holds the lock of umockdev's preloaded library never gets to its exec, and the daemon waits for that
 * exec. The programs are `ip` and the one that asks node-wifi; neither has anything to see here.
 */
export const STARTS_NO_PROGRAMS: Readonly<Record<string, string>> = {
  'signals.network': 'false',
  'signals.wifi': 'false',
};

/** Starts `command` under the bridge. Ending the child (SIGTERM) ends the command. */
export function startUnderBridge(
  at: BridgeAddress,
  command: readonly string[],
  options: SpawnOptions = {},
): ChildProcess {
  const [program = SYSTEM_PYTHON, ...args] = bridgeArgv(at, command);
  return spawn(program, args, options);
}

/** Collects what a child with piped output says, until it ends. */
export function finished(child: ChildProcess): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    child.once('error', reject);
    child.once('close', (status) => {
      resolve({
        status: status ?? -1,
        stdout: Buffer.concat(out).toString('utf8'),
        stderr: Buffer.concat(err).toString('utf8'),
      });
    });
  });
}

/** Runs a program to its end. @param input what it reads on standard input */
export function runToEnd(
  command: readonly string[],
  options: SpawnOptions & { input?: string } = {},
): Promise<Finished> {
  const [program = 'false', ...args] = command;
  const { input, ...rest } = options;
  const child = spawn(program, args, { ...rest, stdio: ['pipe', 'pipe', 'pipe'], timeout: 50_000 });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input ?? '');
  return finished(child);
}

/** Runs `command` under the bridge to its end. */
export const runUnderBridge = (
  at: BridgeAddress,
  command: readonly string[],
  options: SpawnOptions & { input?: string } = {},
): Promise<Finished> => runToEnd(bridgeArgv(at, command), options);
