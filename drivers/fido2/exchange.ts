/**
 * The wait for one answer on a CTAPHID channel (CTAP 2.1 §11.2.5): what arrives, silence, the deadline and an abort
 * all settle it, whichever is first. It is driven by calls and holds no queue, so a flood of packets costs no memory.
 */
import { type Milliseconds, type MonotonicMs, milliseconds } from '../base/brand.ts';
import type { Clock } from '../base/clock.ts';
import type { KeepaliveStatus } from './keepalive.ts';
import { CTAPHID, type CtapHidMessage, KEEPALIVE } from './wire/ctaphid.ts';

export type Outcome =
  | { readonly kind: 'reply'; readonly payload: Uint8Array }
  /** CTAPHID_ERROR with its byte. */
  | { readonly kind: 'error'; readonly error: number }
  /** Nothing came within the idle limit. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'deadline' }
  | { readonly kind: 'aborted' }
  /** The connection or the framing broke. */
  | { readonly kind: 'broken'; readonly cause: unknown };

export interface ExchangeOptions {
  readonly clock: Clock;
  readonly command: number;
  readonly deadline: MonotonicMs;
  readonly idle: Milliseconds;
  readonly signal: AbortSignal | null;
  /** Called when the status differs from the last one. */
  readonly onKeepalive?: ((status: KeepaliveStatus) => void) | undefined;
  /** The answer is only taken if this agrees (a nonce); others are ignored. */
  readonly accepts?: (payload: Uint8Array) => boolean;
}

const statusOf = (byte: number): KeepaliveStatus => {
  if (byte === KEEPALIVE.PROCESSING) return 'processing';
  return byte === KEEPALIVE.UPNEEDED ? 'user-presence-needed' : `unknown-${byte}`;
};

export class Exchange {
  readonly outcome: Promise<Outcome>;
  readonly #options: ExchangeOptions;
  #resolve: (outcome: Outcome) => void = () => undefined;
  #settled = false;
  #silentAt = 0;
  #watched = false;
  #stopIdle: () => void = () => undefined;
  readonly #stopDeadline: () => void;
  #lastStatus: KeepaliveStatus | null = null;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.outcome = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    const left = milliseconds(Math.max(0, options.deadline - options.clock.now()));
    this.#stopDeadline = options.clock.timer(left, () => this.settle({ kind: 'deadline' }));
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (options.signal?.aborted) this.#onAbort();
  }

  readonly #onAbort = () => this.settle({ kind: 'aborted' });

  /** The last keep-alive was a wait for a person. */
  get waitsForPerson(): boolean {
    return this.#lastStatus === 'user-presence-needed';
  }

  /**
   * Starts, or starts again, the idle limit: after the request was sent, and after each sign of life. A timer for every
   * report would cost more than the report: the one that runs looks when it fires how long the silence has been.
   */
  rearm(): void {
    if (this.#settled) return;
    const { clock, idle } = this.#options;
    this.#silentAt = clock.now() + idle;
    if (!this.#watched) this.#watch(idle);
  }

  #watch(span: Milliseconds): void {
    this.#watched = true;
    this.#stopIdle = this.#options.clock.timer(span, () => {
      const left = this.#silentAt - this.#options.clock.now();
      if (left <= 0) this.settle({ kind: 'silent' });
      else this.#watch(milliseconds(left));
    });
  }

  /** Packets of an unfinished message are a sign of life too. */
  progress(): void {
    this.rearm();
  }

  deliver(message: CtapHidMessage): void {
    if (this.#settled) return;
    if (message.command === CTAPHID.KEEPALIVE) {
      this.#keepalive(message.payload[0] ?? 0);
    } else if (message.command === CTAPHID.ERROR) {
      this.settle({ kind: 'error', error: message.payload[0] ?? 0 });
    } else if (message.command === this.#options.command && (this.#options.accepts?.(message.payload) ?? true)) {
      this.settle({ kind: 'reply', payload: message.payload });
    }
    // Anything else is a late answer to something that was given up; it is no sign that this request is being worked on.
  }

  #keepalive(byte: number): void {
    this.rearm();
    const status = statusOf(byte);
    if (status === this.#lastStatus) return;
    this.#lastStatus = status;
    try {
      this.#options.onKeepalive?.(status);
    } catch (cause) {
      this.settle({ kind: 'broken', cause });
    }
  }

  settle(outcome: Outcome): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#stopIdle();
    this.#stopDeadline();
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#resolve(outcome);
  }
}
