/**
 * A CTAPHID channel (CTAP 2.1 §11.2): allocation by nonce, one transaction at a time, keep-alives, BUSY retries,
 * CANCEL on the wire, and resynchronisation after anything that left the two sides in doubt.
 */
import { type Milliseconds, type MonotonicMs, milliseconds, monotonicMs } from '../base/brand.ts';
import { ByteReader, bytesEqual } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import type { Entropy } from '../base/entropy.ts';
import { UnlockdError } from '../base/errors.ts';
import { SerialQueue } from '../base/queue.ts';
import { closeAtScopeEnd } from '../base/scope-end.ts';
import { noTrace, type TraceSink } from '../base/trace.ts';
import type { HidConnection } from '../hal/hid.ts';
import { cancelled, channelBusy, channelError, silentDevice } from './channel-errors.ts';
import { Exchange, type ExchangeOptions, type Outcome } from './exchange.ts';
import { type ChannelTiming, DEFAULT_TIMING, type KeepaliveStatus } from './keepalive.ts';
import { DeviceStopwatch, type DeviceWait } from './stopwatch.ts';
import {
  BROADCAST_CID,
  CAPABILITY,
  CTAPHID,
  CTAPHID_ERR,
  fragment,
  INIT_NONCE_LENGTH,
  INIT_RESPONSE_LENGTH,
  RESERVED_CID,
  Reassembler,
} from './wire/ctaphid.ts';

export interface ChannelOptions {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly signal: AbortSignal;
  readonly timing?: Partial<ChannelTiming>;
  readonly trace?: TraceSink;
  /** Shared between channels to add up the devices' time. */
  readonly stopwatch?: DeviceStopwatch;
}

export interface TransactOptions {
  readonly signal: AbortSignal;
  /** For the whole operation, BUSY retries included. */
  readonly budget?: Milliseconds;
  /** Once per change of status. */
  readonly onKeepalive?: ((status: KeepaliveStatus) => void) | undefined;
  /**
   * What can be made ready while the device works: called when a request was handed to the connection, so it costs nobody
   * any time. Called again where the request has to be sent again.
   */
  readonly meanwhile?: (() => void) | undefined;
}

/** What the device said of itself in the answer to CTAPHID_INIT. */
export interface ChannelInfo {
  readonly protocolVersion: number;
  /** Major, minor, build: the vendor's numbers. */
  readonly deviceVersion: readonly [number, number, number];
  /** {@link CAPABILITY} bits. */
  readonly capabilities: number;
}

/** How often an answer that says "your message did not arrive whole" is met with sending it again. */
const MAX_RESENDS = 2;

export class CtapHidChannel implements AsyncDisposable {
  readonly #connection: HidConnection;
  readonly #clock: Clock;
  readonly #entropy: Entropy;
  readonly #timing: ChannelTiming;
  readonly #trace: TraceSink;
  readonly #stopwatch: DeviceStopwatch;
  readonly #queue = new SerialQueue();
  readonly #stop = new AbortController();
  readonly #lost = new AbortController();
  #reassembler: Reassembler;
  #exchange: Exchange | null = null;
  #cid = BROADCAST_CID;
  #info: ChannelInfo = { protocolVersion: 0, deviceVersion: [0, 0, 0], capabilities: 0 };
  /** The device may still be busy with something that was given up. */
  #inDoubt = false;
  #closing: Promise<void> | null = null;

  private constructor(connection: HidConnection, options: ChannelOptions) {
    this.#connection = connection;
    this.#clock = options.clock;
    this.#entropy = options.entropy;
    this.#timing = { ...DEFAULT_TIMING, ...options.timing };
    this.#trace = options.trace ?? noTrace;
    this.#stopwatch = options.stopwatch ?? new DeviceStopwatch(options.clock);
    this.#reassembler = new Reassembler({
      role: 'host',
      channel: BROADCAST_CID,
      reportSize: connection.reportSize.input,
    });
  }

  /**
   * Allocates a channel on an open connection, and owns the connection from then on, also when it fails.
   * @throws {ERR_CTAP_BUSY | ERR_CTAP_TIMEOUT | ERR_CTAP_CANCELLED | ERR_CTAP_MALFORMED_RESPONSE} and what the
   *   connection throws
   */
  static async open(connection: HidConnection, options: ChannelOptions): Promise<CtapHidChannel> {
    const channel = new CtapHidChannel(connection, options);
    void channel.#pump();
    try {
      const deadline = channel.#deadline(channel.#timing.init);
      await channel.#initialize(BROADCAST_CID, deadline, options.signal);
      return channel;
    } catch (error) {
      await channel.close();
      throw error;
    }
  }

  get info(): ChannelInfo {
    return this.#info;
  }

  /** True when the device speaks CTAP2; false: U2F only. */
  get speaksCbor(): boolean {
    return (this.#info.capabilities & CAPABILITY.CBOR) !== 0;
  }

  /** Aborts with the error when the device is gone. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /**
   * Sends one message and awaits its answer. Aborting `signal` sends CTAPHID_CANCEL on this channel and awaits the
   * answer to what was cancelled before it rejects.
   * @param command one of CTAPHID
   * @throws {ERR_CTAP_CANCELLED | ERR_CTAP_BUSY | ERR_CTAP_TIMEOUT | ERR_CTAP_TOUCH_TIMEOUT | ERR_CTAP_TRANSPORT |
   *   ERR_CTAP_MALFORMED_RESPONSE | ERR_CTAP_REQUEST_TOO_LARGE} and what the connection throws
   */
  transact(command: number, payload: Uint8Array, options: TransactOptions): Promise<Uint8Array> {
    return this.#queue.run(async () => {
      if (options.signal.aborted) throw cancelled(options.signal.reason);
      const deadline = this.#deadline(options.budget ?? this.#timing.operation);
      if (this.#inDoubt) await this.#initialize(this.#cid, deadline, options.signal);
      return await this.#retrying(command, payload, deadline, options);
    });
  }

  /**
   * Idempotent. A transaction that is waiting fails with ERR_HAL_CLOSED. It runs where a scope ends, so what the connection
   * says against being closed is not heard.
   */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      const error = new UnlockdError('ERR_HAL_CLOSED', 'the channel to the security key was closed');
      this.#exchange?.settle({ kind: 'broken', cause: error });
      this.#stop.abort(error);
      await closeAtScopeEnd(() => this.#connection.close());
    })();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #deadline(budget: Milliseconds): MonotonicMs {
    return monotonicMs(this.#clock.now() + budget);
  }

  async #pump(): Promise<void> {
    try {
      for (;;) {
        const report = await this.#connection.read({ signal: this.#stop.signal });
        this.#trace({ seam: 'hid', direction: 'in', bytes: report });
        this.#receive(report);
      }
    } catch (error) {
      this.#exchange?.settle({ kind: 'broken', cause: error });
      this.#lost.abort(error);
    }
  }

  #receive(report: Uint8Array): void {
    const result = this.#reassembler.push(report);
    if (result.kind === 'message') this.#exchange?.deliver(result.message);
    else if (result.kind === 'pending') this.#exchange?.progress();
    else if (result.kind === 'violation') {
      this.#exchange?.settle({
        kind: 'broken',
        cause: new UnlockdError('ERR_CTAP_MALFORMED_RESPONSE', `CTAPHID framing: ${result.reason}`),
      });
    }
  }

  #reportsOf(cid: number, command: number, payload: Uint8Array): readonly Uint8Array[] {
    return fragment(cid, command, payload, this.#connection.reportSize.output);
  }

  /**
   * Writes a message, but not longer than its answer is awaited. An abort must not tear a message apart: the rest of
   * it still goes out, so that CANCEL finds something to cancel.
   */
  async #write(reports: readonly Uint8Array[], exchange: Exchange, meanwhile?: () => void): Promise<void> {
    let written = false;
    const settled = exchange.outcome.then(async ({ kind }) => {
      if (kind === 'aborted' && !written) {
        await new Promise<void>((resolve) => this.#clock.timer(this.#timing.drain, resolve));
      }
      return 'settled' as const;
    });
    // All at once: the connection keeps their order, and the next need not wait until this thread has heard of the last.
    const writes = reports.map((report) => {
      this.#trace({ seam: 'hid', direction: 'out', bytes: report });
      return this.#connection.write(report);
    });
    meanwhile?.();
    const first = await Promise.race([Promise.all(writes), settled]);
    if (first === 'settled') return;
    written = true;
  }

  /** One request, one outcome. The exchange listens before the first byte goes out. */
  async #once(
    cid: number,
    command: number,
    payload: Uint8Array,
    options: Omit<ExchangeOptions, 'clock' | 'command'> & Pick<TransactOptions, 'meanwhile'>,
  ): Promise<{ outcome: Outcome; waitedForPerson: boolean }> {
    const lost = this.#lost.signal;
    if (lost.aborted) return { outcome: { kind: 'broken', cause: lost.reason }, waitedForPerson: false };
    this.#reassembler.reset();
    const exchange = new Exchange({ clock: this.#clock, command, ...options });
    this.#exchange = exchange;
    let wait: DeviceWait | null = null;
    try {
      const reports = this.#reportsOf(cid, command, payload);
      wait = this.#stopwatch.start();
      await this.#write(reports, exchange, options.meanwhile);
      wait.written();
    } catch (cause) {
      exchange.settle({ kind: 'broken', cause });
    }
    exchange.rearm();
    const outcome = await exchange.outcome;
    wait?.stop();
    this.#exchange = null;
    return { outcome, waitedForPerson: exchange.waitsForPerson };
  }

  async #retrying(
    command: number,
    payload: Uint8Array,
    deadline: MonotonicMs,
    options: TransactOptions,
  ): Promise<Uint8Array> {
    let resends = 0;
    for (let attempt = 0; ; attempt++) {
      const { signal, onKeepalive, meanwhile } = options;
      if (signal.aborted) throw cancelled(signal.reason);
      const idle = this.#timing.idle;
      const request = { deadline, idle, signal, onKeepalive, meanwhile };
      const { outcome, waitedForPerson } = await this.#once(this.#cid, command, payload, request);
      switch (outcome.kind) {
        case 'reply':
          return outcome.payload;
        case 'error':
          if (outcome.error === CTAPHID_ERR.CHANNEL_BUSY) {
            await this.#pause(attempt, deadline, signal);
            continue;
          }
          // Another program's packets in the middle of ours can make the device give our message up (§11.2.5).
          if (outcome.error === CTAPHID_ERR.MSG_TIMEOUT || outcome.error === CTAPHID_ERR.INVALID_SEQ) {
            if (resends++ < MAX_RESENDS) continue;
          }
          throw channelError(outcome.error);
        case 'broken':
          this.#inDoubt = true;
          throw outcome.cause;
        case 'aborted':
          await this.#cancel(command);
          throw cancelled(signal.reason);
        case 'silent':
          await this.#cancel(command);
          throw silentDevice('did not answer', false);
        case 'deadline':
          await this.#cancel(command);
          throw silentDevice('did not finish', waitedForPerson);
      }
    }
  }

  /** §11.2.9.1.5: CANCEL has no answer of its own; what was cancelled is answered, with 2D or with what it came to. */
  async #cancel(command: number): Promise<void> {
    this.#inDoubt = true;
    if (command !== CTAPHID.CBOR && command !== CTAPHID.MSG) return;
    const exchange = new Exchange({
      clock: this.#clock,
      command,
      deadline: this.#deadline(this.#timing.drain),
      idle: this.#timing.drain,
      signal: null,
    });
    this.#exchange = exchange;
    try {
      await this.#write(this.#reportsOf(this.#cid, CTAPHID.CANCEL, new Uint8Array(0)), exchange);
    } catch (cause) {
      exchange.settle({ kind: 'broken', cause });
    }
    const outcome = await exchange.outcome;
    this.#exchange = null;
    if (outcome.kind === 'reply') this.#inDoubt = false;
  }

  async #pause(attempt: number, deadline: MonotonicMs, signal: AbortSignal): Promise<void> {
    const most = Math.min(this.#timing.busyMost, this.#timing.busyFirst * 2 ** Math.min(attempt, 10));
    // Jitter, so that two programs that met once do not meet again.
    const [random = 0] = this.#entropy.bytes(1);
    const pause = milliseconds((most * (256 + random)) / 512);
    if (this.#clock.now() + pause >= deadline) throw channelBusy();
    try {
      await this.#clock.sleep(pause, { signal });
    } catch (reason) {
      throw cancelled(reason);
    }
  }

  /** On the broadcast channel: allocates (§11.2.9.1.3). On the own channel: makes both sides forget what was pending. */
  async #initialize(cid: number, deadline: MonotonicMs, signal: AbortSignal): Promise<void> {
    const nonce = this.#entropy.bytes(INIT_NONCE_LENGTH);
    const accepts = (payload: Uint8Array) => bytesEqual(payload.subarray(0, INIT_NONCE_LENGTH), nonce);
    const idle = milliseconds(this.#timing.init / 3);
    for (let attempt = 0; ; attempt++) {
      const { outcome } = await this.#once(cid, CTAPHID.INIT, nonce, { deadline, idle, signal, accepts });
      if (outcome.kind === 'reply') {
        this.#adopt(cid, outcome.payload);
        return;
      }
      if (outcome.kind === 'broken') throw outcome.cause;
      if (outcome.kind === 'aborted') throw cancelled(signal.reason);
      if (outcome.kind === 'deadline') throw silentDevice('did not answer CTAPHID_INIT', false);
      // An error on the broadcast channel may be meant for another program, and silence may be a lost packet: again.
      if (outcome.kind !== 'error') continue;
      if (cid !== BROADCAST_CID && outcome.error !== CTAPHID_ERR.CHANNEL_BUSY) throw channelError(outcome.error);
      await this.#pause(attempt, deadline, signal);
    }
  }

  #adopt(asked: number, payload: Uint8Array): void {
    const fail = (reason: string) => new UnlockdError('ERR_CTAP_MALFORMED_RESPONSE', `CTAPHID_INIT: ${reason}`);
    if (payload.length < INIT_RESPONSE_LENGTH) throw fail(`${payload.length} bytes`);
    const reader = new ByteReader(payload, fail);
    reader.bytes(INIT_NONCE_LENGTH);
    const cid = reader.u32();
    if (cid === RESERVED_CID || cid === BROADCAST_CID) throw fail('a reserved channel id');
    if (asked !== BROADCAST_CID && cid !== asked) throw fail('another channel than the one that was resynchronised');
    this.#info = {
      protocolVersion: reader.u8(),
      deviceVersion: [reader.u8(), reader.u8(), reader.u8()],
      capabilities: reader.u8(),
    };
    this.#cid = cid;
    this.#reassembler = new Reassembler({
      role: 'host',
      channel: cid,
      reportSize: this.#connection.reportSize.input,
    });
    this.#inDoubt = false;
  }
}
