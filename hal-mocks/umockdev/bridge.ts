/**
 * Starts a command in a world where virtual authenticators are /dev/hidraw0 and so on (`bridge.py` beside this file tells how
 * it works), and says what is missing where that cannot be done.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Debian's Python, which has the GObject bindings; another one in the PATH may not. */
export const SYSTEM_PYTHON = '/usr/bin/python3';
const BRIDGE = fileURLToPath(new URL('./bridge.py', import.meta.url));

/** Where an authenticator listens, as `TcpServer.port` or `UdpServer.port` say. */
export interface BridgeAddress {
  readonly protocol: 'tcp' | 'udp';
  /** `127.0.0.1:PORT` */
  readonly address: string;
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

/**
 * Settings of a daemon that runs under the bridge: it starts no programs of its own. A child that is forked while another
 * thread of the daemon holds the lock of umockdev's preloaded library never gets to its exec, and the daemon waits for that
 * exec. The programs are `ip` and the one that asks node-wifi; neither has anything to see here.
 */
export const STARTS_NO_PROGRAMS: Readonly<Record<string, string>> = {
  'signals.network': 'false',
  'signals.wifi': 'false',
};

/**
 * The argument vector that runs `command` under the bridge.
 * @param at one authenticator, or several
 * @param options `eventsFd`: a descriptor on which the bridge tells what is plugged in and out
 */
export const bridgeArgv = (
  at: BridgeAddress | readonly BridgeAddress[],
  command: readonly string[],
  { eventsFd = null }: { readonly eventsFd?: number | null } = {},
): readonly string[] => [
  SYSTEM_PYTHON,
  BRIDGE,
  ...(Array.isArray(at) ? (at as readonly BridgeAddress[]) : [at as BridgeAddress]).flatMap(({ protocol, address }) => [
    `--${protocol}`,
    address,
  ]),
  ...(eventsFd === null ? [] : ['--events-fd', String(eventsFd)]),
  '--',
  ...command,
];
