/**
 * A service of the bus whose objects are read by whole property sets (`GetAll`), from the very process that owns the name
 * now. What its signals carry is never an answer: they say that it is worth asking.
 */
import { UnlockdError } from '../../base/errors.ts';
import { BusService, type BusServiceEvent } from './bus-service.ts';
import type { BusCall, BusOptions } from './connection.ts';
import { dictOf } from './values.ts';

export type ObjectProperties = ReadonlyMap<string, unknown>;

type Waiting = { readonly signal: AbortSignal };

export class ObjectService implements AsyncDisposable {
  readonly #service: BusService;
  readonly #called: string;
  #incarnation = 0;

  /**
   * Connects by itself, now and whenever the bus comes back; never throws for that.
   * @param name the well-known one
   * @param called for people
   */
  constructor(options: BusOptions, { name, called }: { readonly name: string; readonly called: string }) {
    this.#called = called;
    this.#service = new BusService({ ...options, name });
    this.#service.listen(({ type }) => {
      if (type !== 'signal') this.#incarnation++;
    });
  }

  get present(): boolean {
    return this.#service.present;
  }

  /** Another number: another process speaks, and the paths of objects mean something else. */
  get incarnation(): number {
    return this.#incarnation;
  }

  /** Resolves when it is known for the first time whether it is there. */
  looked(options: Waiting): Promise<void> {
    return this.#service.looked(options);
  }

  /** Events of the service itself, from now on. A listener must not throw. @returns what ends it */
  listen(listener: (event: BusServiceEvent) => void): () => void {
    return this.#service.listen(listener);
  }

  /** @throws as `BusService.call` */
  call(call: Omit<BusCall, 'destination'>, options: Waiting): Promise<readonly unknown[]> {
    return this.#service.call(call, options);
  }

  /**
   * All properties of one interface of an object, as they are now.
   * @throws {ERR_HAL_ANSWER_INVALID} and as `BusService.call`; ERR_HAL_NOT_FOUND also when the object has gone
   */
  async properties(path: string, name: string, options: Waiting): Promise<ObjectProperties> {
    const call = { path, interface: 'org.freedesktop.DBus.Properties', member: 'GetAll', signature: 's', body: [name] };
    const [all] = await this.#service.call(call, options);
    return dictOf(all, name);
  }

  /**
   * Runs a reading that takes several calls.
   * @throws {ERR_HAL_DISCONNECTED} when the service was replaced meanwhile: the halves belong to two processes
   */
  async ofOneProcess<T>(read: () => Promise<T>): Promise<T> {
    const before = this.#incarnation;
    const result = await read();
    if (before === this.#incarnation) return result;
    throw new UnlockdError('ERR_HAL_DISCONNECTED', `${this.#called} went away while it was being read`);
  }

  /** Idempotent. Calls that wait get ERR_HAL_CLOSED. */
  close(): Promise<void> {
    return this.#service.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
