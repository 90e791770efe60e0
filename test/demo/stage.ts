/**
 * The stage of the demo: real parts, each a process of its own, in a temporary folder. A software TPM; a FIDO2
 * authenticator that the unmodified node-hid finds as /dev/hidraw0; the daemon; and the command line over its socket.
 */
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Swtpm, startSwtpm } from '../../hal-mocks/tpm2/swtpm.ts';
import { bridgeArgv, STARTS_NO_PROGRAMS } from '../support/umockdev/bridge.ts';
import { Child, type Ended, type RunOptions, run } from './child.ts';

/** `dist/`: the processes run from the build, as users' do, also when this file is run from its source. */
export const BUILD = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../dist/' : '../../', import.meta.url),
);
const NODE = [process.execPath, '--disallow-code-generation-from-strings', '--max-semi-space-size=1'];

export interface Ctl {
  readonly status: number;
  /** The one JSON object on stdout. */
  readonly answer: {
    readonly ok: boolean;
    readonly result?: Readonly<Record<string, unknown>>;
    readonly error?: {
      readonly code: string;
      readonly message: string;
      readonly detail: Readonly<Record<string, unknown>>;
    };
    readonly reasons?: readonly { readonly ok: boolean; readonly text: string; readonly depth: number }[];
  };
  /** Events of the ceremony, in order. */
  readonly events: readonly Readonly<Record<string, unknown>>[];
  readonly extra: readonly Buffer[];
  readonly stderr: string;
}

export interface StageOptions {
  /** Where everybody finds the TPM; the TPM's own address unless something stands in between. */
  readonly tcti?: (swtpm: Swtpm) => string;
  /** Where the command line finds the daemon, likewise. */
  readonly socket?: (daemonSocket: string) => string;
  /** Further arguments of the authenticator. */
  readonly authenticator?: readonly string[];
  /** Sees each run of the command line when it has ended. */
  readonly onCtl?: (command: readonly string[], ended: Ended) => void;
  /** Further settings of the daemon. */
  readonly settings?: readonly string[];
}

export class Stage implements AsyncDisposable {
  readonly folder: string;
  readonly swtpm: Swtpm;
  readonly authenticator: Child;
  readonly #address: string;
  readonly #options: StageOptions;
  daemon: Child | null = null;
  /** Whether the person touches the key when it asks. */
  touches = true;

  private constructor(folder: string, swtpm: Swtpm, authenticator: Child, address: string, options: StageOptions) {
    this.folder = folder;
    this.swtpm = swtpm;
    this.authenticator = authenticator;
    this.#address = address;
    this.#options = options;
    authenticator.onLine((line) => {
      if (line.includes('"touch-wanted"') && this.touches) authenticator.say('touch');
    });
  }

  static async set(options: StageOptions = {}): Promise<Stage> {
    const folder = await mkdtemp(join(tmpdir(), 'unlockd-demo-'));
    for (const [name, mode] of [
      ['state', 0o700],
      ['run', 0o755],
    ] as const)
      await mkdir(join(folder, name), { mode });
    const swtpm = await startSwtpm();
    const program = [process.execPath, join(BUILD, 'hal-mocks/fido2/main.js'), '--tcp-port', '0'];
    const authenticator = new Child([...program, ...(options.authenticator ?? [])]);
    const ready = await authenticator.line((line) => line.includes('"ready"'), 'the authenticator');
    return new Stage(folder, swtpm, authenticator, String((JSON.parse(ready) as { tcp: string }).tcp), options);
  }

  get stateFolder(): string {
    return join(this.folder, 'state');
  }

  get socket(): string {
    return join(this.folder, 'run', 'unlockd.sock');
  }

  get tcti(): string {
    return this.#options.tcti?.(this.swtpm) ?? this.swtpm.config;
  }

  /** A command in the world where /dev/hidraw0 is the authenticator. */
  besideTheKey(command: readonly string[]): readonly string[] {
    return bridgeArgv({ protocol: 'tcp', address: this.#address }, command);
  }

  async startDaemon(): Promise<void> {
    const settings = [
      `paths.state_dir=${this.stateFolder}`,
      `paths.run_dir=${join(this.folder, 'run')}`,
      `tpm.tcti=${this.tcti}`,
      'unlock.touch_timeout_seconds=2',
      ...Object.entries(STARTS_NO_PROGRAMS).map(([name, value]) => `${name}=${value}`),
      ...(this.#options.settings ?? []),
    ].flatMap((setting) => ['--set', setting]);
    this.daemon = new Child(this.besideTheKey([...NODE, join(BUILD, 'agent/main.js'), ...settings]));
    await this.daemon.line((line) => line.includes(' listens'), 'the daemon');
  }

  async stopDaemon(): Promise<void> {
    await this.daemon?.stop();
    this.daemon = null;
  }

  /** The real command line, told to answer in JSON. */
  async ctl(args: readonly string[], options: RunOptions = {}): Promise<Ctl> {
    const socket = this.#options.socket?.(this.socket) ?? this.socket;
    const command = [process.execPath, join(BUILD, CTL), ...args, '--json', '--socket', socket];
    const ended = await run(command, options);
    this.#options.onCtl?.(command, ended);
    const events = ended.stderr.split('\n').flatMap((line) => {
      return line.startsWith('{') ? [JSON.parse(line) as Readonly<Record<string, unknown>>] : [];
    });
    if (ended.stdout.trim() === '') throw new Error(`unlockctl ${args[0]} said nothing: ${ended.stderr}`);
    const answer = JSON.parse(ended.stdout) as Ctl['answer'];
    return { status: ended.status, answer, events, extra: ended.extra, stderr: ended.stderr };
  }

  /**
   * A command that shows a sheet on descriptor 3 and asks groups of it back on descriptor 4, as a person with pencil
   * and paper answers it. `more`: lines for the descriptors from 5 on.
   */
  async ctlWithSheet(args: readonly string[], more: readonly string[] = []): Promise<Ctl & { sheet: string }> {
    let groups: readonly number[] | null = null;
    let answer: ((index: number, text: string) => void) | null = null;
    let sheet = '';
    const reply = () => {
      if (groups === null || answer === null || sheet === '') return;
      const parts = sheet.split('-');
      answer(1, groups.map((group) => parts[group - 1]).join(' '));
      groups = null;
    };
    const done = await this.ctl([...args, '--sheet-fd', '3', '--recovery-groups-fd', '4'], {
      extra: [null, '', ...more],
      keepOpen: true,
      onData: (index, text) => {
        if (index !== 0) return;
        sheet += text.trim();
        reply();
      },
      onStderr: (line, write) => {
        const event = line.startsWith('{')
          ? (JSON.parse(line) as { type?: string; slot?: string; groups?: number[] })
          : {};
        if (event.type !== 'prompt' || event.slot !== 'recovery-groups') return;
        groups = event.groups ?? [];
        answer = write;
        reply();
      },
    });
    return { ...done, sheet };
  }

  /** What a thief of the disk has: a copy of every file, as they are now. */
  async copyFiles(name: string): Promise<string> {
    const copy = join(this.folder, name);
    await cp(this.stateFolder, copy, { recursive: true, filter: (path) => !path.endsWith('.lock') });
    return copy;
  }

  async close(): Promise<void> {
    await this.stopDaemon();
    await this.authenticator.stop();
    await this.swtpm.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

const CTL = 'agent/ctl.js';
