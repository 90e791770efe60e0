/** An object in a slot of the TPM: flushed when its scope ends. */

import type { Authorization } from './authorization.ts';
import type { HandleUse } from './command.ts';
import type { HandleOwner } from './session.ts';
import { nameOf, type PublicArea } from './wire/public-area.ts';

export class LoadedObject implements AsyncDisposable {
  readonly handle: number;
  readonly publicArea: PublicArea;
  /** Computed from the public area by us. */
  readonly name: Uint8Array;
  readonly #owner: HandleOwner | null;

  /** @param owner null for persistent objects, which are not flushed */
  constructor(handle: number, publicArea: PublicArea, owner: HandleOwner | null) {
    this.handle = handle;
    this.publicArea = publicArea;
    this.name = nameOf(publicArea);
    this.#owner = owner;
  }

  /** This object as a handle of a command. */
  use(auth?: Authorization): HandleUse {
    return auth === undefined
      ? { handle: this.handle, name: this.name }
      : { handle: this.handle, name: this.name, auth };
  }

  async close(): Promise<void> {
    await this.#owner?.release(this.handle);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
