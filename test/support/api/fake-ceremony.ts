/** A ceremony of the agent in memory: a log that late listeners get from the first, and slots for secrets both ways. */
import { randomBytes } from 'node:crypto';
import type {
  Ceremony,
  CeremonyEvent,
  CeremonyRequest,
  SecretSlotIn,
  SecretSlotOut,
} from '../../../agent/api/ports.ts';
import { toRefusal } from '../../../agent/api/refusal.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { Secret } from '../../../drivers/base/secret.ts';

/** Wakes whoever waits for something to change. */
export class Bell {
  #wake: (() => void)[] = [];

  ring(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }

  wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#wake.push(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}

export class FakeCeremony implements Ceremony {
  readonly id: string;
  readonly kind: CeremonyRequest['kind'];
  readonly uid: number;
  cancelled = false;
  readonly #log: CeremonyEvent[] = [];
  readonly #bell = new Bell();
  readonly #out = new Map<SecretSlotOut, Secret>();
  readonly #stop = new AbortController();
  #wanted: { slot: SecretSlotIn; give: (secret: Secret) => void } | null = null;
  #ended = false;

  constructor(uid: number, kind: CeremonyRequest['kind']) {
    this.id = randomBytes(12).toString('hex');
    this.uid = uid;
    this.kind = kind;
  }

  emit(event: CeremonyEvent): void {
    if (this.#ended) return;
    if (event.type === 'done' || event.type === 'failed') this.#ended = true;
    this.#log.push(event);
    this.#bell.ring();
  }

  handOut(slot: SecretSlotOut, text: string, value: Uint8Array): void {
    this.#out.set(slot, Secret.copyOf(value));
    this.emit({ type: 'secret', slot, text });
  }

  /** Waits until the secret is there; rejects when the ceremony is cancelled. */
  ask(slot: SecretSlotIn, text: string, triesLeft: number | null, groups?: readonly number[]): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#stop.signal.addEventListener('abort', () => reject(this.#stop.signal.reason), { once: true });
      if (this.#stop.signal.aborted) reject(this.#stop.signal.reason);
      this.#wanted = {
        slot,
        give: (secret) => {
          resolve(Buffer.from(secret.expose()).toString('utf8'));
          secret.dispose();
        },
      };
      this.emit({ type: 'prompt', slot, text, triesLeft, ...(groups === undefined ? {} : { groups }) });
    });
  }

  fail(error: unknown): void {
    const reasons = [{ depth: 0, ok: false, text: 'the PIN is missing' }];
    this.emit({ type: 'failed', refusal: toRefusal(error), reasons });
  }

  async *events({ signal }: { signal: AbortSignal }): AsyncGenerator<CeremonyEvent> {
    for (let at = 0; ; at++) {
      while (at >= this.#log.length) {
        if (signal.aborted || this.#ended) return;
        await this.#bell.wait(signal);
      }
      const event = this.#log[at];
      if (event === undefined) return;
      yield event;
      if (event.type === 'done' || event.type === 'failed') return;
    }
  }

  supply(slot: SecretSlotIn, secret: Secret): void {
    if (this.#wanted === null || this.#wanted.slot !== slot) {
      secret.dispose();
      throw new UnlockdError('ERR_API_SLOT_NOT_WANTED', `nothing waits for ${slot}`);
    }
    const { give } = this.#wanted;
    this.#wanted = null;
    give(secret);
  }

  take(slot: SecretSlotOut): Secret {
    const secret = this.#out.get(slot);
    if (secret === undefined) throw new UnlockdError('ERR_API_SLOT_EMPTY', `nothing is in ${slot}`);
    this.#out.delete(slot);
    return secret;
  }

  cancel(): void {
    if (this.#ended) return;
    this.cancelled = true;
    this.#stop.abort(new UnlockdError('ERR_API_CEREMONY_CANCELLED', 'the ceremony was cancelled'));
  }
}
