/**
 * tpm2-tools as an oracle: an implementation of the TPM's host side that knows nothing of ours. A software TPM serves
 * one client at a time, so our own transport has to be closed while a tool runs.
 */
import { execFile } from 'node:child_process';
import { access, constants, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Why a program cannot be run here, or null. For the title of what is skipped. */
export async function toolMissing(program: string): Promise<string | null> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const found = await access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return null;
  }
  return `${program} is not installed: apt-get install tpm2-tools`;
}

export interface ToolRun {
  /** The exit status; 0 is success. */
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** The TPM_RC in the first error message that has one. */
  readonly rc: number | null;
}

const DEADLINE_MS = 30_000;

/** tpm2-tools print `…(0x98E) - tpm:session(1):…`. */
function rcOf(stderr: string): number | null {
  const found = /\(0x([0-9A-Fa-f]+)\)/.exec(stderr);
  return found?.[1] === undefined ? null : Number.parseInt(found[1], 16);
}

/** tpm2-tools on one TPM, in a folder of their own for the files they read and write. */
export class Tpm2Tools implements AsyncDisposable {
  readonly folder: string;
  readonly #tcti: string;

  constructor(tcti: string, folder: string) {
    this.#tcti = tcti;
    this.folder = folder;
  }

  /** The path of a file in the folder of the tools. */
  file(name: string): string {
    return join(this.folder, name);
  }

  /**
   * Runs `tpm2 <command> <args>` to its end.
   * @param input what the tool reads from its standard input
   */
  attempt(command: string, args: readonly string[], input?: Uint8Array): Promise<ToolRun> {
    return new Promise((resolve, reject) => {
      const options = {
        cwd: this.folder,
        env: { ...process.env, TPM2TOOLS_TCTI: this.#tcti, TSS2_LOG: 'all+error' },
        encoding: 'buffer',
        timeout: DEADLINE_MS,
        maxBuffer: 1 << 20,
      } as const;
      const child = execFile('tpm2', [command, ...args], options, (error, stdout, stderr) => {
        const code = error?.code;
        if (error !== null && typeof code !== 'number') {
          reject(error);
          return;
        }
        const text = stderr.toString('utf8');
        resolve({ status: typeof code === 'number' ? code : 0, stdout, stderr: text, rc: rcOf(text) });
      });
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(input);
    });
  }

  /** The same, for what has to succeed; resolves with the standard output. */
  async run(command: string, args: readonly string[], input?: Uint8Array): Promise<Buffer> {
    const result = await this.attempt(command, args, input);
    if (result.status !== 0) throw new Error(`tpm2 ${command}: status ${result.status}\n${result.stderr}`);
    return result.stdout;
  }

  /** A failed tool leaves its objects in the three slots of the TPM. */
  async flushAll(): Promise<void> {
    await this.run('flushcontext', ['-t']);
    await this.run('flushcontext', ['-l']);
    await this.run('flushcontext', ['-s']);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** @param tcti a TCTI string, e.g. the `config` of a software TPM */
export async function tpm2Tools(tcti: string): Promise<Tpm2Tools> {
  return new Tpm2Tools(tcti, await mkdtemp(join(tmpdir(), 'tpm2-tools-')));
}
