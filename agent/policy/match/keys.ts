/**
 * What a condition cannot hold without, as keys to look rules up by: of ten thousand offices only those come into
 * question whose gateway, prefix or network name is there. A key is necessary, never sufficient: whatever is found by it
 * is still held against all elements.
 */
import { ssidBytes } from '../../../drivers/base/ssid.ts';
import type { Matching } from '../model.ts';
import type { IpConfigCondition, SignalCondition } from '../rules.ts';
import type { Views } from '../surroundings.ts';
import { type Address, readAddress, readPrefix } from './address.ts';
import { plainName } from './ip-config.ts';

const FAMILIES = ['ipv4', 'ipv6'] as const;

/** The longest DNS name (RFC 1035 §2.3.4) in text. */
const MAX_NAME = 253;

const addressKey = (element: string, text: string): string[] | null => {
  const address = readAddress(text);
  return address === null ? null : [`${element} ${address.text}`];
};

const maskedKey = (bytes: readonly number[], bits: number): string => {
  const masked = bytes.map((byte, i) => byte & (0xff00 >> Math.max(0, Math.min(8, bits - i * 8))) & 0xff);
  return `prefix/${bits} ${masked.join('.')}`;
};

function prefixKey(text: string): string[] | null {
  const prefix = readPrefix(text);
  return prefix === null ? null : [maskedKey(prefix.bytes, prefix.bits)];
}

/** Where `any` of several is enough, one key for each; where all are needed, the first will do. */
const oneOf = (keys: readonly (readonly string[] | null)[], repeated: Matching['repeated']): string[] | null => {
  const counted = repeated === 'any' ? keys : keys.slice(0, 1);
  return counted.length === 0 || counted.some((key) => key === null) ? null : counted.flatMap((key) => key ?? []);
};

function ipConfigKeys(condition: IpConfigCondition, { repeated, dnsSuffix }: Matching): readonly string[] | null {
  for (const family of FAMILIES) {
    const gateway = condition[`${family}Gateway`];
    if (gateway !== undefined) return addressKey(`${family}Gateway`, gateway);
    const prefix = condition[`${family}Prefix`];
    if (prefix !== undefined) return prefixKey(prefix);
    const dhcp = condition[`${family}DhcpServer`];
    if (dhcp !== undefined) return addressKey(`${family}DhcpServer`, dhcp);
    const servers = condition[`${family}DnsServer`];
    if (servers !== undefined) {
      return oneOf(
        servers.map((server) => addressKey(`${family}DnsServer`, server)),
        repeated,
      );
    }
  }
  const suffixes = (condition.dnsSuffix ?? []).map(plainName);
  if (dnsSuffix === 'substring' || suffixes.some(({ length }) => length > MAX_NAME)) return null;
  return oneOf(
    suffixes.map((suffix) => [`dnsSuffix ${suffix}`]),
    repeated,
  );
}

/** Keys of which one has to be there for the condition to hold; null: it may hold anywhere. */
export function keysOf(condition: SignalCondition, matching: Matching): readonly string[] | null {
  switch (condition.type) {
    case 'bluetooth':
      return null;
    case 'ipConfig':
      return ipConfigKeys(condition, matching);
    case 'wifi':
      return [`ssid ${ssidBytes(condition.ssid)}`];
  }
}

/** The lengths of the prefixes among keys, so that an address is only masked to those. */
export const prefixLengthsIn = (keys: Iterable<string>): readonly number[] => [
  ...new Set([...keys].flatMap((key) => (key.startsWith('prefix/') ? [Number.parseInt(key.slice(7), 10)] : []))),
];

/** A name and what follows each of its dots, as far as a rule can name it; from the end, as it may be of any length. */
function tailsOf(name: string): readonly string[] {
  const tails: string[] = [];
  for (let end = name.length; end >= 0; ) {
    const dot = end === 0 ? -1 : name.lastIndexOf('.', end - 1);
    if (name.length - dot - 1 > MAX_NAME) break;
    tails.push(name.slice(dot + 1));
    end = dot;
  }
  return tails;
}

/** Every key of what was observed on the networks. */
export function keysIn({ ipConfig, wifi }: Views, prefixLengths: readonly number[]): ReadonlySet<string> {
  const keys = new Set<string>();
  const add = (element: string, addresses: readonly Address[]) => {
    for (const { text } of addresses) keys.add(`${element} ${text}`);
  };
  for (const { ipv4, ipv6, suffix } of ipConfig?.candidates ?? []) {
    for (const [family, own] of [
      ['ipv4', ipv4],
      ['ipv6', ipv6],
    ] as const) {
      add(`${family}Gateway`, own.gateways.addresses);
      add(`${family}DhcpServer`, own.dhcpServers.addresses);
      add(`${family}DnsServer`, own.dnsServers.addresses);
      for (const { bytes } of own.addresses.addresses) {
        for (const bits of prefixLengths) if (bits <= bytes.length * 8) keys.add(maskedKey(bytes, bits));
      }
    }
    if (suffix !== null) for (const tail of tailsOf(plainName(suffix))) keys.add(`dnsSuffix ${tail}`);
  }
  for (const { ssidHex } of wifi?.candidates ?? []) keys.add(`ssid ${ssidHex}`);
  return keys;
}
