/**
 * Starts and stops swtpm, the software TPM 2.0: the mock of the TPM seam is a real TPM implementation in a process of
 * its own. State is kept in a folder, so a test can kill it, restart it, or put an old copy back.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { milliseconds } from '../../drivers/base/brand.ts';
import { type Clock, systemClock } from '../../drivers/base/clock.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { rawCommand, type SwtpmAddress } from './raw-command.ts';
import { commandLine, freePortPair, programPath } from './swtpm-host.ts';

export { swtpmMissing } from './swtpm-host.ts';

export interface SwtpmOptions {
  /** Absolute folder of the TPM's state, made if it is missing. Without it: a temporary one that dispose removes. */
  readonly dir?: string;
  /** Serve on a loopback port instead of a UNIX socket; the control channel is on the next port. */
  readonly tcp?: boolean;
  /** Aborting it ends a start that is under way. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

/** TPM2_Shutdown(TPM_SU_CLEAR), Part 3 §9.4, and TPM2_GetRandom(1), §16.1. */
const SHUTDOWN_CLEAR = Uint8Array.of(0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x45, 0, 0);
const GET_RANDOM = Uint8Array.of(0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x7b, 0, 1);

const START_DEADLINE = milliseconds(20_000);
const SHUTDOWN_DEADLINE = milliseconds(2_000);
const EXIT_DEADLINE = milliseconds(5_000);
const POLL = milliseconds(15);
/** A pair of free ports may be taken by another process before swtpm has bound it. */
const PORT_ATTEMPTS = 5;

export class Swtpm implements AsyncDisposable {
  /** Absolute folder of the TPM's state. */
  readonly dir: string;
  readonly #runDir: string;
  readonly #owned: readonly string[];
  readonly #tcp: boolean;
  readonly #clock: Clock;
  #port = 0;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #complaint = '';
  readonly #killAtExit = (): void => {
    this.#child?.kill('SIGKILL');
  };

  /** Use {@link startSwtpm}. */
  constructor(init: { dir: string; runDir: string; owned: readonly string[]; tcp: boolean; clock: Clock }) {
    this.dir = init.dir;
    this.#runDir = init.runDir;
    this.#owned = init.owned;
    this.#tcp = init.tcp;
    this.#clock = init.clock;
  }

  /** The data socket. Empty with `tcp`. */
  get socketPath(): string {
    return this.#tcp ? '' : join(this.#runDir, 't.sock');
  }

  /** The control socket; tpm2-tss expects it beside the data socket under this name. Empty with `tcp`. */
  get ctrlPath(): string {
    return this.#tcp ? '' : `${this.socketPath}.ctrl`;
  }

  /** The data port with `tcp`, else 0. The control port is the next one. */
  get port(): number {
    return this.#port;
  }

  /** The address in the words of the configuration, which tpm2-tss understands as well. */
  get config(): string {
    return this.#tcp ? `swtpm:host=127.0.0.1,port=${this.#port}` : `swtpm:path=${this.socketPath}`;
  }

  /** 0 while it is stopped. */
  get pid(): number {
    return this.running ? (this.#child?.pid ?? 0) : 0;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get #address(): SwtpmAddress {
    return this.#tcp ? { host: '127.0.0.1', port: this.#port } : { path: this.socketPath };
  }

  async #args(): Promise<string[]> {
    const state = ['socket', '--tpm2', '--tpmstate', `dir=${this.dir},mode=0600`];
    const flags = ['--flags', 'not-need-init,startup-clear'];
    if (this.#tcp) {
      const at = (port: number) => `type=tcp,port=${port},bindaddr=127.0.0.1`;
      return [...state, '--server', at(this.#port), '--ctrl', at(this.#port + 1), ...flags];
    }
    const at = (path: string) => `type=unixio,path=${path},mode=0600`;
    for (const path of [this.socketPath, this.ctrlPath]) await rm(path, { force: true });
    return [...state, '--server', at(this.socketPath), '--ctrl', at(this.ctrlPath), ...flags];
  }

  /**
   * Starts the process and waits until the TPM has answered a command.
   * @throws {ERR_HAL_MODULE_MISSING | ERR_HAL_IO | ERR_HAL_TIMEOUT} or the signal's reason
   */
  async start(options: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    if (this.running) throw new TypeError('this swtpm is running');
    const program = await programPath('swtpm');
    if (program === null) {
      throw new UnlockdError('ERR_HAL_MODULE_MISSING', 'swtpm is not installed: apt-get install swtpm');
    }
    for (let attempt = 1; ; attempt++) {
      // A port that was given out once stays, so that clients find the TPM again after a restart.
      if (this.#tcp && (this.#port === 0 || attempt > 1)) this.#port = await freePortPair();
      options.signal?.throwIfAborted();
      await this.#spawn(program);
      try {
        await this.#answering(options.signal);
        return;
      } catch (error) {
        await this.kill();
        if (!this.#tcp || attempt >= PORT_ATTEMPTS || !/[Aa]ddress already in use/.test(this.#complaint)) throw error;
      }
    }
  }

  async #spawn(program: string): Promise<void> {
    const [file, args] = await commandLine(program, await this.#args());
    this.#complaint = '';
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: this.dir });
    const listen = (chunk: Buffer) => {
      this.#complaint = (this.#complaint + chunk.toString('utf8')).slice(-4096);
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once('close', () => {
        process.removeListener('exit', this.#killAtExit);
        resolve();
      });
      child.once('error', () => resolve());
    });
    process.on('exit', this.#killAtExit);
  }

  async #answering(signal: AbortSignal | undefined): Promise<void> {
    const deadline = this.#clock.now() + START_DEADLINE;
    for (;;) {
      signal?.throwIfAborted();
      const answer = await rawCommand(this.#address, GET_RANDOM, this.#clock, SHUTDOWN_DEADLINE);
      if (answer !== null) return;
      const why = this.#complaint.trim();
      if (!this.running) throw new UnlockdError('ERR_HAL_IO', `swtpm did not start: ${why || 'no reason given'}`);
      if (this.#clock.now() > deadline) {
        throw new UnlockdError('ERR_HAL_TIMEOUT', `swtpm does not answer on ${this.config}: ${why}`);
      }
      await this.#clock.sleep(POLL, signal === undefined ? {} : { signal });
    }
  }

  /**
   * The orderly way: TPM2_Shutdown(CLEAR), then SIGTERM. Without the former a stop costs a try of the
   * dictionary-attack protection. A client that is still connected keeps the command from the TPM: close it first.
   * Returns whether the TPM took the TPM2_Shutdown.
   */
  async stop(): Promise<boolean> {
    if (!this.running) return false;
    const answer = await rawCommand(this.#address, SHUTDOWN_CLEAR, this.#clock, SHUTDOWN_DEADLINE);
    this.#child?.kill('SIGTERM');
    const escalate = this.#clock.timer(EXIT_DEADLINE, () => this.#child?.kill('SIGKILL'));
    await this.#exited;
    escalate();
    return answer !== null && Buffer.from(answer.subarray(6, 10)).readUInt32BE() === 0;
  }

  /** SIGKILL: what a power cut does. */
  async kill(): Promise<void> {
    if (this.running) this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  /** Stops it in order if it runs, and starts it on the same state and address. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Stops it and removes the folders that {@link startSwtpm} made. Idempotent. */
  async close(): Promise<void> {
    await this.stop();
    for (const folder of this.#owned) await rm(folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Starts a TPM. It answers commands when the promise resolves.
 * @throws {ERR_HAL_MODULE_MISSING | ERR_HAL_IO | ERR_HAL_TIMEOUT} or the signal's reason
 */
export async function startSwtpm(options: SwtpmOptions = {}): Promise<Swtpm> {
  options.signal?.throwIfAborted();
  if (options.dir !== undefined && !isAbsolute(options.dir)) {
    // swtpm enters failure mode at the first NV write otherwise.
    throw new TypeError('the folder of a TPM is an absolute path');
  }
  // Socket paths have to stay below 108 bytes, however deep the folder of the state is.
  const base = Buffer.byteLength(tmpdir()) > 60 ? '/tmp' : tmpdir();
  const runDir = await mkdtemp(join(base, 'utpm-'));
  const dir = options.dir ?? join(runDir, 'state');
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const clock = options.clock ?? systemClock;
  const swtpm = new Swtpm({ dir, runDir, owned: [runDir], tcp: options.tcp === true, clock });
  try {
    await swtpm.start({ signal: options.signal });
    return swtpm;
  } catch (error) {
    await swtpm.close();
    throw error;
  }
}
