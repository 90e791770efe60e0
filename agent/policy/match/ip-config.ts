/**
 * `ipConfig`: a condition held against the interfaces. Elements count on connected interfaces of the kinds that the
 * policy names, and all on the same one: a dongle that serves one field, or a VPN, is not where the machine is.
 */
import type { IpConfigObservation, IpFamily, IpInterface } from '../../../drivers/observation.ts';
import type { Matching } from '../model.ts';
import type { IpConfigCondition } from '../rules.ts';
import { type Address, isHostOf, isSameAddress, readAddress, readPrefix } from './address.ts';
import { type Check, type Matcher, matcherOf, type View } from './check.ts';
import { listWords } from './element.ts';

/** A list as it was observed, and what could be read of it. */
interface Listed {
  readonly texts: readonly string[] | null;
  /** Who said so. */
  readonly source: string | null;
  readonly addresses: readonly Address[];
}

type ListedFamily = { readonly [F in keyof IpFamily]: Listed };

/** An interface that counts, read once for all rules. */
export interface CountedInterface {
  readonly name: string;
  /** Of the machine. */
  readonly suffix: string | null;
  readonly suffixSource: string | null;
  readonly ipv4: ListedFamily;
  readonly ipv6: ListedFamily;
}

type IpCheck = Check<CountedInterface>;
type Family = 'ipv4' | 'ipv6';

function prefixCheck(family: Family, text: string): IpCheck {
  const prefix = readPrefix(text);
  return {
    name: `${family}Prefix`,
    holds: (face) => prefix !== null && face[family].addresses.addresses.some((address) => isHostOf(address, prefix)),
    expected: () => text,
    found: (face) => listWords(face[family].addresses.texts),
    source: (face) => face[family].addresses.source,
  };
}

function addressCheck(
  name: string,
  text: string,
  family: Family,
  field: Exclude<keyof IpFamily, 'addresses'>,
): IpCheck {
  const wanted = readAddress(text);
  return {
    name,
    holds: (face) => wanted !== null && face[family][field].addresses.some((address) => isSameAddress(wanted, address)),
    expected: () => text,
    found: (face) => listWords(face[family][field].texts),
    source: (face) => face[family][field].source,
  };
}

/** A DNS name as it is compared: case and the dot of the root say nothing (RFC 4343). */
export const plainName = (name: string): string => name.toLowerCase().replace(/\.$/, '');

/** `labels`: `corp.example` is the end of `a.corp.example`, not of `evilcorp.example`. */
export function suffixMatches(expected: string, found: string, mode: Matching['dnsSuffix']): boolean {
  const [wanted, own] = [plainName(expected), plainName(found)];
  if (wanted === '') return false;
  return mode === 'substring' ? own.includes(wanted) : own === wanted || own.endsWith(`.${wanted}`);
}

const suffixCheck = (expected: string, mode: Matching['dnsSuffix']): IpCheck => ({
  name: 'dnsSuffix',
  holds: ({ suffix }) => suffix !== null && suffixMatches(expected, suffix, mode),
  expected: () => expected,
  found: ({ suffix }) => suffix,
  source: ({ suffixSource }) => suffixSource,
});

function checksOf(condition: IpConfigCondition, matching: Matching): readonly IpCheck[] {
  const checks: IpCheck[] = [];
  for (const family of ['ipv4', 'ipv6'] as const) {
    const prefix = condition[`${family}Prefix`];
    if (prefix !== undefined) checks.push(prefixCheck(family, prefix));
    const gateway = condition[`${family}Gateway`];
    if (gateway !== undefined) checks.push(addressCheck(`${family}Gateway`, gateway, family, 'gateways'));
    const dhcp = condition[`${family}DhcpServer`];
    if (dhcp !== undefined) checks.push(addressCheck(`${family}DhcpServer`, dhcp, family, 'dhcpServers'));
    for (const server of condition[`${family}DnsServer`] ?? []) {
      checks.push(addressCheck(`${family}DnsServer`, server, family, 'dnsServers'));
    }
  }
  for (const suffix of condition.dnsSuffix ?? []) checks.push(suffixCheck(suffix, matching.dnsSuffix));
  return checks;
}

/** The condition made ready: what depends on the policy alone is read once. */
export const ipConfigMatcher = (condition: IpConfigCondition, matching: Matching): Matcher<CountedInterface> =>
  matcherOf({
    checks: checksOf(condition, matching),
    repeated: matching.repeated,
    where: ({ name }) => name,
  });

/** Assigned addresses are written with their prefix length; the servers are not, and one with a length is none. */
const hostPart = (address: string): string => address.split('/', 1)[0] ?? '';

function listedFamily(face: Addressed, family: Family): ListedFamily {
  const listed = (field: keyof IpFamily, hostOf = (text: string) => text): Listed => {
    const texts = face[family][field];
    return {
      texts,
      source: texts === null ? null : (face.sources?.[`${family}.${field}`] ?? null),
      addresses: texts === null ? [] : texts.flatMap((text) => readAddress(hostOf(text)) ?? []),
    };
  };
  return {
    addresses: listed('addresses', hostPart),
    gateways: listed('gateways'),
    dhcpServers: listed('dhcpServers'),
    dnsServers: listed('dnsServers'),
  };
}

const joined = (lists: readonly (readonly string[] | null)[]): readonly string[] | null =>
  lists.every((list) => list === null) ? null : lists.flatMap((list) => list ?? []);

function familyOfAll(faces: readonly IpInterface[], family: Family): IpFamily {
  const each = faces.map((face) => face[family]);
  return {
    addresses: joined(each.map(({ addresses }) => addresses)),
    gateways: joined(each.map(({ gateways }) => gateways)),
    dhcpServers: joined(each.map(({ dhcpServers }) => dhcpServers)),
    dnsServers: joined(each.map(({ dnsServers }) => dnsServers)),
  };
}

type Addressed = Pick<IpInterface, 'name' | 'ipv4' | 'ipv6' | 'sources'>;

/** All interfaces as if they were one, for the loose reading. */
const mixture = (faces: readonly IpInterface[]): Addressed => ({
  name: faces.map(({ name }) => name).join(' and '),
  ipv4: familyOfAll(faces, 'ipv4'),
  ipv6: familyOfAll(faces, 'ipv6'),
});

export function ipConfigView(
  { interfaces, primaryDnsSuffix, primaryDnsSuffixSource }: IpConfigObservation,
  matching: Matching,
): View<CountedInterface> {
  const counted = interfaces.filter(({ connected, kind }) => connected && matching.interfaceKinds.includes(kind));
  // Without a connection the suffix of the machine says nothing of where it is.
  const faces: readonly Addressed[] =
    matching.adapters === 'mixed' && counted.length > 0 ? [mixture(counted)] : counted;
  const candidates = faces.map((face) => ({
    name: face.name,
    suffix: primaryDnsSuffix,
    suffixSource: primaryDnsSuffixSource ?? null,
    ipv4: listedFamily(face, 'ipv4'),
    ipv6: listedFamily(face, 'ipv6'),
  }));
  return { candidates, none: null };
}
