/**
 * Secrets live in a `Secret`: a buffer of its own (never a slice of Node's shared pool) that prints as `[secret]`,
 * refuses to be serialised, and is zeroed on dispose. Whoever creates one disposes it, preferably with `using`.
 */
import { timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';

export class Secret implements Disposable {
  #bytes: Uint8Array<ArrayBuffer> | undefined;

  private constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
  }

  /** Copies `source` into a new secret. The caller still owns `source` and should zero it: see {@link Secret.take}. */
  static copyOf(source: Uint8Array): Secret {
    const bytes = new Uint8Array(source.length);
    bytes.set(source);
    return new Secret(bytes);
  }

  /** Copies `source` and zeroes it, so that the only copy left is inside the secret. */
  static take(source: Uint8Array): Secret {
    const secret = Secret.copyOf(source);
    source.fill(0);
    return secret;
  }

  /** Length in bytes. */
  get length(): number {
    return this.#bytes?.length ?? 0;
  }

  get disposed(): boolean {
    return this.#bytes === undefined;
  }

  /**
   * The live bytes, not a copy: read them, do not keep them.
   * @throws {TypeError} after dispose; using a dead secret is a programming error, not a condition to handle.
   */
  expose(): Uint8Array {
    if (this.#bytes === undefined) throw new TypeError('secret used after dispose');
    return this.#bytes;
  }

  clone(): Secret {
    return Secret.copyOf(this.expose());
  }

  /** Constant-time comparison; secrets of different length are unequal. */
  equals(other: Secret): boolean {
    const [a, b] = [this.expose(), other.expose()];
    return a.length === b.length && timingSafeEqual(a, b);
  }

  dispose(): void {
    this.#bytes?.fill(0);
    this.#bytes = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}
