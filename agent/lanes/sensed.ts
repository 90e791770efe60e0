/**
 * What the daemon of a lane in one process senses, for whoever writes the evidence: it listens to the ledger and asks for
 * nothing, so that a run which is watched is the same run. It goes on over restarts; of a kind the newest is kept.
 */
import type { Clock } from '../../drivers/base/clock.ts';
import { deferred } from '../../drivers/base/deferred.ts';
import type { SignalKind } from '../../drivers/signal.ts';
import type { SignalChange } from '../api/ports.ts';
import { visibleTo } from '../service/signals-view.ts';
import type { LedgerChange, SignalLedger } from '../signals/ledger.ts';

export class Sensed {
  readonly #clock: Clock;
  readonly #uid: number;
  readonly #pending = new Map<SignalKind, LedgerChange>();
  #wake = deferred<void>();

  /** @param uid whose devices are told of */
  constructor(clock: Clock, uid: number) {
    this.#clock = clock;
    this.#uid = uid;
  }

  /** From now on this one is listened to. */
  listenTo(ledger: SignalLedger): void {
    ledger.onChange((change) => {
      const kind = change.type === 'lost' ? change.kind : change.signal.kind;
      this.#pending.delete(kind);
      this.#pending.set(kind, change);
      this.#wake.resolve();
    });
  }

  /** For one listener, until `signal` aborts. */
  async *changes({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<SignalChange> {
    const onAbort = () => this.#wake.resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!signal.aborted) {
        const [next] = this.#pending;
        if (next === undefined) {
          await this.#wake.promise;
          this.#wake = deferred<void>();
          continue;
        }
        const [kind, change] = next;
        this.#pending.delete(kind);
        const now = this.#clock.now();
        if (change.type === 'lost') yield { type: 'lost', now, kind };
        else yield { type: 'signal', now, signal: visibleTo(this.#uid, change.signal) };
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}
