/** Programs of the guest: those that stay, with a log in the shared folder, and those that are waited for. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { promisify } from 'node:util';

/** Where logs go; the host keeps them when a run has failed. */
export const OUT = '/out';
const GRACE_MS = 20_000;
const PATIENCE_MS = 150_000;

/** Runs a program to its end while the keys of the guest go on answering. @returns what it printed @throws when it fails */
export async function ask(program: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { timeout: PATIENCE_MS, killSignal: 'SIGKILL' });
  return stdout;
}

export class Service {
  readonly name: string;
  readonly #command: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | null = null;
  #exited: Promise<unknown> = Promise.resolve();

  /** @param name of its log */
  constructor(name: string, command: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.name = name;
    this.#command = command;
    this.#env = env;
  }

  get runs(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number | null {
    return this.runs ? (this.#child?.pid ?? null) : null;
  }

  start(): void {
    if (this.runs) throw new Error(`${this.name} runs already`);
    const log = openSync(`${OUT}/${this.name}.log`, 'a');
    const [program = '', ...args] = this.#command;
    const child = spawn(program, args, { stdio: ['ignore', log, log], env: { ...process.env, ...this.#env } });
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once('exit', resolve);
      child.once('error', resolve);
    });
  }

  /** With SIGTERM it ends in order, and is killed when it does not. */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (!this.runs) return;
    this.#child?.kill(signal);
    const timer = setTimeout(() => this.#child?.kill('SIGKILL'), GRACE_MS);
    await this.#exited;
    clearTimeout(timer);
  }
}
