/**
 * What a ceremony with a security key is given: the host, time, randomness, and the three ways to reach the person
 * (touch, insert, PIN of the key). Shared by enrolment and derivation.
 */
import { type Milliseconds, seconds } from '../base/brand.ts';
import type { Clock } from '../base/clock.ts';
import type { Entropy } from '../base/entropy.ts';
import type { UnlockdError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import type { TraceSink } from '../base/trace.ts';
import type { HidDeviceInfo, HidHal } from '../hal/hid.ts';
import type { ChannelTiming, KeepaliveStatus } from './keepalive.ts';

export const DEFAULT_RP_ID = 'unlockd';

export interface KeyPinRequest {
  /** Until the key blocks its PIN for good; null: it does not say. */
  readonly triesLeft: number | null;
  /** `needed`: the first time. `wrong`: the last one was refused. */
  readonly why: 'needed' | 'wrong';
  readonly device: HidDeviceInfo;
}

export interface TouchRequest {
  readonly device: HidDeviceInfo;
  /** `select`: several keys fit, and the touched one is taken. `verify-user`: the key's own fingerprint reader. */
  readonly why: 'select' | 'verify-user' | 'enrol' | 'confirm';
  /** For `verify-user`: until the reader is blocked; null: the key does not say. */
  readonly triesLeft?: number | null;
}

export interface InsertRequest {
  /** `no-key`: none is plugged in. `wrong-key`: what is plugged in is not it. */
  readonly why: 'no-key' | 'wrong-key';
  /** What is plugged in and does not fit. */
  readonly present: readonly HidDeviceInfo[];
}

export interface SecurityKeyCeremony {
  readonly hid: HidHal;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly signal: AbortSignal;
  /** Relying party id; {@link DEFAULT_RP_ID} unless told. */
  readonly rpId?: string;
  /** The PIN of the key; the ceremony disposes it. Rejecting ends the ceremony with that error. */
  readonly requestKeyPin: (request: KeyPinRequest) => Promise<Secret>;
  /** A key waits for a touch. Once per wait. */
  readonly onTouch: (request: TouchRequest) => void;
  /** The ceremony waits until a key is plugged in. */
  readonly onInsert: (request: InsertRequest) => void;
  /** How long to wait for the right key to be plugged in; zero: not at all. */
  readonly insertWithin?: Milliseconds;
  /** How long a key may wait for a touch; most give up by themselves after 30 s. */
  readonly touchWithin?: Milliseconds;
  readonly timing?: Partial<ChannelTiming>;
  readonly trace?: TraceSink;
}

export const DEFAULT_INSERT_WITHIN = seconds(60);
export const DEFAULT_TOUCH_WITHIN = seconds(45);

/** Turns keep-alives into one `onTouch`. */
export function touchNotice(ceremony: SecurityKeyCeremony, request: TouchRequest): (status: KeepaliveStatus) => void {
  let told = false;
  return (status) => {
    if (status !== 'user-presence-needed' || told) return;
    told = true;
    ceremony.onTouch(request);
  };
}

/** Options of a call that waits for the person. */
export const withTouch = (ceremony: SecurityKeyCeremony, request: TouchRequest) => ({
  signal: ceremony.signal,
  budget: ceremony.touchWithin ?? DEFAULT_TOUCH_WITHIN,
  onKeepalive: touchNotice(ceremony, request),
});

/** How a key is called in messages. */
export const deviceName = (device: HidDeviceInfo): string => {
  const hex = (id: number) => id.toString(16).padStart(4, '0');
  return device.product ?? `security key ${hex(device.vendorId)}:${hex(device.productId)}`;
};

/** Why a key was passed over, kept until it is known whether another one fits. */
export interface Unusable {
  readonly device: HidDeviceInfo;
  readonly error: UnlockdError;
}
