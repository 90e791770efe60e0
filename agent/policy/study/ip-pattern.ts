/** Patterns of `ipConfig` conditions: what they ask of one interface. The DNS suffix is the machine's and stands apart. */
import type { IpFamily, IpInterface } from '../../../drivers/observation.ts';
import { readAddress } from '../match/address.ts';
import type { Matching } from '../model.ts';
import type { IpConfigCondition } from '../rules.ts';
import { addressesOf, type HostRange, hostRange } from './address-range.ts';
import { conditionHolds } from './one-condition.ts';
import { MAX_OPTIONS, type Pattern, PatternSpace } from './pattern.ts';

export interface IpPattern extends Pattern<IpInterface> {
  /** Without `dnsSuffix`; it may be that nothing is left, which every connected interface that counts satisfies. */
  readonly condition: IpConfigCondition;
  readonly repeated: Matching['repeated'];
  readonly interfaceKinds: Matching['interfaceKinds'];
}

/** No condition on addresses asks who unlocks. */
const NOBODY = 0;

const FAMILIES = ['ipv4', 'ipv6'] as const;

/** `ipv4DnsServer 192.0.2.53`, one for each value that stands in the condition. */
export function ipElements(
  condition: IpConfigCondition,
): readonly { readonly element: string; readonly value: string }[] {
  const { type: _type, ...elements } = condition;
  return Object.entries(elements).flatMap(([element, value]) =>
    value === undefined ? [] : [value].flat().map((each) => ({ element, value: each })),
  );
}

/** The condition with that one element. */
export const singleElement = (element: string, value: string): IpConfigCondition => {
  const isList = element.endsWith('DnsServer') || element === 'dnsSuffix';
  return { type: 'ipConfig', [element]: isList ? [value] : value };
};

const textOf = (address: string): string => readAddress(address.split('/', 1)[0] ?? '')?.text ?? address;

type Texts = Readonly<Record<'gateways' | 'dhcpServers' | 'dnsServers', ReadonlySet<string>>>;
const texts = new WeakMap<IpFamily, Texts>();

function textsOf(family: IpFamily): Texts {
  const known = texts.get(family);
  if (known !== undefined) return known;
  const of = (list: readonly string[] | null) => new Set(list?.map(textOf) ?? []);
  const made = {
    gateways: of(family.gateways),
    dhcpServers: of(family.dhcpServers),
    dnsServers: of(family.dnsServers),
  };
  texts.set(family, made);
  return made;
}

/** False: it cannot hold, which is cheap to see; nearly all of thousands of pairs end here. */
function mayHold(condition: IpConfigCondition, repeated: Matching['repeated']): (face: IpInterface) => boolean {
  const wanted = FAMILIES.map((family) => ({
    family,
    gateway: single(condition[`${family}Gateway`])?.map(textOf),
    dhcpServer: single(condition[`${family}DhcpServer`])?.map(textOf),
    servers: condition[`${family}DnsServer`]?.map(textOf),
  }));
  return (face) =>
    wanted.every(({ family, gateway, dhcpServer, servers }) => {
      const { gateways, dhcpServers, dnsServers } = textsOf(face[family]);
      const has = (server: string) => dnsServers.has(server);
      return (
        (gateway?.every((each) => gateways.has(each)) ?? true) &&
        (dhcpServer?.every((each) => dhcpServers.has(each)) ?? true) &&
        (servers === undefined || (repeated === 'any' ? servers.some(has) : servers.every(has)))
      );
    });
}

const single = (value: string | undefined): readonly string[] | null => (value === undefined ? null : [value]);

export function ipPattern(whole: IpConfigCondition, matching: Matching): IpPattern {
  const { dnsSuffix: _suffix, ...condition } = whole;
  const elements = ipElements(condition);
  const isRepeated = FAMILIES.some((family) => (condition[`${family}DnsServer`]?.length ?? 0) > 1);
  const repeated = isRepeated ? matching.repeated : 'all';
  const interfaceKinds = [...matching.interfaceKinds].sort();
  const matches = conditionHolds(condition, { ...matching, repeated, adapters: 'same' }, NOBODY);
  const words = elements.map(({ element, value }) => `${element} ${value}`).sort();
  const may = mayHold(condition, repeated);
  const counts = (face: IpInterface) => face.connected && interfaceKinds.includes(face.kind);
  return {
    key: JSON.stringify([words, repeated, interfaceKinds]),
    words:
      words.length === 0
        ? `a connection over ${interfaceKinds.join(' or ') || 'nothing'}`
        : words.join(repeated === 'any' ? ' or, of equals, ' : ' and '),
    holds: (face) =>
      elements.length === 0 ? counts(face) : may(face) && matches({ interfaces: [face], primaryDnsSuffix: null }),
    condition,
    repeated,
    interfaceKinds,
  };
}

/** Every way to have what the lists ask for: all of each, or one of each. */
function serverChoices(condition: IpConfigCondition, repeated: Matching['repeated']) {
  const of = (family: (typeof FAMILIES)[number]): readonly (readonly string[] | null)[] => {
    const servers = condition[`${family}DnsServer`];
    if (servers === undefined) return [null];
    return repeated === 'all' ? [servers] : servers.map((server) => [server]);
  };
  return of('ipv4').flatMap((ipv4) => of('ipv6').map((ipv6) => ({ ipv4, ipv6 })));
}

function proposals(pattern: IpPattern, ranges: readonly HostRange[]): readonly IpInterface[] {
  const { condition, repeated, interfaceKinds } = pattern;
  const addresses = (family: (typeof FAMILIES)[number]): readonly (readonly string[] | null)[] => {
    const prefix = condition[`${family}Prefix`];
    const range = prefix === undefined ? null : hostRange(prefix);
    if (prefix === undefined || range === null) return [null];
    const length = prefix.slice(prefix.indexOf('/'));
    return addressesOf(range, ranges).map((address) => [`${address}${length}`]);
  };
  const family = (
    of: (typeof FAMILIES)[number],
    own: readonly string[] | null,
    dns: readonly string[] | null,
  ): IpFamily => ({
    addresses: own,
    gateways: single(condition[`${of}Gateway`]),
    dhcpServers: single(condition[`${of}DhcpServer`]),
    dnsServers: dns,
  });
  const out: IpInterface[] = [];
  for (const kind of interfaceKinds) {
    for (const ipv4 of addresses('ipv4')) {
      for (const ipv6 of addresses('ipv6')) {
        for (const dns of serverChoices(condition, repeated)) {
          if (out.length > MAX_OPTIONS) return out;
          out.push({
            name: `${kind}0`,
            kind,
            connected: true,
            ipv4: family('ipv4', ipv4, dns.ipv4),
            ipv6: family('ipv6', ipv6, dns.ipv6),
          });
        }
      }
    }
  }
  return out;
}

/** The patterns of `ipConfig`; only what {@link ipPattern} made may be added. */
export function ipSpace(): PatternSpace<'ipConfig'> {
  let ranges: readonly HostRange[] = [];
  let counted = -1;
  return new PatternSpace('ipConfig', (index, patterns) => {
    if (counted !== patterns.length) {
      counted = patterns.length;
      const prefixes = (patterns as readonly IpPattern[]).flatMap(({ condition }) =>
        FAMILIES.flatMap((family) => condition[`${family}Prefix`] ?? []),
      );
      ranges = [...new Set(prefixes)].flatMap((prefix) => hostRange(prefix) ?? []);
    }
    return proposals(patterns[index] as IpPattern, ranges);
  });
}
