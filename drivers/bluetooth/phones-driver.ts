/**
 * The enrolled phones as a factor and as a presence: proved by probes, told with the strength of their links. A phone is
 * paged only while somebody asks (an unlock that waits, a person who watches, dynamic lock in its interval), and one page
 * serves them all. What is heard without a proof starts a probe, and never satisfies anything.
 */
import { type Milliseconds, type MonotonicMs, milliseconds, seconds } from '../base/brand.ts';
import type { Clock } from '../base/clock.ts';
import type { FactorDriver } from '../driver.ts';
import type { BluetoothHal, LinkLevel } from '../hal/bluetooth.ts';
import type { PresenceEvent, PresenceHal, PresencePhone } from '../hal/presence.ts';
import type { FactorSignal } from '../signal.ts';
import type { Asking } from './look-schedule.ts';
import { signalChangesAt, signalOf } from './phone-signal.ts';
import { DEFAULT_PHONE_RULES, type PhoneRules, type ProofTimes } from './phone-track.ts';
import { PhoneWatch } from './phone-watch.ts';
import { PresenceStream } from './presence-stream.ts';

export interface PhonesOptions {
  readonly hal: BluetoothHal;
  readonly clock: Clock;
  /** The enrolled phones as they are now; asked before every look. A rejection is as if Bluetooth had failed. */
  readonly phones: () => Promise<readonly PresencePhone[]>;
  /** What a link has to be for a proof. */
  readonly minLevel?: LinkLevel;
  /** Between two looks at a phone that an unlock waits for. */
  readonly lookEvery?: Milliseconds;
  /** Longest time of one look: a page of a phone that is away takes 5 s. */
  readonly lookWithin?: Milliseconds;
  /** How long a proof counts, at most 10 s. */
  readonly validFor?: Milliseconds;
  /** Between a gain and its being told. */
  readonly settle?: Milliseconds;
  readonly rules?: PhoneRules;
}

/** A proof is good for seconds: longer, and somebody else could stand there. */
const LONGEST_PROOF = seconds(10);

export class Phones {
  readonly kind = 'bluetooth';
  readonly #hal: BluetoothHal;
  readonly #clock: Clock;
  readonly #watch: PhoneWatch;
  readonly #times: ProofTimes;
  readonly #lookEvery: Milliseconds;
  /** For the ledger. */
  readonly driver: FactorDriver;
  /** For dynamic lock. */
  readonly presence: PresenceHal;

  constructor(options: PhonesOptions) {
    const { hal, clock, validFor = seconds(8), settle = milliseconds(300) } = options;
    this.#hal = hal;
    this.#clock = clock;
    this.#lookEvery = options.lookEvery ?? seconds(4);
    this.#times = { validFor: milliseconds(Math.min(validFor, LONGEST_PROOF)), settle };
    this.#watch = new PhoneWatch({
      hal,
      clock,
      phones: options.phones,
      minLevel: options.minLevel ?? 'high',
      lookWithin: options.lookWithin ?? seconds(6),
      rules: options.rules ?? DEFAULT_PHONE_RULES,
      times: this.#times,
    });
    this.driver = {
      kind: 'bluetooth',
      watch: (watching) => this.#signals(watching.signal),
      demand: ({ user, signal }) => this.#demand({ user, every: this.#lookEvery }, signal),
      forget: () => this.#watch.forgetProofs(),
    };
    this.presence = {
      name: hal.name,
      simulated: hal.simulated,
      watch: ({ everyMs, signal }) => this.#presence(milliseconds(everyMs), signal),
      probe: (address) => this.#watch.lookAt(address),
    };
  }

  /** A phone was enrolled, or is no more. */
  changed(): void {
    this.#watch.phonesChanged();
  }

  #demand(asking: Asking, signal: AbortSignal): void {
    if (signal.aborted) return;
    const stop = this.#watch.ask(asking);
    signal.addEventListener('abort', stop, { once: true });
  }

  async *#signals(signal: AbortSignal): AsyncGenerator<FactorSignal, void, undefined> {
    const watch = this.#watch;
    const release = watch.begin();
    try {
      let told = -1;
      let toldAt: MonotonicMs | null = null;
      while (!signal.aborted) {
        const { version } = watch;
        const known = { source: this.#hal.name, simulated: this.#hal.simulated, ...watch.known };
        if (watch.isKnown && told !== version) {
          told = version;
          toldAt = this.#clock.now();
          yield signalOf(known, toldAt, this.#times);
          continue;
        }
        // Since it was told: what settled or ended while nobody took it is news as well.
        const at = toldAt === null ? null : signalChangesAt(known, toldAt, this.#times);
        const changed = await watch.next(version, at, signal);
        if (!changed && at !== null && this.#clock.now() >= at) told = -1;
      }
    } finally {
      await release();
    }
  }

  async *#presence(every: Milliseconds, signal: AbortSignal): AsyncGenerator<PresenceEvent, void, undefined> {
    const release = this.#watch.begin();
    const stream = new PresenceStream(every);
    const stop = this.#watch.ask(stream);
    const unlisten = this.#watch.listen((event) => stream.push(event));
    try {
      yield* stream.events(signal);
    } finally {
      unlisten();
      stop();
      await release();
    }
  }
}
