/**
 * Signal rules: the conditions under which the phone or the network counts, after the rule language of Windows Hello
 * multi-factor unlock. Rules are alternatives; within a rule every condition has to hold. Nothing here reads a document
 * (`forms/` does) or compares (`match/` does).
 */
import type { WifiSecurity } from '../../drivers/observation.ts';
import type { FactorKind } from '../../drivers/signal.ts';

/** Left out means Windows' default: class 512 (phone), -10, -10. */
export interface BluetoothCondition {
  readonly type: 'bluetooth';
  /** Major device class, one of {@link MAJOR_DEVICE_CLASSES}; compared with the bits 0x1F00 of the Class of Device. */
  readonly classOfDevice?: number;
  /** dB on the relative scale: at least this strong is near. */
  readonly rssiMin?: number;
  /** dB, 0 or less: weaker than the best since it became near by more than this is gone. */
  readonly rssiMaxDelta?: number;
  /** Beyond Windows: a device that was near stays near until it is weaker than this; at most `rssiMin`. */
  readonly rssiFar?: number;
}

/** Addresses in canonical text; a prefix has its length. Every element that is there has to match. */
export interface IpConfigCondition {
  readonly type: 'ipConfig';
  readonly ipv4Prefix?: string;
  readonly ipv4Gateway?: string;
  readonly ipv4DhcpServer?: string;
  readonly ipv4DnsServer?: readonly string[];
  readonly ipv6Prefix?: string;
  readonly ipv6Gateway?: string;
  readonly ipv6DhcpServer?: string;
  readonly ipv6DnsServer?: readonly string[];
  readonly dnsSuffix?: readonly string[];
}

export interface WifiCondition {
  readonly type: 'wifi';
  /** As text; compared as UTF-8 bytes. */
  readonly ssid: string;
  /** `aa:bb:cc:dd:ee:ff`. */
  readonly bssid?: string;
  readonly security: WifiSecurity;
  /** Thumbprint in lower-case hexadecimal without spaces: 40 digits (SHA-1) or 64 (SHA-256). */
  readonly trustedRootCA?: string;
  /** 0-100: the current quality is at least this. */
  readonly signalQuality?: number;
}

export type SignalCondition = BluetoothCondition | IpConfigCondition | WifiCondition;

export interface SignalRule {
  /** Unique within a policy: letters, digits, `-`, `_`, at most 64. Rules of a Windows policy are `rule-1`, `rule-2`, ... */
  readonly name: string;
  /** At least one. */
  readonly all: readonly SignalCondition[];
}

export const BLUETOOTH_DEFAULTS = Object.freeze({ classOfDevice: 512, rssiMin: -10, rssiMaxDelta: -10 });

/** Bluetooth assigned numbers, major device classes, as the Windows rules number them. */
export const MAJOR_DEVICE_CLASSES: Readonly<Record<number, string>> = {
  0: 'miscellaneous',
  256: 'computer',
  512: 'phone',
  768: 'network access point',
  1024: 'audio or video',
  1280: 'peripheral',
  1536: 'imaging',
  1792: 'wearable',
  2048: 'toy',
  2304: 'health',
  7936: 'uncategorized',
};

/** Which factor a rule serves: one that wants a device near is the phone's, every other one the network's. */
export const factorOfRule = (rule: SignalRule): Extract<FactorKind, 'phone' | 'network'> =>
  rule.all.some(({ type }) => type === 'bluetooth') ? 'phone' : 'network';
