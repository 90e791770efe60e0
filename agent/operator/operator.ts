/**
 * The operator seam of hardware: each physical step becomes one task for the hands that there are, with the detector that
 * sees it. Keeps what was moved, so that at the end it can be said how things were before.
 */
import type { MonotonicMs } from '../../drivers/base/brand.ts';
import { isUnlockdError, type UnlockdError } from '../../drivers/base/errors.ts';
import type { HidDeviceInfo } from '../../drivers/hal/hid.ts';
import type { OperatorHal, PhysicalStep } from '../../drivers/hal/operator.ts';
import { type KeySight, keyArrives, keyLeaves, noKeys } from './detectors.ts';
import { type KeyNames, keyWords } from './key-names.ts';
import type { Detector, Doing, Hands } from './task.ts';
import { notByHand, taskText } from './words.ts';

/** What is as it was done until somebody does it otherwise. */
const STAYS: ReadonlySet<PhysicalStep['do']> = new Set(['phone', 'access-point', 'join', 'cable', 'renumber']);

type Asked = { readonly signal: AbortSignal };

export interface OperatorParts {
  readonly hands: Hands;
  readonly keys: KeyNames;
  /** Null: security keys cannot be seen from here. */
  readonly sight: KeySight | null;
  /** What sees a touch, a finger, a phone, a network; null: nothing does. */
  readonly detects: (doing: Doing, options: Asked) => Promise<Detector | null>;
  /** When the step that is under way is given up. */
  readonly endsAt: () => MonotonicMs | null;
  /** Different for every run: the beginning of the ids of its tasks. */
  readonly run: string;
  /** The person, or the machine, ended the run. */
  readonly onAbort: (reason: UnlockdError) => void;
}

export class PhysicalOperator implements OperatorHal {
  readonly #parts: OperatorParts;
  /** The last thing that was done with each, in words. */
  readonly #moved = new Map<string, string>();
  #count = 0;

  constructor(parts: OperatorParts) {
    this.#parts = parts;
  }

  async touch({ signal }: Asked): Promise<void> {
    await this.#do({ do: 'touch' }, await this.#parts.detects({ do: 'touch' }, { signal }), signal);
  }

  async insert(key: string, { signal }: Asked): Promise<void> {
    const { sight, keys, hands } = this.#parts;
    const detector =
      sight === null
        ? null
        : keyArrives(sight, key, {
            takes: (device) => keys.takes(key, device),
            other: (device) => {
              if (!this.#hasName(device)) hands.tell(`  ${keyWords(device)} is not ${keys.words(key)}`);
            },
            found: (device) => keys.plugged(key, device),
          });
    await this.#do({ do: 'insert', key }, detector, signal);
  }

  async remove(key: string, { signal }: Asked): Promise<void> {
    const { sight, keys } = this.#parts;
    const path = keys.path(key);
    await this.#do({ do: 'remove', key }, sight === null || path === null ? null : keyLeaves(sight, key, path), signal);
    keys.unplugged(key);
  }

  /** Before names are given to several keys: none is plugged in. */
  async removeAll({ signal }: Asked): Promise<void> {
    const { sight } = this.#parts;
    await this.#do({ do: 'remove-all' }, sight === null ? null : noKeys(sight), signal);
  }

  async perform(step: PhysicalStep, { signal }: Asked): Promise<string | null> {
    const { hands, detects } = this.#parts;
    const why = hands.kind === 'terminal' || step.do === 'replace-tpm' ? notByHand(step) : null;
    if (why !== null) return why;
    // It is to stay so, and whoever confirmed it by a key would use the keyboard.
    if (step.do === 'keyboard' && hands.kind === 'terminal') {
      hands.tell(`> ${taskText(step, this.#parts.keys)}`);
      return null;
    }
    try {
      await this.#do(step, await detects(step, { signal }), signal);
      const about = 'phone' in step ? step.phone : 'network' in step && step.network !== null ? step.network : '';
      if (STAYS.has(step.do)) this.#moved.set(`${step.do} ${about}`, taskText(step, this.#parts.keys));
      return null;
    } catch (error) {
      if (isUnlockdError(error, 'ERR_OPERATOR_CANNOT')) return String(error.detail.reason ?? error.message);
      throw error;
    }
  }

  /** What was done last with each phone, access point and network, in words. */
  moved(): readonly string[] {
    return [...this.#moved.values()];
  }

  #hasName(device: HidDeviceInfo): boolean {
    return this.#parts.keys.named(device.path) !== null;
  }

  async #do(doing: Doing, detector: Detector | null, signal: AbortSignal): Promise<void> {
    const { hands, keys, run, endsAt, onAbort } = this.#parts;
    const task = { id: `${run}-${++this.#count}`, doing, text: taskText(doing, keys) };
    try {
      await hands.perform(task, detector, { signal, endsAt: endsAt() });
    } catch (error) {
      if (isUnlockdError(error, 'ERR_OPERATOR_ABORTED')) onAbort(error);
      throw error;
    }
  }
}
