/**
 * `ipConfig`: a condition held against the interfaces. Elements count on connected interfaces of the kinds that the
 * policy names, and all on the same one: a dongle that serves one field, or a VPN, is not where the machine is.
 */
import type { IpConfigObservation, IpFamily, IpInterface } from '../../../drivers/observation.ts';
import type { Matching } from '../model.ts';
import type { IpConfigCondition } from '../rules.ts';
import { isHostOf, isSameAddress, readAddress, readPrefix } from './address.ts';
import { closest, type ElementReason, element, hold, listWords, type Match } from './element.ts';

type Check = (face: IpInterface, suffix: string | null) => ElementReason;

const hostPart = (address: string): string => address.split('/', 1)[0] ?? '';

function prefixCheck(name: string, expected: string, family: 'ipv4' | 'ipv6'): Check {
  const prefix = readPrefix(expected);
  return (face) => {
    const { addresses } = face[family];
    const found = addresses?.some((text) => {
      const address = readAddress(hostPart(text));
      return address !== null && prefix !== null && isHostOf(address, prefix);
    });
    return element(name, expected, listWords(addresses), found ?? false);
  };
}

function addressCheck(name: string, expected: string, of: (face: IpInterface) => readonly string[] | null): Check {
  const wanted = readAddress(expected);
  return (face) => {
    const values = of(face);
    const found = values?.some((text) => {
      const address = readAddress(text);
      return address !== null && wanted !== null && isSameAddress(wanted, address);
    });
    return element(name, expected, listWords(values), found ?? false);
  };
}

const plain = (name: string): string => name.toLowerCase().replace(/\.$/, '');

/** `labels`: `corp.example` is the end of `a.corp.example`, not of `evilcorp.example`. */
export function suffixMatches(expected: string, found: string, mode: Matching['dnsSuffix']): boolean {
  const [wanted, own] = [plain(expected), plain(found)];
  if (wanted === '') return false;
  return mode === 'substring' ? own.includes(wanted) : own === wanted || own.endsWith(`.${wanted}`);
}

const suffixCheck =
  (expected: string, mode: Matching['dnsSuffix']): Check =>
  (_face, suffix) =>
    element('dnsSuffix', expected, suffix, suffix !== null && suffixMatches(expected, suffix, mode));

function checksOf(condition: IpConfigCondition, matching: Matching): readonly Check[] {
  const checks: Check[] = [];
  for (const family of ['ipv4', 'ipv6'] as const) {
    const prefix = condition[`${family}Prefix`];
    if (prefix !== undefined) checks.push(prefixCheck(`${family}Prefix`, prefix, family));
    const gateway = condition[`${family}Gateway`];
    if (gateway !== undefined) checks.push(addressCheck(`${family}Gateway`, gateway, (face) => face[family].gateways));
    const dhcp = condition[`${family}DhcpServer`];
    if (dhcp !== undefined) checks.push(addressCheck(`${family}DhcpServer`, dhcp, (face) => face[family].dhcpServers));
    for (const server of condition[`${family}DnsServer`] ?? []) {
      checks.push(addressCheck(`${family}DnsServer`, server, (face) => face[family].dnsServers));
    }
  }
  for (const suffix of condition.dnsSuffix ?? []) checks.push(suffixCheck(suffix, matching.dnsSuffix));
  return checks;
}

const UNKNOWN: IpFamily = { addresses: null, gateways: null, dhcpServers: null, dnsServers: null };
const NOWHERE: IpInterface = { name: '', kind: 'other', connected: false, ipv4: UNKNOWN, ipv6: UNKNOWN };

const joined = (lists: readonly (readonly string[] | null)[]): readonly string[] | null =>
  lists.every((list) => list === null) ? null : lists.flatMap((list) => list ?? []);

function familyOfAll(faces: readonly IpInterface[], family: 'ipv4' | 'ipv6'): IpFamily {
  const each = faces.map((face) => face[family]);
  return {
    addresses: joined(each.map(({ addresses }) => addresses)),
    gateways: joined(each.map(({ gateways }) => gateways)),
    dhcpServers: joined(each.map(({ dhcpServers }) => dhcpServers)),
    dnsServers: joined(each.map(({ dnsServers }) => dnsServers)),
  };
}

/** All interfaces as if they were one, for the loose reading. */
const mixture = (faces: readonly IpInterface[]): IpInterface => ({
  name: faces.map(({ name }) => name).join(' and '),
  kind: 'other',
  connected: true,
  ipv4: familyOfAll(faces, 'ipv4'),
  ipv6: familyOfAll(faces, 'ipv6'),
});

/** The condition made ready: what depends on the policy alone is read once. */
export function ipConfigMatcher(
  condition: IpConfigCondition,
  matching: Matching,
): (observation: IpConfigObservation) => Match {
  const checks = checksOf(condition, matching);
  return ({ interfaces, primaryDnsSuffix }) => {
    const counted = interfaces.filter(({ connected, kind }) => connected && matching.interfaceKinds.includes(kind));
    const faces = matching.adapters === 'mixed' && counted.length > 1 ? [mixture(counted)] : counted;
    const candidates = faces.map((face): Match => {
      const elements = checks.map((check) => check(face, primaryDnsSuffix));
      return { ok: hold(elements, matching.repeated), where: face.name, elements };
    });
    // Without a connection the suffix of the machine says nothing of where it is.
    const none = checks.map((check) => ({ ...check(NOWHERE, null), ok: false }));
    return closest(candidates, none);
  };
}
