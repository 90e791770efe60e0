/**
 * tpm2-tss' ESAPI in a process of its own (esapi.py says what it understands): one question at a time, one answer.
 * Debian packages: python3-tpm2-pytss and python3.
 */
import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PYTHON = '/usr/bin/python3';
const SCRIPT = fileURLToPath(new URL('./esapi.py', import.meta.url));

/** Why ESAPI cannot be used here, or null. */
export const esapiMissing = (): Promise<string | null> =>
  promisify(execFile)(PYTHON, ['-c', 'import tpm2_pytss']).then(
    () => null,
    () => 'tpm2_pytss is not installed: apt-get install python3-tpm2-pytss',
  );

/** The TPM refused; `rc` is its response code as ESAPI passes it on. */
export class EsapiRefusal extends Error {
  readonly rc: number;

  constructor(op: string, rc: number) {
    super(`ESAPI ${op}: 0x${rc.toString(16)}`);
    this.rc = rc;
  }
}

export type EsapiValue = string | number | boolean | readonly EsapiValue[];
export type EsapiArguments = Readonly<Record<string, EsapiValue | undefined>>;

export class Esapi implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #exited: Promise<void>;
  #complaint = '';

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.#exited = new Promise((resolve) => child.once('close', () => resolve()));
    child.stdin.on('error', () => undefined);
    child.stderr.on('data', (chunk) => {
      this.#complaint = (this.#complaint + chunk).slice(-4096);
    });
  }

  /** @throws {EsapiRefusal} the TPM refused */
  async call(op: string, args: EsapiArguments = {}): Promise<Readonly<Record<string, unknown>>> {
    this.#child.stdin.write(`${JSON.stringify({ op, ...args })}\n`);
    const line = await this.#lines.next();
    if (line.done) throw new Error(`ESAPI ${op}: the process ended: ${this.#complaint}`);
    const answer = JSON.parse(line.value) as { ok?: Record<string, unknown>; rc?: number; error?: string };
    if (answer.rc !== undefined) throw new EsapiRefusal(op, answer.rc);
    if (answer.ok === undefined) throw new Error(`ESAPI ${op}: ${answer.error}`);
    return answer.ok;
  }

  /** One text field of an answer; byte strings are hexadecimal. */
  async text(op: string, field: string, args: EsapiArguments = {}): Promise<string> {
    const value = (await this.call(op, args))[field];
    if (typeof value !== 'string') throw new Error(`ESAPI ${op}: no ${field} in the answer`);
    return value;
  }

  /** Ends the process and with it its connection to the TPM. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin.end();
    await this.#exited;
  }
}

/** @param tcti a TCTI string, e.g. the `config` of a software TPM */
export function startEsapi(tcti: string): Esapi {
  const env = { ...process.env, TSS2_LOG: 'all+NONE' };
  return new Esapi(spawn(PYTHON, [SCRIPT, tcti], { stdio: 'pipe', env }));
}
