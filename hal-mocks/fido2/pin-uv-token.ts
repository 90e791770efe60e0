/**
 * The pinUvAuthToken with its state: permissions, the relying party it is bound to, and how long it may be used
 * (CTAP 2.1 §6.5.2.1 and §6.5.5.7). One exists at a time and every power-up makes it worthless.
 */
import { type MonotonicMs, seconds } from '../../drivers/base/brand.ts';
import { bytesEqual } from '../../drivers/base/bytes.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import { PERMISSION } from '../../drivers/fido2/wire/constants.ts';
import { rpIdHashOf } from './credential.ts';

/** §6.5.2.1: for USB, until it is used for the first time, and in all. */
const INITIAL_USAGE = seconds(30);
const MAX_USAGE = seconds(600);
/** §6.5.2.1: the user present time limit. */
const PRESENT_FOR = seconds(19);
const LENGTH = 32;

interface Use {
  readonly protocol: number;
  readonly begun: MonotonicMs;
  permissions: number;
  rpId: string | null;
  used: boolean;
  /** The finger that the token was given for is still good for one test of presence. */
  present: boolean;
}

export class PinUvAuthToken {
  readonly #clock: Clock;
  readonly #entropy: Entropy;
  #bytes: Uint8Array;
  #use: Use | null = null;

  constructor(clock: Clock, entropy: Entropy) {
    this.#clock = clock;
    this.#entropy = entropy;
    this.#bytes = entropy.bytes(LENGTH);
  }

  /** resetPinUvAuthToken: other bytes, and nothing that was granted remains. */
  reset(): void {
    this.#bytes.fill(0);
    this.#bytes = this.#entropy.bytes(LENGTH);
    this.#use = null;
  }

  /** beginUsingPinUvAuthToken after a reset. Returns the bytes to hand out. */
  begin(grant: { protocol: number; permissions: number; rpId: string | null; present?: boolean }): Uint8Array {
    this.reset();
    this.#use = { ...grant, present: grant.present ?? false, begun: this.#clock.now(), used: false };
    return this.#bytes;
  }

  /** The key for `verify` under this protocol, or null when no token is in use there. */
  keyFor(protocol: number): Uint8Array | null {
    const use = this.#use;
    if (use === null || use.protocol !== protocol) return null;
    const age = this.#clock.now() - use.begun;
    if (age >= MAX_USAGE || (!use.used && age >= INITIAL_USAGE)) {
      this.reset();
      return null;
    }
    return this.#bytes;
  }

  /** Whether the token permits `permission` for this relying party; binds an unbound token to it. */
  permits(permission: number, rpId: string): boolean {
    const use = this.#use;
    if (use === null || (use.permissions & permission) === 0) return false;
    if (use.rpId !== null && use.rpId !== rpId) return false;
    use.rpId = rpId;
    use.used = true;
    return true;
  }

  /**
   * Whether the token permits managing the authenticator; one that is bound to a relying party, only what is about that.
   * @param rpIdHash null: about all of them
   */
  permitsManaging(permission: number, rpIdHash: Uint8Array | null): boolean {
    const use = this.#use;
    if (use === null || (use.permissions & permission) === 0) return false;
    if (use.rpId !== null && (rpIdHash === null || !bytesEqual(rpIdHashOf(use.rpId), rpIdHash))) return false;
    use.used = true;
    return true;
  }

  /** getUserPresentFlagValue and clearUserPresentFlag: good once, for {@link PRESENT_FOR}. */
  takePresence(): boolean {
    const use = this.#use;
    if (use === null) return false;
    const { present } = use;
    use.present = false;
    return present && this.#clock.now() - use.begun < PRESENT_FOR;
  }

  /** clearPinUvAuthTokenPermissionsExceptLbw: after user presence was taken for a ceremony. */
  spend(): void {
    if (this.#use) this.#use.permissions &= PERMISSION.lbw;
  }
}
