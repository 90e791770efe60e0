/** A person with security keys, for ceremonies against virtual authenticators: touches, types PINs, plugs keys in. */
import { milliseconds } from '../../../drivers/base/brand.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { type Clock, systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import type {
  InsertRequest,
  KeyPinRequest,
  SecurityKeyCeremony,
  TouchRequest,
} from '../../../drivers/fido2/ceremony.ts';
import { setPin } from '../../../drivers/fido2/client-pin.ts';
import { openKey } from '../../../drivers/fido2/key-session.ts';
import { DeviceStopwatch } from '../../../drivers/fido2/stopwatch.ts';
import type { InProcessHid } from '../../../hal-mocks/fido2/in-process-hid.ts';
import { PROFILES, type ProfileName } from '../../../hal-mocks/fido2/profile.ts';
import { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import { hidOf } from './pipe.ts';

export const secret = (text: string): Secret => Secret.take(utf8(text));

export const key = (profile: ProfileName = '2.1', clock: Clock = systemClock): VirtualAuthenticator =>
  new VirtualAuthenticator({ clock, entropy: systemEntropy, profile: PROFILES[profile] });

export interface Person {
  readonly hid: InProcessHid;
  readonly abort: AbortController;
  readonly touches: TouchRequest[];
  readonly pinRequests: KeyPinRequest[];
  readonly inserts: InsertRequest[];
  /** Typed in order; when they run out, the person gives up. */
  readonly pins: string[];
  /** Touches whatever waits; set to false to leave keys waiting. */
  willing: boolean;
  /** Replaced by a test that has something to do when a key is wanted. */
  whenAsked: (request: InsertRequest) => void;
  whenTouchWanted: (request: TouchRequest) => void;
  readonly ceremony: SecurityKeyCeremony;
}

export class GaveUp extends Error {}

/** @param keys plugged in or not, as they are */
export function person(...keys: readonly VirtualAuthenticator[]): Person {
  const hid = hidOf(...keys);
  const abort = new AbortController();
  for (const one of keys) {
    one.presence.onWait(() => {
      queueMicrotask(() => {
        if (self.willing) one.touch();
      });
    });
  }
  const self: Person = {
    hid,
    abort,
    touches: [],
    pinRequests: [],
    inserts: [],
    pins: [],
    willing: true,
    whenAsked: () => undefined,
    whenTouchWanted: () => undefined,
    ceremony: {
      hid,
      clock: systemClock,
      entropy: systemEntropy,
      signal: abort.signal,
      insertWithin: milliseconds(0),
      requestKeyPin: async (request) => {
        self.pinRequests.push(request);
        const pin = self.pins.shift();
        if (pin === undefined) throw new GaveUp('no more PINs');
        return secret(pin);
      },
      onTouch: (request) => {
        self.touches.push(request);
        self.whenTouchWanted(request);
      },
      onInsert: (request) => {
        self.inserts.push(request);
        self.whenAsked(request);
      },
    },
  };
  return self;
}

/** Gives the only plugged-in key of `someone` its first PIN. */
export async function givePin(someone: Person, pin: string): Promise<void> {
  const { ceremony, hid } = someone;
  const [device] = await hid.list({ signal: ceremony.signal });
  if (device === undefined) throw new Error('no key is plugged in');
  const stopwatch = new DeviceStopwatch(ceremony.clock);
  await using session = await openKey(device, ceremony, { stopwatch, justArrived: false });
  using first = secret(pin);
  await setPin(session.authenticator, first, {
    signal: ceremony.signal,
    entropy: ceremony.entropy,
    protocol: session.info.pinUvAuthProtocols.includes(2) ? 2 : 1,
    minLength: session.info.minPinLength,
  });
}

export const ALICE = { userId: utf8('user-0001'), userName: 'user 1' };
