/**
 * The virtual security keys of a lane by the names that the walkthrough gives them, and the hands that touch, insert and
 * pull them. A touch that is wanted a moment before the key itself waits is given as soon as it does.
 */
import { seconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { VirtualAuthenticator } from '../../hal-mocks/fido2/virtual-authenticator.ts';
import type { LaneDevice } from '../walkthrough/lane.ts';
import type { Walkthrough } from '../walkthrough/schema.ts';

/** How long a key waits for its touch. No person has to get up for it. */
const TOUCH_WITHIN = seconds(3);

export class VirtualKeys {
  readonly #keys: ReadonlyMap<string, VirtualAuthenticator>;
  /** Takes away the touches that were given beforehand. */
  readonly #stops = new Set<() => void>();

  private constructor(keys: ReadonlyMap<string, VirtualAuthenticator>) {
    this.#keys = keys;
  }

  static async of(
    { keys: given }: Walkthrough['given'],
    { clock, entropy }: { readonly clock: Clock; readonly entropy: Entropy },
  ): Promise<VirtualKeys> {
    const [{ PROFILES }, { VirtualAuthenticator: Key }] = await Promise.all([
      import('../../hal-mocks/fido2/profile.ts'),
      import('../../hal-mocks/fido2/virtual-authenticator.ts'),
    ]);
    const keys = new Map<string, VirtualAuthenticator>();
    for (const [name, where] of Object.entries(given)) {
      const key = new Key({ clock, entropy, profile: { ...PROFILES['2.1'], touchTimeout: TOUCH_WITHIN } });
      if (where === 'unplugged') key.remove();
      keys.set(name, key);
    }
    return new VirtualKeys(keys);
  }

  /** In the order of the walkthrough. */
  get all(): readonly VirtualAuthenticator[] {
    return [...this.#keys.values()];
  }

  get names(): readonly string[] {
    return [...this.#keys.keys()];
  }

  /** @throws {ERR_HAL_NOT_FOUND} */
  named(name: string): VirtualAuthenticator {
    const key = this.#keys.get(name);
    if (key === undefined) throw new UnlockdError('ERR_HAL_NOT_FOUND', `there is no key ${name}`);
    return key;
  }

  /** Touches the key that waits, or the one that will. */
  touch(): void {
    for (const key of this.all) {
      if (!key.plugged || key.presence.touch()) continue;
      const stop = key.presence.onWait(() => {
        this.handsOff();
        setImmediate(() => key.presence.touch());
      });
      this.#stops.add(stop);
    }
  }

  /** A touch that was given and that no key has wanted yet is none any more. */
  handsOff(): void {
    for (const stop of this.#stops) stop();
    this.#stops.clear();
  }

  devices(nature: LaneDevice['nature']): readonly LaneDevice[] {
    return [...this.#keys].map(([name, { profile }]) => ({
      kind: 'security-key',
      name,
      nature,
      model: 'Virtual Security Key',
      firmware: null,
      more: { manufacturer: 'unlockd', aaguid: profile.aaguid, versions: profile.versions.join(', ') },
    }));
  }
}
