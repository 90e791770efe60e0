/**
 * The virtual authenticator as a process of its own (hal-mocks/fido2/main.ts), for tests that need more than the one in
 * their process: compiled once a test file into a folder of its own, started, driven by its control line, ended by pid.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { finished, runToEnd } from './bridge.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export interface BuiltProgram extends AsyncDisposable {
  readonly main: string;
}

/** Compiles the program below the ignored folder `dist`, where it finds the project's packages. */
export async function buildAuthenticatorProgram(): Promise<BuiltProgram> {
  await mkdir(join(ROOT, 'dist'), { recursive: true });
  const folder = await mkdtemp(join(ROOT, 'dist', 'virtual-authenticator-'));
  const config = join(folder, 'tsconfig.json');
  await writeFile(
    config,
    JSON.stringify({
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: { rootDir: ROOT, outDir: folder, incremental: false, tsBuildInfoFile: null },
      files: [join(ROOT, 'hal-mocks/fido2/main.ts')],
      include: [],
    }),
  );
  const compiler = join(ROOT, 'node_modules/.bin/tsc');
  const result = await runToEnd([compiler, '-p', config]);
  if (result.status !== 0) throw new Error(`tsc: ${result.stdout}${result.stderr}`);
  return {
    main: join(folder, 'hal-mocks/fido2/main.js'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

export type Line = Readonly<Record<string, unknown>>;

export class RunningAuthenticator implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  /** Events that came while an answer was waited for. */
  readonly events: Line[] = [];

  private constructor(child: ChildProcess) {
    this.#child = child;
    if (!child.stdout) throw new Error('the program has no standard output');
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  /** Starts it and waits for the line with its addresses, which is returned beside it. */
  static async start(main: string, args: readonly string[]): Promise<{ program: RunningAuthenticator; ready: Line }> {
    const child = spawn(process.execPath, [main, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    const program = new RunningAuthenticator(child);
    const ready = await program.#next();
    return { program, ready };
  }

  async #next(): Promise<Line> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the program ended');
    return JSON.parse(value) as Line;
  }

  /** Sends a command and returns its answer; events before it are kept in `events`. */
  async command(line: string): Promise<Line> {
    this.#child.stdin?.write(`${line}\n`);
    for (;;) {
      const answer = await this.#next();
      if ('ok' in answer) return answer;
      this.events.push(answer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const end = finished(this.#child);
    this.#child.stdin?.end('quit\n');
    await end;
  }
}
