/**
 * The product as it is installed: `unlockd` as a process of its own with the options of its start line, on a software
 * TPM of its own, with a virtual security key that it finds as /dev/hidraw0 (see test/support/umockdev).
 */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ApiClient, createClient } from '../../agent/api/client.ts';
import { milliseconds } from '../../drivers/base/brand.ts';
import { systemClock } from '../../drivers/base/clock.ts';
import { Closers } from '../../drivers/base/closers.ts';
import { peerCredentials } from '../../drivers/linux/peer-credentials.ts';
import { startSwtpm } from '../../hal-mocks/tpm2/swtpm.ts';
import { RunningAuthenticator } from '../support/umockdev/authenticator-program.ts';
import { STARTS_NO_PROGRAMS, startUnderBridge } from '../support/umockdev/bridge.ts';

const program = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const DAEMON = program('agent/main.js');
const AUTHENTICATOR = program('hal-mocks/fido2/main.js');
export const CTL = program('agent/ctl.js');

/** More options of Node for the daemon, for a closer look: UNLOCKD_BENCH_NODE_OPTIONS='--cpu-prof'. */
const EXTRA_OPTIONS = (process.env.UNLOCKD_BENCH_NODE_OPTIONS ?? '').split(' ').filter((option) => option !== '');

const START_DEADLINE = milliseconds(30_000);
const POLL = milliseconds(25);

/** The options that the start line (`#!`) of the daemon gives to Node. */
function startOptions(): string[] {
  const [line = ''] = readFileSync(DAEMON, 'utf8').split('\n');
  return line.split(' ').filter((word) => word.startsWith('--'));
}

export interface BenchDaemon extends AsyncDisposable {
  readonly client: ApiClient;
  readonly socketPath: string;
  readonly stateFolder: string;
  /** Of the daemon itself, not of what wraps it. */
  readonly pid: number;
}

/** The pid of the process that listens on the socket, as the kernel says; null: nobody yet. */
function listenerOf(socketPath: string): Promise<number | null> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('error', () => resolve(null));
    socket.once('connect', () => {
      const peer = peerCredentials(socket);
      socket.destroy();
      resolve(peer?.pid ?? null);
    });
  });
}

const isMe = (uid: number): boolean => uid === process.getuid?.();

/** Resolves with the daemon's pid when it listens. */
async function listening(child: ChildProcess, socketPath: string): Promise<number> {
  const deadline = systemClock.now() + START_DEADLINE;
  for (;;) {
    const pid = await listenerOf(socketPath);
    if (pid !== null) return pid;
    if (child.exitCode !== null) throw new Error(`the daemon ended with status ${child.exitCode}`);
    if (systemClock.now() > deadline) throw new Error('the daemon does not listen');
    await systemClock.sleep(POLL, {});
  }
}

async function start(opened: Closers, more: Readonly<Record<string, string>>): Promise<BenchDaemon> {
  const folder = await mkdtemp(join(tmpdir(), 'unlockd-bench-'));
  opened.add(() => rm(folder, { recursive: true, force: true }));
  const swtpm = await startSwtpm();
  opened.add(() => swtpm.close());
  const options = ['--tcp-port', '0', '--touch', 'auto', '--touch-delay', '0'];
  const key = await RunningAuthenticator.start(AUTHENTICATOR, options);
  opened.add(() => key.program[Symbol.asyncDispose]());
  const socketPath = join(folder, 'run/unlockd.sock');
  const stateFolder = join(folder, 'state');
  const settings = {
    'tpm.tcti': swtpm.config,
    'paths.state_dir': stateFolder,
    'paths.run_dir': join(folder, 'run'),
    'log.file': join(folder, 'unlockd.log'),
    ...STARTS_NO_PROGRAMS,
    ...more,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
  const address = { protocol: 'tcp', address: String(key.ready.tcp) } as const;
  const command = [process.execPath, ...startOptions(), ...EXTRA_OPTIONS, DAEMON, ...flags];
  const child = startUnderBridge(address, command, { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  opened.add(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  const pid = await listening(child, socketPath);
  const client = createClient({
    socketPath,
    check: { peerOf: async (socket) => peerCredentials(socket), trusts: isMe },
  });
  return { client, socketPath, stateFolder, pid, [Symbol.asyncDispose]: () => opened.close() };
}

/**
 * Starts a TPM, a key and the daemon; disposing ends all three and removes the folder.
 * @param settings more of them, by dotted key
 */
export async function startBenchDaemon(settings: Readonly<Record<string, string>> = {}): Promise<BenchDaemon> {
  const opened = new Closers();
  try {
    return await start(opened, settings);
  } catch (error) {
    await opened.close();
    throw error;
  }
}
