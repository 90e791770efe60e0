/**
 * One connection to a message bus: calls that always end, and signals with the unique name of who sent them. A reply
 * counts only when it comes from whom was asked (on a bus without the stock policy anybody may send one), and only the
 * bus itself speaks as `org.freedesktop.DBus`. D-Bus specification, "Message Bus".
 */
import type { Milliseconds } from '../../base/brand.ts';
import type { Clock } from '../../base/clock.ts';
import { startDeadline } from '../../base/deadline.ts';
import { deferred } from '../../base/deferred.ts';
import { UnlockdError } from '../../base/errors.ts';
import { busSocket } from './address.ts';
import { busError, replyError } from './bus-errors.ts';
import { dial, MESSAGE, type Message, type Wire } from './transport.ts';
import { textOf } from './values.ts';

const BUS = 'org.freedesktop.DBus';
/** Serials are 32-bit and never 0. */
const LAST_SERIAL = 0xffffffff;

export interface BusCall {
  /** A unique name (`:1.7`), so that nobody else can ever answer; or the bus itself. */
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  /** Of `body`, in the type codes of the specification. */
  readonly signature?: string;
  readonly body?: readonly unknown[];
  /**
   * Called at the reply, in the order of the wire: what comes after the reply is told after it, even where both came in
   * one piece. An error is none. Must not throw.
   */
  readonly onReply?: () => void;
}

export interface BusSignal {
  /** The unique name of the sender, as the bus wrote it in; the bus itself: `org.freedesktop.DBus`. */
  readonly sender: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly body: readonly unknown[];
}

export interface BusOptions {
  /** As in DBUS_SYSTEM_BUS_ADDRESS; UNIX sockets only. */
  readonly address: string;
  readonly clock: Clock;
  /** Longest time of one call, and of the connection itself. */
  readonly within: Milliseconds;
}

interface Waiting {
  readonly from: string;
  readonly what: string;
  readonly onReply: (() => void) | undefined;
  readonly resolve: (body: readonly unknown[]) => void;
  readonly reject: (reason: unknown) => void;
}

export class BusConnection implements AsyncDisposable {
  #wire: Wire | null = null;
  readonly #options: BusOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #over = new AbortController();
  readonly #onSignal: (signal: BusSignal) => void;
  #serial = 0;

  private constructor(options: BusOptions, onSignal: (signal: BusSignal) => void) {
    this.#options = options;
    this.#onSignal = onSignal;
  }

  /**
   * Connects and says Hello.
   * @param onSignal gets every signal that reaches this connection, whoever sent it; must not throw
   * @throws {ERR_HAL_BUS_ADDRESS | ERR_HAL_MODULE_MISSING | ERR_HAL_NOT_FOUND | ERR_HAL_PERMISSION |
   *   ERR_HAL_DISCONNECTED | ERR_HAL_TIMEOUT} or the signal's reason
   */
  static async open(
    options: BusOptions & { readonly signal: AbortSignal },
    onSignal: (signal: BusSignal) => void,
  ): Promise<BusConnection> {
    options.signal.throwIfAborted();
    const connection = new BusConnection(options, onSignal);
    const wire = await dial(busSocket(options.address), {
      message: (message) => connection.#receive(message),
      end: (cause) => connection.#end(cause),
    });
    connection.#wire = wire;
    try {
      await connection.callBus('Hello', '', [], options);
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** Aborts when the connection is lost or closed. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /**
   * Calls a method and gives the values of its reply.
   * @throws {ERR_HAL_NOT_FOUND | ERR_HAL_PERMISSION | ERR_HAL_DISCONNECTED | ERR_HAL_TIMEOUT | ERR_HAL_IO | ERR_HAL_CLOSED}
   */
  async call(call: BusCall, { signal }: { signal: AbortSignal }): Promise<readonly unknown[]> {
    signal.throwIfAborted();
    this.#over.signal.throwIfAborted();
    const what = `${call.interface}.${call.member}`;
    const serial = this.#nextSerial();
    const answer = deferred<readonly unknown[]>();
    const { destination: from, onReply } = call;
    this.#waiting.set(serial, { from, what, onReply, resolve: answer.resolve, reject: answer.reject });
    using deadline = startDeadline(this.#options.clock, this.#options.within, { what, signal });
    try {
      this.#send(call, serial, what);
      return await deadline.race(answer.promise);
    } finally {
      // What nobody waits for any more is nobody's answer.
      this.#waiting.delete(serial);
      answer.promise.catch(() => undefined);
    }
  }

  /** A method of the bus itself. */
  callBus(
    member: string,
    signature: string,
    body: readonly unknown[],
    options: { signal: AbortSignal },
  ): Promise<readonly unknown[]> {
    const call = { destination: BUS, path: '/org/freedesktop/DBus', interface: BUS, member, signature, body };
    return this.call(call, options);
  }

  /** Asks the bus for the broadcast signals that `rule` selects ("Match Rules"). What is sent to us alone comes anyway. */
  async addMatch(rule: string, options: { signal: AbortSignal }): Promise<void> {
    await this.callBus('AddMatch', 's', [rule], options);
  }

  /** The unique name that owns `name` now; null: nobody. */
  async ownerOf(name: string, options: { signal: AbortSignal }): Promise<string | null> {
    try {
      const [owner] = await this.callBus('GetNameOwner', 's', [name], options);
      return textOf(owner, 'GetNameOwner');
    } catch (error) {
      if (error instanceof UnlockdError && error.code === 'ERR_HAL_NOT_FOUND') return null;
      throw error;
    }
  }

  #send(call: BusCall, serial: number, what: string): void {
    const { signature, body, onReply: _, ...rest } = call;
    const message: Message = { ...rest, type: MESSAGE.call, serial };
    if (signature !== undefined && signature !== '') Object.assign(message, { signature, body });
    try {
      this.#wire?.send(message);
    } catch (cause) {
      throw new UnlockdError('ERR_HAL_IO', `${what}: could not be sent`, { cause });
    }
  }

  #nextSerial(): number {
    do {
      this.#serial = this.#serial >= LAST_SERIAL ? 1 : this.#serial + 1;
    } while (this.#waiting.has(this.#serial));
    return this.#serial;
  }

  #receive(message: Message): void {
    const { type, sender = '', body = [] } = message;
    if (type === MESSAGE.signal) {
      const { path, interface: name, member } = message;
      if (typeof path !== 'string' || typeof name !== 'string' || typeof member !== 'string') return;
      this.#onSignal({ sender, path, interface: name, member, body });
      return;
    }
    if (type !== MESSAGE.reply && type !== MESSAGE.error) return;
    const waiting = this.#waiting.get(message.replySerial ?? 0);
    if (waiting === undefined) return;
    // The bus answers for somebody who is not there; nobody else may answer for another.
    if (sender !== waiting.from && !(sender === BUS && type === MESSAGE.error)) return;
    if (type === MESSAGE.reply) {
      waiting.onReply?.();
      waiting.resolve(body);
    } else waiting.reject(replyError(message, waiting.what));
  }

  #end(cause: unknown): void {
    if (this.#over.signal.aborted) return;
    const error = cause instanceof UnlockdError ? cause : busError(cause);
    this.#over.abort(error);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#wire?.destroy();
  }

  /** Idempotent. Whoever waits for an answer gets ERR_HAL_CLOSED. */
  async close(): Promise<void> {
    this.#end(new UnlockdError('ERR_HAL_CLOSED', 'the connection to the bus was closed'));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
