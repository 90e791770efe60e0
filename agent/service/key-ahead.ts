/**
 * The security keys that are plugged in, listed and opened while the PIN is still being judged: the host takes tens of
 * milliseconds for that, and the person has nothing from waiting for them one after the other. Nothing is sent to a key
 * before its turn, so none blinks for a PIN that turns out wrong.
 */
import type { HidConnection, HidDeviceInfo, HidHal } from '../../drivers/hal/hid.ts';

/** Opened ahead at most: nobody has more keys plugged in than this, and each open one costs a thread. */
const MOST_OPEN = 4;

export class KeysAhead implements AsyncDisposable {
  readonly #hid: HidHal;
  readonly #stop = new AbortController();
  readonly #listed: Promise<readonly HidDeviceInfo[]>;
  readonly #opened = new Map<string, Promise<HidConnection | null>>();
  readonly #opening: Promise<void>;
  #listTaken = false;

  /** Begins at once. What fails here is done again, and told, when the keys are really asked for. */
  constructor(hid: HidHal) {
    this.#hid = hid;
    const { signal } = this.#stop;
    this.#listed = hid.list({ signal }).catch(() => []);
    this.#opening = this.#listed.then((devices) => {
      if (signal.aborted) return;
      for (const { path } of devices.slice(0, MOST_OPEN)) {
        this.#opened.set(
          path,
          hid.open(path, { signal }).catch(() => null),
        );
      }
    });
  }

  /** The host's security keys, with what is open already handed out once. */
  get hid(): HidHal {
    return {
      list: (options) => this.#list(options),
      open: (path, options) => this.#open(path, options),
      watch: (options) => this.#hid.watch(options),
    };
  }

  /** A list of nothing is asked again: the key may have been plugged in meanwhile. */
  async #list(options: { signal: AbortSignal }): Promise<readonly HidDeviceInfo[]> {
    const devices = this.#listTaken ? [] : await this.#listed;
    this.#listTaken = true;
    options.signal.throwIfAborted();
    return devices.length > 0 ? devices : await this.#hid.list(options);
  }

  async #open(path: string, options: { signal: AbortSignal }): Promise<HidConnection> {
    await this.#opening;
    const opened = this.#opened.get(path);
    this.#opened.delete(path);
    const connection = (await opened) ?? null;
    if (connection === null) return await this.#hid.open(path, options);
    if (!options.signal.aborted) return connection;
    await connection.close();
    throw options.signal.reason;
  }

  /** Closes what nobody took. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#opening;
    const left = [...this.#opened.values()];
    this.#opened.clear();
    for (const opened of left) await (await opened)?.close();
  }
}
