/** The verdict of a policy on what is sensed, with the PIN given: when it turns. */
import { evaluate } from '../../agent/policy/evaluate.ts';
import type { UnlockPolicy } from '../../agent/policy/model.ts';
import type { Sensors } from '../../agent/signals/sensors.ts';
import { milliseconds } from '../../drivers/base/brand.ts';
import { systemClock } from '../../drivers/base/clock.ts';
import { satisfied, USER } from '../support/policy-fixtures.ts';

const WAIT_AT_MOST = 20_000;

export class Verdicts {
  readonly #sensors: Sensors;
  readonly #policy: UnlockPolicy;
  #changed: () => void = () => undefined;

  constructor(sensors: Sensors, policy: UnlockPolicy) {
    this.#sensors = sensors;
    this.#policy = policy;
    sensors.ledger.onChange(() => this.#changed());
  }

  #granted(): boolean {
    const now = systemClock.now();
    const snapshot = new Map([...this.#sensors.ledger.all(), ['pin', satisfied('pin', { observedAt: now })] as const]);
    return (
      evaluate(this.#policy, snapshot, now, { machineSimulated: false, pinIsBound: true, user: USER }).verdict ===
      'granted'
    );
  }

  /** When the verdict came to be so, ms. */
  async until(granted: boolean): Promise<number> {
    const until = systemClock.now() + WAIT_AT_MOST;
    while (systemClock.now() < until) {
      if (this.#granted() === granted) return systemClock.now();
      const woken = new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
      const over = new AbortController();
      const late = systemClock.sleep(milliseconds(WAIT_AT_MOST), { signal: over.signal }).catch(() => undefined);
      await Promise.race([woken, late]);
      over.abort();
    }
    throw new Error(`what was sensed was never ${granted ? 'taken' : 'missed'}`);
  }
}
