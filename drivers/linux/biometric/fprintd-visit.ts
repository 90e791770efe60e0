/**
 * One visit to fprintd (net.reactivated.Fprint): a connection of its own, from which alone it is asked and to which alone
 * it is listened. fprintd ties the claim of a reader to the connection that claimed it, so closing this one gives the
 * reader back even where a Release was lost. fprintd ends when nobody wants it; a visit has it started again.
 */
import { UnlockdError } from '../../base/errors.ts';
import { type BusCall, BusConnection, type BusOptions, type BusSignal } from '../dbus/connection.ts';

export const FPRINTD = 'net.reactivated.Fprint';
const BUS = 'org.freedesktop.DBus';

type Waiting = { readonly signal: AbortSignal };

export class FprintdVisit implements AsyncDisposable {
  readonly #connection: BusConnection;
  readonly #owner: string;
  readonly #over: AbortSignal;

  private constructor(connection: BusConnection, owner: string, gone: AbortSignal) {
    this.#connection = connection;
    this.#owner = owner;
    this.#over = AbortSignal.any([connection.over, gone]);
  }

  /**
   * @param onSignal gets what this very fprintd sends, in the order of the wire; must not throw
   * @throws {ERR_HAL_NOT_FOUND} no bus, or no fprintd on it and none to be started
   * @throws {ERR_HAL_BUS_ADDRESS | ERR_HAL_MODULE_MISSING | ERR_HAL_PERMISSION | ERR_HAL_DISCONNECTED | ERR_HAL_TIMEOUT |
   *   ERR_HAL_IO} or the signal's reason
   */
  static async open(
    options: BusOptions & Waiting,
    onSignal: (signal: BusSignal) => void = () => undefined,
  ): Promise<FprintdVisit> {
    const gone = new AbortController();
    let owner: string | null = null;
    const connection = await BusConnection.open(options, (signal) => {
      if (owner === null) return;
      if (signal.sender === owner) onSignal(signal);
      if (!leaves(signal)) return;
      gone.abort(new UnlockdError('ERR_HAL_DISCONNECTED', 'fprintd went away'));
    });
    try {
      const changes = `type='signal',sender='${BUS}',interface='${BUS}',member='NameOwnerChanged',arg0='${FPRINTD}'`;
      await connection.addMatch(changes, options);
      await connection.addMatch(`type='signal',sender='${FPRINTD}',interface='${FPRINTD}.Device'`, options);
      owner = (await connection.ownerOf(FPRINTD, options)) ?? (await started(connection, options));
      return new FprintdVisit(connection, owner, gone.signal);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** Aborts when this fprintd has gone, or the bus: nothing that it said counts after that. */
  get over(): AbortSignal {
    return this.#over;
  }

  /** @throws {ERR_HAL_NOT_FOUND | ERR_HAL_PERMISSION | ERR_HAL_DISCONNECTED | ERR_HAL_TIMEOUT | ERR_HAL_IO | ERR_HAL_CLOSED} */
  async call(call: Omit<BusCall, 'destination'>, options: Waiting): Promise<readonly unknown[]> {
    this.#over.throwIfAborted();
    return await this.#connection.call({ ...call, destination: this.#owner }, options);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The name is with nobody or with somebody else, as the bus itself tells; the match lets no other name through. */
function leaves({ sender, interface: name, member, body }: BusSignal): boolean {
  return sender === BUS && name === BUS && member === 'NameOwnerChanged' && body[0] === FPRINTD;
}

async function started(connection: BusConnection, options: Waiting): Promise<string> {
  await connection.callBus('StartServiceByName', 'su', [FPRINTD, 0], options);
  const owner = await connection.ownerOf(FPRINTD, options);
  if (owner === null) throw new UnlockdError('ERR_HAL_NOT_FOUND', 'fprintd was started and is not there');
  return owner;
}
