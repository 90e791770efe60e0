/**
 * The device's side of CTAPHID (CTAP 2.1 §11.2): channels, one transaction at a time, BUSY for intruders, time-out of
 * unfinished messages, keep-alives, CANCEL and resynchronisation. It follows the text of the specification where real
 * firmware is lax, so that a client that leans on laxness is found out.
 */
import { milliseconds } from '../../drivers/base/brand.ts';
import { concat, u32 } from '../../drivers/base/bytes.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import {
  BROADCAST_CID,
  CAPABILITY,
  CTAPHID,
  CTAPHID_ERR,
  CTAPHID_PROTOCOL_VERSION,
  type CtapHidMessage,
  cidOf,
  fragment,
  INIT_NONCE_LENGTH,
  KEEPALIVE,
  RESERVED_CID,
  Reassembler,
} from '../../drivers/fido2/wire/ctaphid.ts';

/** §11.2.5.2: how long a message may stay unfinished. */
const MESSAGE_TIMEOUT = milliseconds(500);
/** §11.2.9.1.7: at least every 100 ms. */
const KEEPALIVE_EVERY = milliseconds(100);
/** The channel that was silent longest makes room for a new one. */
const MAX_CHANNELS = 256;
const DEVICE_VERSION = [1, 0, 0] as const;

export interface CtapHidDeviceOptions {
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Bytes of a report. */
  readonly reportSize: number;
  /** Takes the reports of one message. */
  readonly send: (reports: readonly Uint8Array[]) => void;
  /** Answers a CTAPHID_CBOR payload. `waiting` is called when the state of {@link KEEPALIVE} changes. */
  readonly execute: (
    payload: Uint8Array,
    options: { signal: AbortSignal; waiting: (status: number) => void },
  ) => Promise<Uint8Array>;
  /** CTAPHID_WINK: something visible. */
  readonly wink: () => void;
}

interface Transaction {
  readonly cid: number;
  readonly abort: AbortController;
  /** The other side gave it up by CTAPHID_INIT, or power was lost: nothing of it may be sent any more. */
  discarded: boolean;
  status: number;
  stopKeepalive: () => void;
}

export class CtapHidDevice {
  readonly #options: CtapHidDeviceOptions;
  readonly #reassembler: Reassembler;
  /** In the order of their last use. */
  readonly #channels = new Set<number>();
  #transaction: Transaction | null = null;
  #stopTimeout: () => void = () => undefined;

  constructor(options: CtapHidDeviceOptions) {
    this.#options = options;
    this.#reassembler = new Reassembler({ role: 'device', reportSize: options.reportSize });
  }

  /** Takes one output report of the host. Never throws. */
  receive(report: Uint8Array): void {
    const cid = cidOf(report);
    if (cid === null) return;
    const isInitialization = ((report[4] ?? 0) & 0x80) !== 0;
    const command = (report[4] ?? 0) & 0x7f;
    if (!this.#isOpen(cid, isInitialization, command)) return;
    if (this.#transaction !== null && !this.#duringTransaction(this.#transaction, cid, isInitialization, command)) {
      return;
    }
    const result = this.#reassembler.push(report);
    this.#watchUnfinished();
    if (result.kind === 'message') this.#message(result.message);
    else if (result.kind === 'violation') this.#error(result.cid, result.error);
  }

  /** Loses every channel and transaction, as without power. */
  powerOff(): void {
    this.#discard();
    this.#reassembler.reset();
    this.#stopTimeout();
    this.#channels.clear();
  }

  /** §11.2.4: channel 0 is reserved, the broadcast channel takes only INIT, others have to be allocated. */
  #isOpen(cid: number, isInitialization: boolean, command: number): boolean {
    const isInit = isInitialization && command === CTAPHID.INIT;
    const open = cid === BROADCAST_CID ? isInit : cid !== RESERVED_CID && this.#channels.has(cid);
    if (!open && isInitialization) this.#error(cid, CTAPHID_ERR.INVALID_CHANNEL);
    return open;
  }

  /** Whether the report goes on to the reassembler although a transaction is running. */
  #duringTransaction(running: Transaction, cid: number, isInitialization: boolean, command: number): boolean {
    if (!isInitialization) return false;
    const isOwn = cid === running.cid;
    if (command === CTAPHID.CANCEL) {
      if (isOwn) running.abort.abort();
      return false;
    }
    if (isOwn && command === CTAPHID.INIT) {
      this.#discard();
      return true;
    }
    this.#error(cid, CTAPHID_ERR.CHANNEL_BUSY);
    return false;
  }

  #watchUnfinished(): void {
    this.#stopTimeout();
    const { pending } = this.#reassembler;
    if (pending === null) return;
    this.#stopTimeout = this.#options.clock.timer(MESSAGE_TIMEOUT, () => {
      this.#reassembler.reset();
      this.#error(pending.cid, CTAPHID_ERR.MSG_TIMEOUT);
    });
  }

  #message({ cid, command, payload }: CtapHidMessage): void {
    if (cid !== BROADCAST_CID) {
      this.#channels.delete(cid);
      this.#channels.add(cid);
    }
    switch (command) {
      case CTAPHID.INIT:
        this.#init(cid, payload);
        return;
      case CTAPHID.PING:
        this.#reply(cid, CTAPHID.PING, payload);
        return;
      case CTAPHID.WINK:
        if (payload.length !== 0) {
          this.#error(cid, CTAPHID_ERR.INVALID_LEN);
          return;
        }
        this.#options.wink();
        this.#reply(cid, CTAPHID.WINK, payload);
        return;
      case CTAPHID.CANCEL:
        return;
      case CTAPHID.CBOR:
        if (payload.length === 0) this.#error(cid, CTAPHID_ERR.INVALID_LEN);
        else this.#begin(cid, payload);
        return;
      default:
        this.#error(cid, CTAPHID_ERR.INVALID_CMD);
    }
  }

  #init(cid: number, nonce: Uint8Array): void {
    if (nonce.length !== INIT_NONCE_LENGTH) {
      this.#error(cid, CTAPHID_ERR.INVALID_LEN);
      return;
    }
    const channel = cid === BROADCAST_CID ? this.#allocate() : cid;
    const capabilities = CAPABILITY.WINK | CAPABILITY.CBOR | CAPABILITY.NMSG;
    const facts = Uint8Array.of(CTAPHID_PROTOCOL_VERSION, ...DEVICE_VERSION, capabilities);
    this.#reply(cid, CTAPHID.INIT, concat(nonce, u32(channel), facts));
  }

  #allocate(): number {
    let cid: number = RESERVED_CID;
    while (cid === RESERVED_CID || cid === BROADCAST_CID || this.#channels.has(cid)) {
      cid = new DataView(this.#options.entropy.bytes(4).buffer).getUint32(0);
    }
    const [oldest] = this.#channels;
    if (oldest !== undefined && this.#channels.size >= MAX_CHANNELS) this.#channels.delete(oldest);
    this.#channels.add(cid);
    return cid;
  }

  #begin(cid: number, payload: Uint8Array): void {
    const transaction: Transaction = {
      cid,
      abort: new AbortController(),
      discarded: false,
      status: KEEPALIVE.PROCESSING,
      stopKeepalive: () => undefined,
    };
    this.#transaction = transaction;
    this.#keepalive(transaction);
    const waiting = (status: number) => {
      if (transaction.discarded || transaction.status === status) return;
      transaction.status = status;
      transaction.stopKeepalive();
      this.#reply(cid, CTAPHID.KEEPALIVE, Uint8Array.of(status));
      this.#keepalive(transaction);
    };
    this.#options.execute(payload, { signal: transaction.abort.signal, waiting }).then(
      (answer) => this.#finish(transaction, () => this.#reply(cid, CTAPHID.CBOR, answer)),
      () => this.#finish(transaction, () => this.#error(cid, CTAPHID_ERR.OTHER)),
    );
  }

  #keepalive(transaction: Transaction): void {
    transaction.stopKeepalive = this.#options.clock.timer(KEEPALIVE_EVERY, () => {
      this.#reply(transaction.cid, CTAPHID.KEEPALIVE, Uint8Array.of(transaction.status));
      this.#keepalive(transaction);
    });
  }

  #finish(transaction: Transaction, answer: () => void): void {
    if (transaction.discarded) return;
    transaction.stopKeepalive();
    this.#transaction = null;
    answer();
  }

  #discard(): void {
    const transaction = this.#transaction;
    if (transaction === null) return;
    transaction.discarded = true;
    transaction.stopKeepalive();
    transaction.abort.abort();
    this.#transaction = null;
  }

  #reply(cid: number, command: number, payload: Uint8Array): void {
    this.#options.send(fragment(cid, command, payload, this.#options.reportSize));
  }

  #error(cid: number, error: number): void {
    this.#reply(cid, CTAPHID.ERROR, Uint8Array.of(error));
  }
}
