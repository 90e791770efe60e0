/**
 * One ceremony under way: a log of events that late listeners get from the first, secrets that come in when they are
 * asked for and go out once, and an end that comes exactly once. The script of the ceremony is handed in.
 */
import { deferred } from '../../drivers/base/deferred.ts';
import { type ErrorCode, isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import { errorOfScope } from '../../drivers/base/scope-end.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import type { Ceremony, CeremonyEvent, CeremonyKind, ReasonLine, SecretSlotIn, SecretSlotOut } from '../api/ports.ts';
import { toRefusal } from '../api/refusal.ts';
import type { Decision } from '../policy/decision.ts';
import { explain } from '../policy/explain.ts';

/** A refusal that carries its verdict. */
export class Denied extends UnlockdError {
  /** Null: there was none. */
  readonly decision: Decision | null;

  constructor(
    message: string,
    detail: Readonly<Record<string, string | number | boolean | null>>,
    decision: Decision | null,
    code: ErrorCode = 'ERR_POLICY_DENIED',
  ) {
    super(code, message, { detail });
    this.decision = decision;
  }

  get reasons(): readonly ReasonLine[] {
    return this.decision === null ? [] : explain(this.decision);
  }
}

interface Waiting {
  readonly slot: SecretSlotIn;
  readonly resolve: (secret: Secret) => void;
}

export interface AskOptions {
  readonly text: string;
  readonly triesLeft?: number | null;
  readonly groups?: readonly number[];
  /** Takes the question back. */
  readonly signal?: AbortSignal;
}

export class CeremonyRun implements Ceremony {
  readonly id: string;
  readonly kind: CeremonyKind;
  readonly uid: number;
  readonly #log: CeremonyEvent[] = [];
  readonly #out = new Map<SecretSlotOut, Secret>();
  readonly #cancel = new AbortController();
  #waiting: Waiting | null = null;
  #ended = false;
  #wake = deferred<void>();

  constructor(init: { id: string; kind: CeremonyKind; uid: number }) {
    this.id = init.id;
    this.kind = init.kind;
    this.uid = init.uid;
  }

  /** Aborts when the ceremony is cancelled. */
  get signal(): AbortSignal {
    return this.#cancel.signal;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Runs the script to its end. Never rejects: what goes wrong becomes the `failed` event. */
  async run(
    script: (run: CeremonyRun) => Promise<Readonly<Record<string, unknown>>>,
    onError: (error: unknown) => void,
  ): Promise<void> {
    let last: CeremonyEvent;
    try {
      this.#cancel.signal.throwIfAborted();
      last = { type: 'done', result: await script(this) };
    } catch (thrown) {
      onError(thrown);
      const error = errorOfScope(thrown);
      const reasons = error instanceof Denied ? error.reasons : [];
      // What a cancelled step throws by itself says less than that it was cancelled.
      const shown = this.#cancel.signal.aborted && !isUnlockdError(error) ? cancelled() : error;
      last = { type: 'failed', refusal: toRefusal(shown), reasons };
    }
    this.#waiting = null;
    this.#ended = true;
    this.emit(last);
  }

  emit(event: CeremonyEvent): void {
    this.#log.push(event);
    this.#wake.resolve();
    this.#wake = deferred<void>();
  }

  /** Waits for a secret. The caller owns it. @throws the cancellation */
  async ask(slot: SecretSlotIn, options: AskOptions): Promise<Secret> {
    const stop =
      options.signal === undefined ? this.#cancel.signal : AbortSignal.any([this.#cancel.signal, options.signal]);
    stop.throwIfAborted();
    const { promise, resolve, reject } = deferred<Secret>();
    const onAbort = () => reject(cancelled());
    stop.addEventListener('abort', onAbort, { once: true });
    const waiting: Waiting = { slot, resolve };
    this.#waiting = waiting;
    const { text, triesLeft = null, groups } = options;
    this.emit({ type: 'prompt', slot, text, triesLeft, ...(groups === undefined ? {} : { groups }) });
    try {
      return await promise;
    } finally {
      if (this.#waiting === waiting) this.#waiting = null;
      stop.removeEventListener('abort', onAbort);
    }
  }

  /** Tells what was refused, and the ceremony goes on. */
  refused(error: UnlockdError): void {
    this.emit({ type: 'refused', refusal: toRefusal(error) });
  }

  /**
   * Asks until `accept` takes what was given, a few times at most; the secret is disposed after each.
   * @param again which refusals are told and asked again; every other one ends the ceremony
   * @throws the last refusal, and the cancellation
   */
  async askUntil<T>(
    slot: SecretSlotIn,
    options: AskOptions,
    again: { readonly attempts: number; readonly codes: RegExp },
    accept: (given: Secret) => T | Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      using given = await this.ask(slot, options);
      try {
        return await accept(given);
      } catch (error) {
        if (!isUnlockdError(error) || !again.codes.test(error.code) || attempt >= again.attempts) throw error;
        this.refused(error);
      }
    }
  }

  /** Puts a secret out to be taken once; the run owns it until then. @throws the cancellation: nothing is put out */
  offer(slot: SecretSlotOut, secret: Secret, text: string): void {
    if (this.#cancel.signal.aborted) {
      secret.dispose();
      throw cancelled();
    }
    this.#out.get(slot)?.dispose();
    this.#out.set(slot, secret);
    this.emit({ type: 'secret', slot, text });
  }

  supply(slot: SecretSlotIn, secret: Secret): void {
    if (this.#waiting?.slot !== slot) {
      secret.dispose();
      throw new UnlockdError('ERR_API_SLOT_NOT_WANTED', `the ceremony does not wait for ${slot}`);
    }
    const { resolve } = this.#waiting;
    this.#waiting = null;
    resolve(secret);
  }

  take(slot: SecretSlotOut): Secret {
    const secret = this.#out.get(slot);
    if (secret === undefined) throw new UnlockdError('ERR_API_SLOT_EMPTY', `there is no ${slot} to take`);
    this.#out.delete(slot);
    return secret;
  }

  cancel(): void {
    if (!this.#ended) this.#cancel.abort(cancelled());
  }

  /** Drops secrets that nobody took. */
  wipe(): void {
    for (const secret of this.#out.values()) secret.dispose();
    this.#out.clear();
  }

  async *events({ signal }: { signal: AbortSignal }): AsyncIterable<CeremonyEvent> {
    const { promise: aborted, resolve: stop } = deferred<void>();
    const onAbort = () => stop();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      for (let next = 0; !signal.aborted; ) {
        const event = this.#log[next];
        if (event !== undefined) {
          next++;
          yield event;
          if (event.type === 'done' || event.type === 'failed') return;
          continue;
        }
        await Promise.race([this.#wake.promise, aborted]);
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}

const cancelled = (): UnlockdError => new UnlockdError('ERR_API_CEREMONY_CANCELLED', 'the ceremony was cancelled');
