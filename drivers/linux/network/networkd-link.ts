/**
 * What systemd-networkd says of one link (`org.freedesktop.network1.Link.Describe`, org.freedesktop.network1(5)): JSON in
 * which every address, server and name tells from whom it came (`ConfigSource`, `ConfigProvider`).
 */
import { UnlockdError } from '../../base/errors.ts';
import type { HostInterface, HostIpFamily, Sourced } from '../../hal/network.ts';
import {
  addressOfBytes,
  domainText,
  type FamilyNumber,
  isInterfaceName,
  isUnspecified,
  kept,
  scoped,
  sourced,
} from './host-text.ts';
import type { InterfaceFacts } from './interface-facts.ts';
import { fieldOf, listIn, textIn } from './json.ts';
import { type Assigned, isPrefixLength, type OnLinkRoute, withPrefix } from './on-link.ts';

export const NETWORKD_SOURCE = 'systemd-networkd';

/** AF_INET, AF_INET6 of Linux. */
const FAMILY: Readonly<Record<FamilyNumber, number>> = { 4: 2, 6: 10 };
/** RT_TABLE_MAIN. */
const MAIN = 254;
const UNICAST = 'unicast';
/** Words of ConfigSource that are told on; an unknown one is not. */
const SOURCES = ['static', 'foreign', 'DHCPv4', 'DHCPv6', 'DHCP-PD', 'NDisc', 'runtime'];

interface Family {
  readonly number: FamilyNumber;
  readonly name: string;
}

function addressIn(entry: unknown, field: string, number: FamilyNumber): string | null {
  const bytes = fieldOf(entry, field);
  return Array.isArray(bytes) ? addressOfBytes(bytes, number) : null;
}

const isOf = (number: FamilyNumber) => (entry: unknown) => fieldOf(entry, 'Family') === FAMILY[number];

/** With where it comes from: `DHCPv4 via systemd-networkd`. */
function told(values: readonly string[], entries: readonly unknown[]): Sourced<readonly string[]> {
  const sources = new Set(entries.map((entry) => textIn(entry, 'ConfigSource')));
  const known = SOURCES.filter((source) => sources.has(source) && source !== 'foreign');
  return sourced(values, known.length === 0 ? NETWORKD_SOURCE : `${known.join(', ')} via ${NETWORKD_SOURCE}`);
}

const isRoute = (entry: unknown): boolean =>
  fieldOf(entry, 'Table') === MAIN && fieldOf(entry, 'TypeString') === UNICAST;

function familyOf(link: unknown, { number, name }: Family): HostIpFamily {
  const entries = listIn(link, 'Addresses').filter(isOf(number));
  const routes = listIn(link, 'Routes').filter((entry) => isOf(number)(entry) && isRoute(entry));
  const servers = listIn(link, 'DNS').filter(isOf(number));
  const assigned = entries.flatMap((entry): Assigned[] => {
    const [address, bits] = [addressIn(entry, 'Address', number), fieldOf(entry, 'PrefixLength')];
    return address === null || !isPrefixLength(bits, number) ? [] : [{ address, bits }];
  });
  const onLink = routes.flatMap((entry): OnLinkRoute[] => {
    const destination = addressIn(entry, 'Destination', number);
    const bits = fieldOf(entry, 'DestinationPrefixLength');
    if (fieldOf(entry, 'Gateway') !== undefined) return [];
    return destination === null || !isPrefixLength(bits, number) ? [] : [{ destination, bits }];
  });
  const defaults = routes.filter((entry) => fieldOf(entry, 'DestinationPrefixLength') === 0);
  const leased = entries.filter((entry) => textIn(entry, 'ConfigSource') === `DHCPv${number}`);
  const scopedIn = (field: string) => (entry: unknown) => {
    const address = addressIn(entry, field, number);
    return address === null || isUnspecified(address) ? null : scoped(address, name);
  };
  return {
    addresses: told(withPrefix(assigned, onLink, { family: number, name }), entries),
    gateways: told(kept(defaults, scopedIn('Gateway')), defaults),
    dhcpServers: told(kept(leased, scopedIn('ConfigProvider')), leased),
    dnsServers: told(kept(servers, scopedIn('Address')), servers),
  };
}

const CARRYING: readonly unknown[] = ['routable', 'degraded'];

export interface NetworkdLink {
  readonly name: string;
  /** networkd configures it. */
  readonly managed: boolean;
  /** With the kernel's facts of it. */
  readonly as: (facts: InterfaceFacts) => HostInterface;
}

/**
 * @param link the parsed JSON
 * @throws {ERR_HAL_ANSWER_INVALID}
 */
export function networkdLink(link: unknown): NetworkdLink {
  const name = fieldOf(link, 'Name');
  // Before systemd 250 it had the other name.
  const state = textIn(link, 'AdministrativeState') ?? textIn(link, 'SetupState');
  if (!isInterfaceName(name) || state === null) {
    throw new UnlockdError('ERR_HAL_ANSWER_INVALID', 'systemd-networkd: what it says of a link is not of its form');
  }
  const suffixes = listIn(link, 'SearchDomains');
  return {
    name,
    managed: state !== 'unmanaged' && name !== 'lo',
    as: (facts) => ({
      name,
      ...facts,
      // `configuring` is on the way up; `failed`, `linger` and the rest are not up at all.
      connected: state === 'configured' && CARRYING.includes(fieldOf(link, 'OperationalState')),
      ipv4: familyOf(link, { number: 4, name }),
      ipv6: familyOf(link, { number: 6, name }),
      dnsSuffixes: told(
        kept(suffixes, (entry) => domainText(fieldOf(entry, 'Domain'))),
        suffixes,
      ),
    }),
  };
}
