/**
 * What a host says of its interfaces as the observation that the rules are held against, and what two of them have in
 * common. Only interfaces with a device of their own are observed: a bridge, a tunnel or a container's link is wherever
 * this machine wants it to be.
 */
import type { HostInterface, HostIpFamily, IpSnapshot, Sourced } from '../hal/network.ts';
import {
  IP_SOURCED_FIELDS,
  type IpConfigObservation,
  type IpFamily,
  type IpInterface,
  type IpSourcedField,
} from '../observation.ts';

export interface IpObservationOptions {
  /** `physical`: those with a device of their own; `all`: virtual ones and tunnels too, each with its kind. */
  readonly interfaces: 'physical' | 'all';
}

type FieldOf<F extends IpSourcedField> = F extends `${infer Family}.${infer Field}` ? readonly [Family, Field] : never;
const fieldOf = (field: IpSourcedField) => field.split('.') as unknown as FieldOf<IpSourcedField>;

const familyOf = ({ addresses, gateways, dhcpServers, dnsServers }: HostIpFamily): IpFamily => {
  const listOf = (told: Sourced<readonly string[]> | null) => told?.value ?? null;
  return {
    addresses: listOf(addresses),
    gateways: listOf(gateways),
    dhcpServers: listOf(dhcpServers),
    dnsServers: listOf(dnsServers),
  };
};

function sourcesOf(told: HostInterface): NonNullable<IpInterface['sources']> {
  const sources: Partial<Record<IpSourcedField, string>> = {};
  for (const name of IP_SOURCED_FIELDS) {
    const [family, field] = fieldOf(name);
    const source = told[family][field]?.source;
    if (source !== undefined) sources[name] = source;
  }
  return sources;
}

export function ipObservation(
  { interfaces, primaryDnsSuffix }: IpSnapshot,
  options: IpObservationOptions,
): IpConfigObservation {
  const observed = interfaces.filter(({ physical }) => physical || options.interfaces === 'all');
  return {
    primaryDnsSuffix: primaryDnsSuffix?.value ?? null,
    ...(primaryDnsSuffix === null ? {} : { primaryDnsSuffixSource: primaryDnsSuffix.source }),
    interfaces: observed.map((each) => ({
      name: each.name,
      // One without a device is never taken for one that has, whatever it says of itself.
      kind: each.physical || (each.kind !== 'ethernet' && each.kind !== 'wifi') ? each.kind : 'virtual',
      connected: each.connected,
      ipv4: familyOf(each.ipv4),
      ipv6: familyOf(each.ipv6),
      sources: sourcesOf(each),
    })),
  };
}

type List = readonly string[] | null;
const commonList = (before: List, now: List): List =>
  before === null || now === null ? null : now.filter((each) => before.includes(each));

const commonFamily = (before: IpFamily, now: IpFamily): IpFamily => ({
  addresses: commonList(before.addresses, now.addresses),
  gateways: commonList(before.gateways, now.gateways),
  dhcpServers: commonList(before.dhcpServers, now.dhcpServers),
  dnsServers: commonList(before.dnsServers, now.dnsServers),
});

/** What is so in both. No rule holds on it that does not hold on each: rules ask for what is there, never for what is not. */
export function commonObservation(before: IpConfigObservation, now: IpConfigObservation): IpConfigObservation {
  const { primaryDnsSuffix, primaryDnsSuffixSource, interfaces } = now;
  const same = primaryDnsSuffix === before.primaryDnsSuffix;
  return {
    primaryDnsSuffix: same ? primaryDnsSuffix : null,
    ...(same && primaryDnsSuffixSource !== undefined ? { primaryDnsSuffixSource } : {}),
    interfaces: interfaces.flatMap((each) => {
      const known = before.interfaces.find(({ name, kind }) => name === each.name && kind === each.kind);
      if (known === undefined) return [];
      return [
        {
          ...each,
          connected: known.connected && each.connected,
          ipv4: commonFamily(known.ipv4, each.ipv4),
          ipv6: commonFamily(known.ipv6, each.ipv6),
        },
      ];
    }),
  };
}

/** The order of interfaces and of what a list holds says nothing. */
export function isSameObservation(a: IpConfigObservation, b: IpConfigObservation): boolean {
  return JSON.stringify(ordered(a)) === JSON.stringify(ordered(b));
}

const orderedFamily = (family: IpFamily) =>
  [family.addresses, family.gateways, family.dhcpServers, family.dnsServers].map((list) => list?.toSorted() ?? null);

const ordered = ({ primaryDnsSuffix, primaryDnsSuffixSource, interfaces }: IpConfigObservation) => [
  primaryDnsSuffix,
  primaryDnsSuffixSource ?? null,
  interfaces
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, kind, connected, ipv4, ipv6, sources }) => [
      [name, kind, connected, orderedFamily(ipv4), orderedFamily(ipv6)],
      IP_SOURCED_FIELDS.map((field) => sources?.[field] ?? null),
    ]),
];

/** Without a connection no rule holds on it. */
export const isEmptyObservation = ({ interfaces }: IpConfigObservation): boolean =>
  !interfaces.some(({ connected }) => connected);
