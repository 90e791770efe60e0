/**
 * The parts of an unlock that no program can do without, besides the TPM's: a durable write, a line that is durable, a
 * key agreement. Each in the shortest way that this platform has for a program that must not block.
 */
import { createECDH, scrypt } from 'node:crypto';
import { type FileHandle, mkdtemp, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PIN_LOG_N } from '../../agent/container/pin-value.ts';
import { systemClock } from '../../drivers/base/clock.ts';

/** Milliseconds that `work` took. */
export async function timed(work: () => unknown): Promise<number> {
  const before = systemClock.now();
  await work();
  return systemClock.now() - before;
}

/** Files in a folder beside the daemon's, on the same disk. */
export class BareWrites implements AsyncDisposable {
  readonly #folder: string;
  readonly #log: FileHandle;

  private constructor(folder: string, log: FileHandle) {
    this.#folder = folder;
    this.#log = log;
  }

  static async open(beside: string): Promise<BareWrites> {
    const folder = await mkdtemp(`${beside}-bare-`);
    return new BareWrites(folder, await open(join(folder, 'log'), 'a', 0o600));
  }

  /** Replaces a file: written beside, synced, renamed, the folder synced. */
  async replace(content: Uint8Array): Promise<void> {
    const path = join(this.#folder, 'file');
    const file = await open(`${path}.tmp`, 'w', 0o600);
    await file.write(content);
    await file.sync();
    await file.close();
    await rename(`${path}.tmp`, path);
    const folder = await open(this.#folder, 'r');
    await folder.sync();
    await folder.close();
  }

  /** Appends a line to an open file and syncs it. */
  async append(line: Uint8Array): Promise<void> {
    await this.#log.write(line);
    await this.#log.sync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#log.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

const peer = createECDH('prime256v1').generateKeys();

/** One side of a P-256 key agreement with a fresh key: a salted session, and a PIN/UV protocol, cost one each. */
export function agreeOnKey(): void {
  const own = createECDH('prime256v1');
  own.generateKeys();
  own.computeSecret(peer);
}

/** scrypt as a PIN is derived, with nothing beside it. */
export const deriveBare = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const parameters = { N: 2 ** PIN_LOG_N, r: 8, p: 1, maxmem: 129 * 2 ** PIN_LOG_N * 8 };
    scrypt('bench', 'salt', 32, parameters, (error) => (error ? reject(error) : resolve()));
  });
