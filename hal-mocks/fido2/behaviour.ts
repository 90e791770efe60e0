/**
 * The seam where a test makes the virtual authenticator misbehave. A behaviour sees reports, replies and authenticator
 * data on their way and may change, swallow or add to them; ready-made ones are in `behaviours.ts`.
 */
import type { Clock } from '../../drivers/base/clock.ts';
import type { AuthDataParts } from './authenticator-data.ts';
import type { CtapReply } from './commands.ts';

/** What a behaviour may do besides looking. */
export interface BehaviourHost {
  readonly clock: Clock;
  readonly reportSize: number;
  /** Sends reports past all other behaviours. */
  send(reports: readonly Uint8Array[]): void;
  /** Pulls the device out. */
  unplug(): void;
}

export interface Behaviour {
  readonly name: string;
  /** A report of the host. False: the authenticator never sees it. */
  incoming?(report: Uint8Array, host: BehaviourHost): boolean;
  /** The reports of one message of the authenticator; what is returned goes out instead. */
  outgoing?(reports: readonly Uint8Array[], host: BehaviourHost): readonly Uint8Array[];
  /** The answer to a CTAP command before it is encoded. */
  reply?(reply: CtapReply): CtapReply;
  /** The encoded answer: status byte and CBOR. */
  encoded?(bytes: Uint8Array, reply: CtapReply): Uint8Array;
  /** Authenticator data before it is signed: the lie verifies. */
  authData?(parts: AuthDataParts): AuthDataParts;
}
