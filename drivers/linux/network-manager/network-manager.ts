/**
 * NetworkManager on the system bus, as the drivers of the surroundings read it: whole property sets by `GetAll`, from the
 * very process that owns the name now. What its signals carry is never an answer.
 */
import { UnlockdError } from '../../base/errors.ts';
import { BusService, type BusServiceEvent } from '../dbus/bus-service.ts';
import type { BusCall, BusOptions } from '../dbus/connection.ts';
import { dictOf, listOf, textOf } from '../dbus/values.ts';
import { NM_INTERFACE, NM_NAME, NM_PATH } from './names.ts';

export type NmProperties = ReadonlyMap<string, unknown>;

type Waiting = { readonly signal: AbortSignal };

/** A container host has hundreds of virtual devices; more than this are not looked at. */
const MAX_DEVICES = 256;

export class NetworkManager implements AsyncDisposable {
  readonly #service: BusService;
  #incarnation = 0;

  /** Connects by itself, now and whenever the bus comes back; never throws for that. */
  constructor(options: BusOptions) {
    this.#service = new BusService({ ...options, name: NM_NAME });
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

  /** Events of NetworkManager itself, from now on. A listener must not throw. @returns what ends it */
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
  async properties(path: string, name: string, options: Waiting): Promise<NmProperties> {
    const call = { path, interface: 'org.freedesktop.DBus.Properties', member: 'GetAll', signature: 's', body: [name] };
    const [all] = await this.#service.call(call, options);
    return dictOf(all, name);
  }

  /** Paths of the devices, at most 256. @throws as `properties` */
  async devices(options: Waiting): Promise<readonly string[]> {
    const call = { path: NM_PATH, interface: NM_INTERFACE.manager, member: 'GetDevices' };
    const [paths] = await this.#service.call(call, options);
    return listOf(paths, 'GetDevices')
      .slice(0, MAX_DEVICES)
      .map((path) => textOf(path, 'GetDevices'));
  }

  /**
   * Runs a reading that takes several calls.
   * @throws {ERR_HAL_DISCONNECTED} when NetworkManager was replaced meanwhile: the halves belong to two processes
   */
  async ofOneProcess<T>(read: () => Promise<T>): Promise<T> {
    const before = this.#incarnation;
    const result = await read();
    if (before === this.#incarnation) return result;
    throw new UnlockdError('ERR_HAL_DISCONNECTED', 'NetworkManager went away while it was being read');
  }

  /** Idempotent. Calls that wait get ERR_HAL_CLOSED. */
  close(): Promise<void> {
    return this.#service.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
