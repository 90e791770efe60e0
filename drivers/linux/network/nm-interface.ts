/**
 * What NetworkManager says of the addresses of one interface (`IP4Config`, `IP6Config`, `DHCP4Config`), in the words of
 * the seam. The texts in it came from the network and are checked; the types are NetworkManager's own and have to be right.
 */
import type { HostInterface, HostIpFamily, Sourced } from '../../hal/network.ts';
import { bytesOf, dictOf, listOf, numberOf, textOf } from '../dbus/values.ts';
import type { NmProperties } from '../network-manager/network-manager.ts';
import {
  addressOfBytes,
  addressText,
  domainText,
  type FamilyNumber,
  isUnspecified,
  kept,
  scoped,
  sourced,
} from './host-text.ts';
import type { InterfaceFacts } from './interface-facts.ts';
import { type Assigned, isPrefixLength, type OnLinkRoute, withPrefix } from './on-link.ts';

export const NM_SOURCE = 'NetworkManager';
const BY_DHCP = 'DHCP via NetworkManager';

export interface NmConfigs {
  readonly ip4: NmProperties | null;
  readonly ip6: NmProperties | null;
  /** Options of the lease, the DHCP client's words for them (dhcp-options(5)); null: DHCP is not in use. */
  readonly lease: ReadonlyMap<string, unknown> | null;
}

type Texts = Sourced<readonly string[]> | null;
interface Family {
  readonly number: FamilyNumber;
  readonly name: string;
}

const NOTHING: HostIpFamily = { addresses: null, gateways: null, dhcpServers: null, dnsServers: null };

/** Says that it is of the lease when all of it stands there. */
function fromLease(values: readonly string[], lease: NmConfigs['lease'], ...options: readonly string[]): Texts {
  const told = options.flatMap((option) => {
    const value = lease?.get(option);
    return typeof value === 'string' ? value.split(/[ ,]+/) : [];
  });
  const all = values.length > 0 && values.every((value) => told.includes(value));
  return sourced(values, all ? BY_DHCP : NM_SOURCE);
}

function addressesOf(config: NmProperties, { number, name }: Family): readonly string[] | null {
  const data = config.get('AddressData');
  if (data === undefined) return null;
  const assigned = listOf(data, 'AddressData').flatMap((entry): Assigned[] => {
    const fields = dictOf(entry, 'AddressData');
    const address = addressText(fields.get('address'), number);
    const bits = numberOf(fields.get('prefix'), 'AddressData');
    return address === null || !isPrefixLength(bits, number) ? [] : [{ address, bits }];
  });
  const routes = listOf(config.get('RouteData') ?? [], 'RouteData').flatMap((entry): OnLinkRoute[] => {
    const fields = dictOf(entry, 'RouteData');
    if (fields.has('next-hop')) return [];
    const destination = addressText(fields.get('dest'), number);
    const bits = fields.get('prefix');
    return destination === null || !isPrefixLength(bits, number) ? [] : [{ destination, bits }];
  });
  return withPrefix(assigned, routes, { family: number, name });
}

function gatewaysOf(config: NmProperties, { number, name }: Family): readonly string[] | null {
  const gateway = config.get('Gateway');
  if (gateway === undefined) return null;
  return kept([textOf(gateway, 'Gateway')], (text) => {
    const address = addressText(text, number);
    return address === null || isUnspecified(address) ? null : scoped(address, name);
  });
}

function family4({ ip4, lease }: NmConfigs, name: string): HostIpFamily {
  if (ip4 === null) return NOTHING;
  const family = { number: 4, name } as const;
  const servers = ip4.get('NameserverData');
  const gateways = gatewaysOf(ip4, family);
  const addresses = addressesOf(ip4, family);
  const leased = (addresses ?? []).map((text) => text.split('/', 1)[0]);
  return {
    addresses:
      addresses === null
        ? null
        : sourced(addresses, leased.length === 1 && leased[0] === lease?.get('ip_address') ? BY_DHCP : NM_SOURCE),
    gateways: gateways === null ? null : fromLease(gateways, lease, 'routers'),
    dhcpServers: sourced(
      kept([lease?.get('dhcp_server_identifier')], (text) => addressText(text, 4)),
      lease === null ? NM_SOURCE : BY_DHCP,
    ),
    dnsServers:
      servers === undefined
        ? null
        : fromLease(
            kept(listOf(servers, 'NameserverData'), (entry) =>
              addressText(dictOf(entry, 'NameserverData').get('address'), 4),
            ),
            lease,
            'domain_name_servers',
          ),
  };
}

function family6({ ip6 }: NmConfigs, name: string): HostIpFamily {
  if (ip6 === null) return NOTHING;
  const family = { number: 6, name } as const;
  const [addresses, gateways] = [addressesOf(ip6, family), gatewaysOf(ip6, family)];
  const servers = ip6.get('Nameservers');
  return {
    addresses: addresses === null ? null : sourced(addresses, NM_SOURCE),
    gateways: gateways === null ? null : sourced(gateways, NM_SOURCE),
    // NetworkManager knows it and does not tell it.
    dhcpServers: null,
    dnsServers:
      servers === undefined
        ? null
        : sourced(
            kept(listOf(servers, 'Nameservers'), (entry) => {
              const address = addressOfBytes(bytesOf(entry, 'Nameservers'), 6);
              return address === null ? null : scoped(address, name);
            }),
            NM_SOURCE,
          ),
  };
}

function suffixesOf({ ip4, ip6, lease }: NmConfigs): Texts {
  const lists = [ip4, ip6].flatMap((config) => [config?.get('Domains'), config?.get('Searches')]);
  if (lists.every((list) => list === undefined)) return null;
  const texts = lists.flatMap((list) => (list === undefined ? [] : listOf(list, 'Domains')));
  return fromLease(kept(texts, domainText), lease, 'domain_name', 'domain_search');
}

/** @throws {ERR_HAL_ANSWER_INVALID} */
export const nmInterface = (name: string, facts: InterfaceFacts, configs: NmConfigs): HostInterface => ({
  name,
  ...facts,
  connected: true,
  ipv4: family4(configs, name),
  ipv6: family6(configs, name),
  dnsSuffixes: suffixesOf(configs),
});

/** An interface that carries nothing now. */
export const disconnected = (name: string, facts: InterfaceFacts): HostInterface => ({
  name,
  ...facts,
  connected: false,
  ipv4: NOTHING,
  ipv6: NOTHING,
  dnsSuffixes: null,
});
