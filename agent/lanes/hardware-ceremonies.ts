/**
 * Ceremonies of the hardware lane: their events are read as they come, also while somebody is asked for something, so that
 * a touch is seen when the daemon goes on. The PIN of a security key itself is its owner's: a person is asked for it, and
 * the run never learns it.
 */
import { type Deferred, deferred } from '../../drivers/base/deferred.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { printable } from '../../drivers/base/printable.ts';
import type { StartedCeremony } from '../api/client.ts';
import type { CeremonyEvent } from '../api/ports.ts';
import type { Detector } from '../operator/task.ts';
import type { Subject } from '../walkthrough/lane.ts';
import type { HardwareOptions } from './hardware-options.ts';

type Client = Pick<Subject, 'start' | 'supply'>;

/** What a person does that ends with the next event: one that says no more than before is not the end of it. */
const ENDS_NOTHING: ReadonlySet<CeremonyEvent['type']> = new Set(['waiting', 'progress']);

export class Ceremonies {
  readonly #client: Client;
  readonly #readKeyPin: HardwareOptions['readKeyPin'];
  readonly #onEvent: (event: CeremonyEvent) => void;
  /** Settled by the next event that ends something. */
  #next: Deferred<void> = deferred();
  /** That of the event which the run has got last. */
  #after: Promise<void> = this.#next.promise;

  /** @param onEvent told of each event as it comes, before the run is */
  constructor(
    client: Client,
    { readKeyPin, onEvent }: Pick<HardwareOptions, 'readKeyPin'> & { readonly onEvent: (event: CeremonyEvent) => void },
  ) {
    this.#client = client;
    this.#readKeyPin = readKeyPin;
    this.#onEvent = onEvent;
  }

  /** The daemon has gone on after what it waited for. @param what `the key was touched` */
  goesOn(what: string): Detector {
    const promise = this.#after;
    return {
      what,
      until: ({ signal }) =>
        new Promise((resolve, reject) => {
          const onAbort = () => reject(signal.reason);
          if (signal.aborted) onAbort();
          signal.addEventListener('abort', onAbort, { once: true });
          void promise.then(resolve).finally(() => signal.removeEventListener('abort', onAbort));
        }),
    };
  }

  start: Subject['start'] = async (request, options = {}) => {
    const started = await this.#client.start(request, options);
    return { id: started.id, events: this.#eager(started, options.signal) };
  };

  #heard(event: CeremonyEvent | null): void {
    if (event === null || !ENDS_NOTHING.has(event.type)) {
      const { resolve } = this.#next;
      this.#next = deferred();
      resolve();
    }
    if (event !== null) this.#onEvent(event);
  }

  async *#eager({ id, events }: StartedCeremony, signal: AbortSignal | undefined): AsyncGenerator<CeremonyEvent> {
    const come: { readonly event: CeremonyEvent; readonly after: Promise<void> }[] = [];
    let wake = deferred<void>();
    let end: { readonly error: unknown } | null = null;
    const reading = (async () => {
      for await (const event of events) {
        this.#heard(event);
        if (event.type === 'prompt' && event.slot === 'key-pin') await this.#keyPin(id, event.text, signal);
        else come.push({ event, after: this.#next.promise });
        wake.resolve();
      }
    })().then(
      () => {
        end = { error: null };
      },
      (error: unknown) => {
        end = { error };
      },
    );
    void reading.then(() => {
      this.#heard(null);
      wake.resolve();
    });
    try {
      for (;;) {
        const next = come.shift();
        if (next !== undefined) {
          this.#after = next.after;
          yield next.event;
        } else if (end !== null) break;
        else {
          await wake.promise;
          wake = deferred();
        }
      }
    } finally {
      await events.return(undefined).catch(() => undefined);
    }
    const { error } = end as { readonly error: unknown };
    if (error !== null) throw error;
  }

  async #keyPin(id: string, text: string, signal = new AbortController().signal): Promise<void> {
    if (this.#readKeyPin === null) {
      throw new UnlockdError(
        'ERR_OPERATOR_CANNOT',
        'the security key wants its own PIN, and there is no person to ask for it',
        { detail: { reason: 'the security key wants its own PIN' } },
      );
    }
    const pin = await this.#readKeyPin(`${printable(text)}: `, { signal });
    await this.#client.supply(id, 'key-pin', pin, { signal });
  }
}
