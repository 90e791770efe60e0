/**
 * The Bluetooth seam: what is bonded, a proof that one of the bonded devices is here, and hints that it is worth asking.
 * Only a probe proves anything: it makes a link that needs the bonded key. Name, class, address, connection state and
 * advertisements can be forged by anybody within range.
 */
import type { Milliseconds, MonotonicMs } from '../base/brand.ts';
import type { AnyRssi } from './rssi.ts';

export type Bearer = 'BR/EDR' | 'LE';

/**
 * How the key of a bond was agreed. `authenticated`: with protection against a man in the middle; `unauthenticated`:
 * Just Works; `debug`: a key that the specification prints; `unknown`: the host does not tell, which is never good enough.
 */
export type KeyStrength = 'authenticated' | 'unauthenticated' | 'debug' | 'unknown';

export interface BondedDevice {
  /** Identity address, `aa:bb:cc:dd:ee:ff`. */
  readonly address: string;
  readonly addressType: 'public' | 'random';
  /** What it was bonded over, the better provable one first. */
  readonly bearers: readonly Bearer[];
  /** As the device calls itself; forgeable, cut to 248 characters, may contain anything. */
  readonly name: string | null;
  /** 24-bit Class of Device as the host has it now; rewritten from unauthenticated data: pin it at enrolment. */
  readonly classOfDevice: number | null;
  /** Of the bearer that a probe would use. */
  readonly key: KeyStrength;
  /** Identity resolving key, most significant byte first (16 bytes); null: none, or not readable. Not a secret of ours, but private to its owner: never logged. */
  readonly identityKey: Uint8Array | null;
  /**
   * Tells this bond from every other one with the same address: a digest of its keys, hexadecimal. Whoever pairs anew gets
   * another one. Left out: the host does not let its keys be read.
   */
  readonly bond?: string;
}

/** `medium`: encrypted under the bonded key; `high`: that, and the key has to be an authenticated one. */
export type LinkLevel = 'medium' | 'high';

export type ProbeFailure =
  /** No link: out of range, switched off. */
  | 'unreachable'
  /** Somebody answered at that address and could not prove the bonded key. */
  | 'refused'
  /** The link stands, but its key is weaker than was asked for, or shorter than 16 bytes. */
  | 'weak-link'
  | 'not-bonded'
  | 'radio-off'
  | 'no-permission'
  /** The host cannot probe this bearer. */
  | 'unsupported'
  | 'failed';

export interface Probe {
  readonly at: MonotonicMs;
  readonly bearer: Bearer;
  /** {@link BondedDevice.bond} that it was proved by; left out: the host does not tell, or nothing was proved. */
  readonly bond?: string;
  readonly outcome:
    | {
        readonly proved: true;
        /** As the link itself says after the connection, never as it was asked for. */
        readonly encrypted: true;
        readonly authenticated: boolean;
        /** Bytes, 7-16. */
        readonly keySize: number;
        readonly rssi: AnyRssi | null;
      }
    /** `detail`: for the reason tree, in words. */
    | { readonly proved: false; readonly reason: ProbeFailure; readonly detail: string | null };
}

export type BluetoothEvent =
  /** The host can be asked from now on; what was known before is void. */
  | { readonly type: 'available'; readonly at: MonotonicMs }
  /** Nothing is known of any device until `available`. */
  | {
      readonly type: 'unavailable';
      readonly at: MonotonicMs;
      readonly reason: 'no-adapter' | 'radio-off' | 'daemon-gone' | 'no-permission' | 'no-driver' | 'failed';
    }
  /** The list of bonds, or what it says of one, may have changed: read it again. */
  | { readonly type: 'bonds-changed'; readonly at: MonotonicMs }
  /** Something that looks like this bonded device was heard, or opened or dropped a link: worth a probe, never more. */
  | {
      readonly type: 'hint';
      readonly at: MonotonicMs;
      readonly address: string;
      readonly rssi: AnyRssi | null;
      readonly what: 'advertisement' | 'link-up' | 'link-down';
    };

/**
 * Contract for implementers:
 * - Every answer of `bonded` and `probe` is made at that moment; nothing is remembered from before a restart of the host's daemon.
 * - `probe` never throws for hardware reasons, ends within `within`, and closes what it opened on every path.
 * - An event that did not come from the host's daemon itself is ignored.
 */
export interface BluetoothHal extends AsyncDisposable {
  /** How it names itself in status and reason trees: `BlueZ`, `Windows Bluetooth`, `mock`. */
  readonly name: string;
  readonly simulated: boolean;
  /**
   * Every bonded device, at most 64.
   * @throws {ERR_HAL_NOT_FOUND} no adapter or no daemon
   * @throws {ERR_HAL_DISCONNECTED | ERR_HAL_TIMEOUT | ERR_HAL_PERMISSION | ERR_HAL_IO | ERR_HAL_ANSWER_INVALID}
   */
  bonded(options: { readonly signal: AbortSignal }): Promise<readonly BondedDevice[]>;
  /** Pages the device and proves it. One at a time for each adapter: a second call waits for its turn within its time. */
  probe(
    address: string,
    options: { readonly minLevel: LinkLevel; readonly within: Milliseconds; readonly signal: AbortSignal },
  ): Promise<Probe>;
  /** What happens from now on, until `signal` aborts (then it returns). Begins with `available` or `unavailable`. */
  watch(options: { readonly signal: AbortSignal }): AsyncIterable<BluetoothEvent>;
}
