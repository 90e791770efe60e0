/**
 * The memory of the signer program: a file of JSON beside its key, replaced durably before anything is signed. A lock file
 * keeps two signers with one key apart; a memory that cannot be read signs nothing.
 */
import { open, rm } from 'node:fs/promises';
import type { SignedPolicy, SignerMemory } from '../../../agent/container/authority/signer-memory.ts';
import { DurableFiles } from '../../../agent/container/durable-files.ts';
import { fromHex, toHex, utf8 } from '../../../drivers/base/bytes.ts';

const MAX_BYTES = 16 * 1024 * 1024;

/** By `container/reference`: the number, and the hash in hexadecimal. */
type Kept = Readonly<Record<string, { readonly n: number; readonly hash: string }>>;

function parseKept(path: string, text: string): Kept {
  const value = JSON.parse(text) as unknown;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError(`${path} is no memory`);
  for (const entry of Object.values(value) as unknown[]) {
    const { n, hash } = (entry ?? {}) as { n?: unknown; hash?: unknown };
    const fits = Number.isSafeInteger(n) && typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash);
    if (!fits) throw new TypeError(`${path} is no memory`);
  }
  return value as Kept;
}

export class MemoryFile implements SignerMemory, AsyncDisposable {
  readonly #path: string;
  readonly #files = new DurableFiles();

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws when another signer has it, or one was killed while it had */
  static async open(path: string): Promise<MemoryFile> {
    await (await open(`${path}.lock`, 'wx', 0o600)).close();
    return new MemoryFile(path);
  }

  async #read(): Promise<Kept> {
    const content = await this.#files.read(this.#path, MAX_BYTES);
    return content === null ? {} : parseKept(this.#path, new TextDecoder().decode(content));
  }

  async last(container: string, reference: string): Promise<SignedPolicy | null> {
    const found = (await this.#read())[`${container}/${reference}`];
    return found === undefined ? null : { n: found.n, hash: fromHex(found.hash) };
  }

  async keep(container: string, reference: string, { n, hash }: SignedPolicy): Promise<void> {
    const kept: Kept = { ...(await this.#read()), [`${container}/${reference}`]: { n, hash: toHex(hash) } };
    await this.#files.replace(this.#path, utf8(JSON.stringify(kept)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(`${this.#path}.lock`, { force: true });
  }
}
