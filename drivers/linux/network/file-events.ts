/**
 * Changes of the files that say what no daemon and no kernel does: the resolver's, dhclient's leases, networkd's links
 * (inotify(7)). A reason to look, never an answer.
 */
import { type FSWatcher, watch } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

export interface WatchedFiles {
  /** Files of which a change counts; they may come and go. */
  readonly files: readonly string[];
  /** Folders of which a change of any file counts. */
  readonly folders: readonly string[];
}

export class FileEvents implements AsyncDisposable {
  readonly #wake: () => void;
  readonly #watchers: FSWatcher[] = [];
  readonly #begun: Promise<void>;
  #ended = false;

  /** @param wake must not throw */
  constructor(watched: WatchedFiles, wake: () => void) {
    this.#wake = wake;
    this.#begun = this.#begin(watched);
  }

  async #begin({ files, folders }: WatchedFiles): Promise<void> {
    for (const folder of folders) this.#watch(folder, null);
    for (const file of files) {
      // A link is replaced where it stands, the file where it points to.
      const places = new Set([file, await realpath(file).catch(() => file)]);
      for (const place of places) this.#watch(dirname(place), basename(place));
    }
    // What changed before it was watched.
    if (!this.#ended) this.#wake();
  }

  /** @param name null: any file */
  #watch(folder: string, name: string | null): void {
    if (this.#ended) return;
    try {
      const watcher = watch(folder, { persistent: false }, (_type, changed) => {
        if (name === null || changed === null || changed === name) this.#wake();
      });
      // A folder that goes away: what is read on time tells.
      watcher.on('error', () => watcher.close());
      this.#watchers.push(watcher);
    } catch {
      // There is no such folder here.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await this.#begun;
    for (const watcher of this.#watchers) watcher.close();
  }
}
