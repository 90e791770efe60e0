/**
 * What a lane hands to the runner: who does the physical things (the operator seam of drivers/hal), whom the ceremonies
 * are asked of (the daemon's API), and what starts and stops it. What a lane cannot do is a value that says why.
 */
import type { MonotonicMs } from '../../drivers/base/brand.ts';
import type { OperatorHal } from '../../drivers/hal/operator.ts';
import type { ApiClient } from '../api/client.ts';
import type { SignalChange } from '../api/ports.ts';
import type { Lacks } from './not-here.ts';
import type { Step } from './schema.ts';

/** From the least real to the most real. */
export const LANE_NAMES = ['mock', 'emulator', 'lab', 'hardware'] as const;
export type LaneName = (typeof LANE_NAMES)[number];

export type Subject = Pick<
  ApiClient,
  | 'start'
  | 'supply'
  | 'take'
  | 'cancel'
  | 'status'
  | 'lock'
  | 'signals'
  | 'watchSignals'
  | 'explainPolicy'
  | 'removePhone'
  | 'audit'
>;

/** Root, who sets the machine up and sets its policy. */
export type Owner = Pick<ApiClient, 'start' | 'supply' | 'take' | 'cancel' | 'setPolicy'>;

/** Daemons of the system that a step restarts. */
export type SystemDaemon = 'bluetoothd' | 'NetworkManager';

/** One device of a lane as it described itself. */
export interface LaneDevice {
  readonly kind: 'tpm' | 'security-key' | 'bluetooth' | 'wifi' | 'network' | 'fingerprint' | 'face' | 'session';
  /** What the walkthrough or the machine calls it. */
  readonly name: string;
  /** Simulated: a mock behind the seam; emulated: a model of the device behind the real driver or protocol. */
  readonly nature: 'simulated' | 'emulated' | 'real';
  readonly model: string | null;
  readonly firmware: string | null;
  /** Further words it has about itself, e.g. `aaguid`, `manufacturer`, `adapter`. */
  readonly more: Readonly<Record<string, string>>;
}

/** Where a step stands in its walkthrough, and when it is given up. */
export interface StepAt {
  /** From 0. */
  readonly index: number;
  readonly of: number;
  readonly endsAt: MonotonicMs;
}

export interface Lane {
  readonly name: LaneName;
  readonly operator: OperatorHal;
  readonly subject: Subject;
  /** @returns null when it is done, or why it cannot be done on this lane */
  daemon(what: 'kill' | 'start' | 'restart', options: { signal: AbortSignal }): Promise<string | null>;
  /** Left out: nobody here may act as root. */
  readonly owner?: Owner;
  /** Stops a daemon of the system and starts it. Left out: there is none here. @returns as `daemon` */
  restart?(what: SystemDaemon, options: { signal: AbortSignal }): Promise<string | null>;
  /** The address that a phone of `given.phones` has here; null, and left out: it has none. */
  phoneAddress?(phone: string): string | null;
  /** The thumbprint (SHA-256, hexadecimal) that a root of `given.wifi` has here; null, and left out: it has none. */
  rootThumbprint?(root: string): string | null;
  /** What of the things that are given the lane has nothing of, and why. Left out: it has them all. */
  readonly lacks?: Lacks;
  /** What the lane is made of. Left out: it does not know. */
  devices?(options: { signal: AbortSignal }): Promise<readonly LaneDevice[]>;
  /**
   * What its machine senses, first what is known and then every change until `signal` aborts, without making it look: a run
   * that is watched is the same run. Left out: it cannot tell.
   */
  senses?(options: { signal: AbortSignal }): AsyncIterable<SignalChange>;
  /** Told before a step begins, for a person who carries it out. */
  begins?(step: Step, at: StepAt): void;
  /** Aborts when whoever does the physical things ends the whole run. */
  readonly ended?: AbortSignal;
}
