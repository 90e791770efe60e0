/** Processes of a stage: started, read line by line, ended by their own id and never by name. */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const EXIT_DEADLINE_MS = 8000;

export class Child {
  readonly process: ChildProcess;
  readonly lines: string[] = [];
  readonly #listeners = new Set<(line: string) => void>();
  readonly #ended: Promise<number>;
  #output = '';

  constructor(command: readonly string[], options: { env?: NodeJS.ProcessEnv; stdio?: StdioOptions } = {}) {
    const [program = '', ...args] = command;
    const { env = process.env, stdio = ['pipe', 'pipe', 'pipe'] } = options;
    this.process = spawn(program, args, { env, stdio });
    for (const stream of [this.process.stdout, this.process.stderr]) if (stream) this.#read(stream);
    this.process.stdin?.on('error', () => undefined);
    this.#ended = new Promise((resolve) => {
      this.process.once('error', () => resolve(127));
      this.process.once('close', (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
    });
  }

  #read(stream: Readable): void {
    createInterface({ input: stream }).on('line', (line) => {
      this.lines.push(line);
      this.#output += `${line}\n`;
      for (const listener of this.#listeners) listener(line);
    });
  }

  /** Everything it has said. */
  get output(): string {
    return this.#output;
  }

  onLine(listener: (line: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves with the first line, said already or to come, that `test` accepts. */
  async line(test: (line: string) => boolean, what: string, withinMs = 20_000): Promise<string> {
    const known = this.lines.find(test);
    if (known !== undefined) return known;
    return await new Promise<string>((resolve, reject) => {
      const timer = setTimeout(
        () => finish(new Error(`${what}: nothing within ${withinMs} ms\n${this.#output}`)),
        withinMs,
      );
      const stop = this.onLine((line) => {
        if (test(line)) finish(line);
      });
      const finish = (outcome: string | Error) => {
        clearTimeout(timer);
        stop();
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      void this.#ended.then(() => finish(new Error(`${what}: the process ended\n${this.#output}`)));
    });
  }

  say(line: string): void {
    this.process.stdin?.write(`${line}\n`);
  }

  exited(): Promise<number> {
    return this.#ended;
  }

  /** SIGTERM, and after a while SIGKILL. */
  async stop(): Promise<number> {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill('SIGTERM');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), EXIT_DEADLINE_MS);
    const status = await this.#ended;
    clearTimeout(timer);
    return status;
  }
}

/** Runs a program to its end, with lines for descriptors from 3 on and what it writes to others collected. */
export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Descriptor 3 + index: text to read there, or null for one that the program writes to. */
  readonly extra?: readonly (string | null)[];
  /** What it reads on standard input; nothing unless told. */
  readonly input?: string;
  /** Leave input descriptors open after their text: more is written to them later. */
  readonly keepOpen?: boolean;
  /** Sees what the program writes to an extra descriptor. */
  readonly onData?: (index: number, text: string) => void;
  /** Sees each line of stderr; may write to an extra descriptor that is still open. */
  readonly onStderr?: (line: string, write: (index: number, text: string) => void) => void;
}

export async function run(command: readonly string[], options: RunOptions = {}): Promise<Ended & { extra: Buffer[] }> {
  const [program = '', ...args] = command;
  const { env = process.env, extra = [] } = options;
  const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe', ...extra.map(() => 'pipe' as const)] });
  const collected = extra.map(() => [] as Buffer[]);
  const at = (index: number) => child.stdio[3 + index] as unknown as NodeJS.ReadWriteStream;
  extra.forEach((text, index) => {
    at(index).on('error', () => undefined);
    at(index).on('data', (chunk: Buffer) => {
      collected[index]?.push(chunk);
      options.onData?.(index, chunk.toString('utf8'));
    });
    if (text !== null && text !== '') at(index).write(`${text}\n`);
    if (text !== null && !options.keepOpen) at(index).end();
  });
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(options.input ?? '');
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8');
  });
  if (child.stderr) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      stderr += `${line}\n`;
      options.onStderr?.(line, (index, text) => at(index).write(`${text}\n`));
    });
  }
  const status = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
  });
  return { status, stdout, stderr, extra: collected.map((chunks) => Buffer.concat(chunks)) };
}
