/**
 * The Wi-Fi driver: reads the host when it tells of a change and from time to time, and makes observations of it. A loss
 * is told at once, a gain when it has stood for the settling time; a host that cannot be asked is `unavailable` at once.
 */
import { type Milliseconds, type MonotonicMs, milliseconds, seconds } from '../base/brand.ts';
import type { Clock } from '../base/clock.ts';
import { isUnlockdError } from '../base/errors.ts';
import type { FactorDriver } from '../driver.ts';
import type { NetworkEvent, WifiHal, WifiSnapshot } from '../hal/network.ts';
import type { WifiObservation } from '../observation.ts';
import type { SurroundingSignal, UnavailableReason } from '../signal.ts';
import { commonOf, linkWords, observationOf, sameButQuality, sameObservation } from './observe.ts';

export interface WifiDriverOptions {
  readonly clock: Clock;
  /** How long a gain has to stand; 300 ms. */
  readonly settle?: Milliseconds;
  /** How long an observation may count; 30 s. */
  readonly validFor?: Milliseconds;
  /** After which time without an event it is read again; 12 s. */
  readonly refresh?: Milliseconds;
}

const SETTLE = milliseconds(300);
const VALID_FOR = seconds(30);
const REFRESH = seconds(12);

type Outage = Extract<NetworkEvent, { type: 'unavailable' }>['reason'] | 'no-device' | 'weak';

const OUTAGES: Readonly<Record<Outage, UnavailableReason>> = {
  'no-driver': 'no-driver',
  'no-permission': 'no-permission',
  'daemon-gone': 'failed',
  failed: 'failed',
  'no-device': 'no-device',
  weak: 'unsupported',
};

const WORDS: Readonly<Partial<Record<Outage, string>>> = {
  'no-driver': 'neither NetworkManager nor wpa_supplicant is there',
  'daemon-gone': 'the service behind it has gone',
};

const outageOf = (error: unknown): Outage => {
  if (isUnlockdError(error, 'ERR_HAL_PERMISSION')) return 'no-permission';
  return isUnlockdError(error, 'ERR_HAL_NOT_FOUND') ? 'no-driver' : 'failed';
};

/** What has come in since it was last looked at. */
interface Pending {
  outage: Outage | null;
  /** Something may have changed. */
  look: boolean;
  ended: boolean;
}

class WifiWatch {
  readonly #hal: WifiHal;
  readonly #options: Required<WifiDriverOptions>;
  readonly #signal: AbortSignal;
  #pending: Pending = { outage: null, look: false, ended: false };
  #wake: () => void = () => undefined;
  /** Aborts a reading that is under way. */
  #reading = new AbortController();
  /** What was told last; null: that nothing is known. */
  #told: WifiObservation | null = null;
  /** More than what was told, and since when it stands. */
  #gain: { readonly observation: WifiObservation; readonly since: MonotonicMs } | null = null;
  /** When to look without being told to; null: never. */
  #lookAt: MonotonicMs | null = null;

  constructor(hal: WifiHal, options: Required<WifiDriverOptions>, signal: AbortSignal) {
    this.#hal = hal;
    this.#options = options;
    this.#signal = signal;
  }

  async *run(): AsyncGenerator<SurroundingSignal, void, undefined> {
    const following = this.#follow();
    try {
      while (!this.#signal.aborted) {
        const { outage, look, ended } = this.#pending;
        this.#pending = { outage: null, look: false, ended };
        if (outage !== null) yield this.#unavailable(outage);
        if (look || this.#isTime()) yield* this.#look();
        else if (outage === null) {
          if (ended) return;
          await this.#rest();
        }
      }
    } finally {
      this.#reading.abort();
      await following;
    }
  }

  async #follow(): Promise<void> {
    try {
      for await (const event of this.#hal.watch({ signal: this.#signal })) this.#note(event);
    } catch {
      this.#note({ type: 'unavailable', reason: 'failed' });
    }
    this.#pending.ended = true;
    this.#wake();
  }

  #note(event: NetworkEvent): void {
    if (event.type === 'unavailable') {
      this.#pending = { ...this.#pending, outage: event.reason, look: false };
      this.#reading.abort();
    } else this.#pending.look = true;
    this.#wake();
  }

  #isTime(): boolean {
    return this.#lookAt !== null && this.#options.clock.now() >= this.#lookAt;
  }

  /** Until something comes in, or it is time to look again. */
  async #rest(): Promise<void> {
    const { clock } = this.#options;
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    const onAbort = () => this.#wake();
    this.#signal.addEventListener('abort', onAbort, { once: true });
    const span = this.#lookAt === null ? null : milliseconds(Math.max(0, this.#lookAt - clock.now()));
    const stop = span === null ? () => undefined : clock.timer(span, () => this.#wake());
    await woken;
    stop();
    this.#signal.removeEventListener('abort', onAbort);
    this.#wake = () => undefined;
  }

  async *#look(): AsyncGenerator<SurroundingSignal, void, undefined> {
    this.#reading = new AbortController();
    const signal = AbortSignal.any([this.#signal, this.#reading.signal]);
    let snapshot: WifiSnapshot;
    try {
      snapshot = await this.#hal.read({ signal });
    } catch (error) {
      // Whoever stopped it has something to say by itself.
      if (signal.aborted) return;
      yield this.#unavailable(outageOf(error), error instanceof Error ? error.message : undefined);
      this.#lookAgainAfter(this.#options.refresh);
      return;
    }
    // An outage that came in with the answer is told instead of it.
    if (signal.aborted) return;
    const weak = snapshot.links.filter((link) => link.weak);
    if (!snapshot.present) yield this.#unavailable('no-device', 'this machine has no Wi-Fi interface');
    else if (weak.length > 0 && weak.length === snapshot.links.length) {
      yield this.#unavailable('weak', `only ${weak[0]?.source} answers, which is not relied on: ${linkWords(weak)}`);
    } else yield this.#judge(snapshot);
  }

  #judge(snapshot: WifiSnapshot): SurroundingSignal {
    const { clock, settle, refresh } = this.#options;
    const now = observationOf(snapshot);
    const floor = this.#told === null ? { associations: [] } : commonOf(this.#told, now);
    if (sameObservation(floor, now)) {
      this.#gain = null;
    } else if (this.#gain === null || !sameButQuality(this.#gain.observation, now)) {
      this.#gain = { observation: now, since: clock.now() };
    }
    const waits = this.#gain === null ? 0 : this.#gain.since + settle - clock.now();
    const settled = waits <= 0;
    this.#told = settled ? now : floor;
    if (settled) this.#gain = null;
    this.#lookAgainAfter(settled ? refresh : milliseconds(waits));
    return { ...this.#base(snapshot), state: 'observed', observation: this.#told };
  }

  #lookAgainAfter(span: Milliseconds): void {
    this.#lookAt = (this.#options.clock.now() + span) as MonotonicMs;
  }

  #base(snapshot: WifiSnapshot | null) {
    const sources = [...new Set(snapshot?.links.map((link) => link.source) ?? [])];
    return {
      kind: 'wifi' as const,
      source: sources.length > 0 ? sources.join(', ') : this.#hal.name,
      observedAt: snapshot?.at ?? this.#options.clock.now(),
      validFor: this.#options.validFor,
      simulated: this.#hal.simulated,
    };
  }

  #unavailable(outage: Outage, detail: string | undefined = WORDS[outage]): SurroundingSignal {
    this.#told = null;
    this.#gain = null;
    this.#lookAt = null;
    const reason = OUTAGES[outage];
    return { ...this.#base(null), state: 'unavailable', reason, ...(detail === undefined ? {} : { detail }) };
  }
}

/** The driver of the Wi-Fi over a host. */
export function wifiDriver(hal: WifiHal, options: WifiDriverOptions): FactorDriver {
  const complete = { settle: SETTLE, validFor: VALID_FOR, refresh: REFRESH, ...options };
  return { kind: 'wifi', watch: ({ signal }) => new WifiWatch(hal, complete, signal).run() };
}
