/** The signals that one decision is made of, held fast: whoever made the map may go on changing it. */
import type { FactorSignal, SignalKind } from '../../drivers/signal.ts';

/** The freshest signal of each kind. */
export type Snapshot = ReadonlyMap<SignalKind, FactorSignal>;

export type SignalSource = Pick<Snapshot, 'get'>;

/** One signal of each kind. */
export type SignalRecord = Readonly<Record<SignalKind, FactorSignal | undefined>>;

/** A copy of which nobody has the original. */
export class HeldSnapshot implements SignalSource {
  readonly #signals: SignalRecord;

  /** Field by field, which is made for every change and quicker than a spread. */
  constructor({ pin, securityKey, fingerprint, face, bluetooth, ipConfig, wifi }: SignalRecord) {
    this.#signals = { pin, securityKey, fingerprint, face, bluetooth, ipConfig, wifi };
  }

  static of(source: SignalSource): HeldSnapshot {
    return new HeldSnapshot({
      pin: source.get('pin'),
      securityKey: source.get('securityKey'),
      fingerprint: source.get('fingerprint'),
      face: source.get('face'),
      bluetooth: source.get('bluetooth'),
      ipConfig: source.get('ipConfig'),
      wifi: source.get('wifi'),
    });
  }

  get(kind: SignalKind): FactorSignal | undefined {
    return this.#signals[kind];
  }
}
