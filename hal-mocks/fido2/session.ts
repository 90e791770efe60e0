/**
 * What the virtual authenticator knows only while it has power (key agreement keys, the token, how often the PIN was
 * wrong since power-up, the assertions still to be fetched), and the context that every command is given.
 */
import type { Milliseconds, MonotonicMs } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import type { CborMap } from '../../drivers/fido2/wire/cbor.ts';
import type { AuthDataParts } from './authenticator-data.ts';
import type { Credential } from './credential.ts';
import type { Sample } from './finger-reader.ts';
import { PinUvAuthProtocol } from './pin-uv-protocol.ts';
import { PinUvAuthToken } from './pin-uv-token.ts';
import type { Profile } from './profile.ts';
import { refusal } from './refusal.ts';
import type { AuthenticatorState } from './state.ts';

/** CTAP 2.1 §6.3: what authenticatorGetNextAssertion goes on with. */
export interface RememberedAssertions {
  readonly left: Credential[];
  /** Makes the response for one more credential. */
  readonly answer: (credential: Credential) => CborMap;
  since: MonotonicMs;
}

/** CTAP 2.1 §6.8: what an enumeration goes on with. */
export interface Enumeration {
  readonly of: 'relying parties' | 'credentials';
  readonly left: (() => CborMap)[];
}

/** CTAP 2.1 §6.7.3: a finger that is being enrolled. */
export interface Enrollment {
  readonly id: Uint8Array;
  /** Samples still wanted. */
  left: number;
  /** Which finger the samples so far are of. */
  finger: string | null;
}

/** CTAP 2.1 §6.10.2: a large-blob array that is being written. */
export interface PendingLargeBlobs {
  readonly length: number;
  written: Uint8Array;
}

export class PowerSession {
  readonly since: MonotonicMs;
  readonly token: PinUvAuthToken;
  readonly #protocols: ReadonlyMap<number, PinUvAuthProtocol>;
  /** Consecutive wrong PINs; at three the PIN is blocked until the next power-up (§6.5.5.6). */
  pinMismatches = 0;
  remembered: RememberedAssertions | null = null;
  enumeration: Enumeration | null = null;
  enrollment: Enrollment | null = null;
  largeBlobs: PendingLargeBlobs | null = null;
  /** The command under way was let in by a finger on the reader, which is presence as well. */
  presentByFinger = false;

  /** @param since when power came; now unless told */
  constructor(profile: Profile, clock: Clock, entropy: Entropy, since: MonotonicMs = clock.now()) {
    this.since = since;
    this.token = new PinUvAuthToken(clock, entropy);
    this.#protocols = new Map(
      profile.pinUvAuthProtocols.map((number) => [number, new PinUvAuthProtocol(number, entropy)]),
    );
  }

  /** @throws {CtapRefusal} CTAP1_ERR_INVALID_PARAMETER when this authenticator does not have the protocol */
  protocol(number: number): PinUvAuthProtocol {
    const protocol = this.#protocols.get(number);
    if (protocol === undefined) throw refusal('CTAP1_ERR_INVALID_PARAMETER');
    return protocol;
  }
}

/** What a command may use. */
export interface CommandContext {
  readonly profile: Profile;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly state: AuthenticatorState;
  readonly session: PowerSession;
  /** Makes what changed in `state` survive a power cycle. */
  save(): void;
  /** Waits for a touch. @throws {CtapRefusal} */
  touch(): Promise<void>;
  /** Waits for a finger on the reader. @returns null: nobody came in time @throws {CtapRefusal} */
  finger(within: Milliseconds): Promise<Sample | null>;
  /** Makes the authenticator forget everything (authenticatorReset). */
  factoryReset(): void;
  /** Lets the behaviours that a test added change authenticator data before it is signed. */
  bend(parts: AuthDataParts): AuthDataParts;
}
