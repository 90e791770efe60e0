/**
 * What is known of the surroundings at one moment, read once for all rules: a view of each kind that the conditions are
 * held against. What is not of the right shape is no view, and nothing matches it.
 */
import type { Observations, WifiAssociation } from '../../drivers/observation.ts';
import type { FactorSignal, SurroundingKind } from '../../drivers/signal.ts';
import { bluetoothView, type NearbyDevice } from './match/bluetooth.ts';
import type { View } from './match/check.ts';
import { type CountedInterface, ipConfigView } from './match/ip-config.ts';
import { isObservationOf } from './match/well-formed.ts';
import { wifiView } from './match/wifi.ts';
import type { Matching } from './model.ts';
import type { SignalSource } from './snapshot.ts';

/** Null: nothing well-formed was observed. */
export interface Views {
  readonly bluetooth: View<NearbyDevice> | null;
  readonly ipConfig: View<CountedInterface> | null;
  readonly wifi: View<WifiAssociation> | null;
}

export interface ViewOptions {
  readonly matching: Matching;
  /** Numeric id of whoever unlocks; null: unknown, so no phone is his. */
  readonly user: number | null;
}

/** What a signal has observed, if it is one of that kind and well-formed. */
export function observationOf<K extends SurroundingKind>(
  kind: K,
  signal: FactorSignal | null | undefined,
): Observations[K] | null {
  if (signal?.kind !== kind || signal.state !== 'observed') return null;
  return isObservationOf(kind, signal.observation) ? signal.observation : null;
}

/** The views of one snapshot, each made when it is first asked for. */
export class Surroundings implements Views {
  readonly #signals: SignalSource;
  readonly #options: ViewOptions;
  #bluetooth: Views['bluetooth'] | undefined;
  #ipConfig: Views['ipConfig'] | undefined;
  #wifi: Views['wifi'] | undefined;

  constructor(signals: SignalSource, options: ViewOptions) {
    this.#signals = signals;
    this.#options = options;
  }

  get bluetooth(): Views['bluetooth'] {
    if (this.#bluetooth === undefined) {
      const seen = observationOf('bluetooth', this.#signals.get('bluetooth'));
      this.#bluetooth = seen === null ? null : bluetoothView(seen, this.#options.user);
    }
    return this.#bluetooth;
  }

  get ipConfig(): Views['ipConfig'] {
    if (this.#ipConfig === undefined) {
      const seen = observationOf('ipConfig', this.#signals.get('ipConfig'));
      this.#ipConfig = seen === null ? null : ipConfigView(seen, this.#options.matching);
    }
    return this.#ipConfig;
  }

  get wifi(): Views['wifi'] {
    if (this.#wifi === undefined) {
      const seen = observationOf('wifi', this.#signals.get('wifi'));
      this.#wifi = seen === null ? null : wifiView(seen);
    }
    return this.#wifi;
  }
}
