/**
 * One service of a bus (`org.freedesktop.login1`) for as long as this process lives: found again after it, or the whole
 * bus, was restarted. Signals count only from whoever owns the name at that moment, calls go to that very connection,
 * and when the owner changes or the bus is lost, everything that was known is declared void.
 */
import { type Milliseconds, milliseconds } from '../../base/brand.ts';
import { UnlockdError } from '../../base/errors.ts';
import { type BusCall, BusConnection, type BusOptions, type BusSignal } from './connection.ts';

export interface BusServiceOptions extends BusOptions {
  /** The well-known name. */
  readonly name: string;
}

export type BusServiceEvent =
  | { readonly type: 'appeared' }
  /** Nothing known before holds any more. Also between two owners. */
  | { readonly type: 'vanished' }
  | { readonly type: 'signal'; readonly signal: BusSignal };

const BUS = 'org.freedesktop.DBus';
const FIRST_PAUSE = 200;
const LONGEST_PAUSE = 30_000;

export class BusService implements AsyncDisposable {
  readonly #options: BusServiceOptions;
  readonly #closing = new AbortController();
  readonly #listeners = new Set<(event: BusServiceEvent) => void>();
  readonly #loop: Promise<void>;
  /** Resolves when it was looked for once. */
  readonly #looked: Promise<void>;
  #connection: BusConnection | null = null;
  #owner: string | null = null;
  /** The bus has told of the owner on this connection. */
  #ownerTold = false;
  #problem: unknown = null;

  constructor(options: BusServiceOptions) {
    this.#options = options;
    let looked = () => {};
    this.#looked = new Promise((resolve) => {
      looked = resolve;
    });
    this.#loop = this.#follow(looked);
  }

  /** Whether the service is there. */
  get present(): boolean {
    return this.#owner !== null;
  }

  /** Events from now on. A listener must not throw. @returns what ends it */
  listen(listener: (event: BusServiceEvent) => void): () => void {
    const own = (event: BusServiceEvent) => listener(event);
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  /** Resolves when it is known for the first time whether the service is there. */
  async looked(options: { signal: AbortSignal }): Promise<void> {
    const { signal } = options;
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#looked.then(resolve).finally(() => signal.removeEventListener('abort', onAbort));
    });
  }

  /**
   * Calls a method of whoever owns the name now.
   * @throws {ERR_HAL_NOT_FOUND} the service, the object or the method is not there
   * @throws {ERR_HAL_PERMISSION | ERR_HAL_DISCONNECTED | ERR_HAL_TIMEOUT | ERR_HAL_IO | ERR_HAL_CLOSED}
   */
  async call(call: Omit<BusCall, 'destination'>, options: { signal: AbortSignal }): Promise<readonly unknown[]> {
    await this.looked(options);
    const { name } = this.#options;
    this.#closing.signal.throwIfAborted();
    if (this.#connection === null) throw this.#problem ?? new UnlockdError('ERR_HAL_NOT_FOUND', 'the bus is not there');
    if (this.#owner === null) throw new UnlockdError('ERR_HAL_NOT_FOUND', `${name} is not on the bus`);
    return await this.#connection.call({ ...call, destination: this.#owner }, options);
  }

  async #follow(looked: () => void): Promise<void> {
    const { signal } = this.#closing;
    let pause = FIRST_PAUSE;
    while (!signal.aborted) {
      try {
        const connection = await BusConnection.open({ ...this.#options, signal }, (sent) => this.#receive(sent));
        try {
          await this.#attach(connection);
          pause = FIRST_PAUSE;
          looked();
          await aborted(AbortSignal.any([connection.over, signal]));
          this.#problem = connection.over.reason;
        } finally {
          this.#detach();
          await connection.close();
        }
      } catch (error) {
        this.#problem = error;
      }
      looked();
      await this.#rest(milliseconds(pause));
      pause = Math.min(LONGEST_PAUSE, pause * 2);
    }
  }

  async #rest(span: Milliseconds): Promise<void> {
    const { signal } = this.#closing;
    await this.#options.clock.sleep(span, { signal }).catch(() => undefined);
  }

  /** First the rules, then the owner: what changes in between is heard. */
  async #attach(connection: BusConnection): Promise<void> {
    const { name } = this.#options;
    const { signal } = this.#closing;
    this.#connection = connection;
    this.#ownerTold = false;
    const changes = `type='signal',sender='${BUS}',interface='${BUS}',member='NameOwnerChanged',arg0='${name}'`;
    await connection.addMatch(changes, { signal });
    await connection.addMatch(`type='signal',sender='${name}'`, { signal });
    const owner = await connection.ownerOf(name, { signal });
    // What the bus has told since then is newer: it may have come in one piece with the answer, and is heard before it.
    if (!this.#ownerTold) this.#own(owner);
  }

  #detach(): void {
    this.#connection = null;
    this.#own(null);
  }

  #own(owner: string | null): void {
    if (owner === this.#owner) return;
    const before = this.#owner;
    this.#owner = owner;
    if (before !== null) this.#tell({ type: 'vanished' });
    if (owner !== null) this.#tell({ type: 'appeared' });
  }

  #receive(signal: BusSignal): void {
    if (signal.sender === BUS && signal.interface === BUS && signal.member === 'NameOwnerChanged') {
      const [name, , owner] = signal.body;
      if (name === this.#options.name && typeof owner === 'string') {
        this.#ownerTold = true;
        this.#own(owner === '' ? null : owner);
      }
      return;
    }
    if (this.#owner !== null && signal.sender === this.#owner) this.#tell({ type: 'signal', signal });
  }

  #tell(event: BusServiceEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }

  /** Idempotent. Calls that wait get ERR_HAL_CLOSED. */
  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort(new UnlockdError('ERR_HAL_CLOSED', 'the service of the bus was closed'));
      await this.#connection?.close();
    }
    await this.#loop;
    this.#listeners.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
