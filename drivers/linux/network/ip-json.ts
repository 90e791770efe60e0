/** What `ip -j addr` and `ip -j route` say, by interface (iproute2; the names of fields are those of its JSON). */
import { UnlockdError } from '../../base/errors.ts';
import { addressText, type FamilyNumber, isInterfaceName, isUnspecified, kept, scoped } from './host-text.ts';
import { fieldOf, listIn, textIn } from './json.ts';
import { type Assigned, isPrefixLength, type OnLinkRoute, withPrefix } from './on-link.ts';

/** `ip` prints what the kernel has; a machine has no more interfaces or routes that concern us. */
const MAX_LINKS = 1024;
const MAX_ROUTES = 4096;

export interface KernelFamily {
  readonly addresses: readonly string[];
  readonly gateways: readonly string[];
}

export interface KernelLink {
  readonly name: string;
  readonly up: boolean;
  readonly ipv4: KernelFamily;
  readonly ipv6: KernelFamily;
  /** IPv4 addresses that expire by themselves: what a DHCP client has put there. */
  readonly dynamic: readonly string[];
}

const listAt = (value: unknown, what: string, most: number): readonly unknown[] => {
  if (Array.isArray(value)) return value.slice(0, most);
  throw new UnlockdError('ERR_HAL_ANSWER_INVALID', `ip: what it says of ${what} is no list`);
};

/** Not (or not yet, or not any more) an address that anybody can be reached at (RFC 4862 §5.4). */
const isUnusable = (entry: unknown): boolean =>
  fieldOf(entry, 'tentative') === true || fieldOf(entry, 'dadfailed') === true;

const familyWord = (family: FamilyNumber) => (family === 4 ? 'inet' : 'inet6');

const entriesOf = (link: unknown, family: FamilyNumber): readonly unknown[] =>
  listIn(link, 'addr_info').filter((entry) => textIn(entry, 'family') === familyWord(family) && !isUnusable(entry));

interface Route {
  readonly name: string;
  readonly destination: OnLinkRoute | 'default';
  readonly gateway: string | null;
}

/** A route may have several next hops, each by an interface of its own. */
function routesOf(value: unknown, family: FamilyNumber): readonly Route[] {
  return listAt(value, 'routes', MAX_ROUTES).flatMap((route): Route[] => {
    const type = textIn(route, 'type');
    if (type !== null && type !== 'unicast') return [];
    const destination = destinationOf(textIn(route, 'dst'), family);
    if (destination === null) return [];
    const hops = listIn(route, 'nexthops');
    return (hops.length === 0 ? [route] : hops).flatMap((hop) => {
      const name = textIn(hop, 'dev');
      const via = fieldOf(hop, 'via');
      // A next hop of the other family makes nothing on-link, and is no gateway of this one.
      const gateway = textIn(hop, 'gateway') ?? (via === undefined ? null : '');
      return isInterfaceName(name) ? [{ name, destination, gateway }] : [];
    });
  });
}

function destinationOf(text: string | null, family: FamilyNumber): OnLinkRoute | 'default' | null {
  if (text === 'default') return 'default';
  const [host, length] = (text ?? '').split('/', 2);
  const destination = addressText(host, family);
  const bits = length === undefined ? (family === 4 ? 32 : 128) : Number(length);
  return destination === null || !isPrefixLength(bits, family) ? null : { destination, bits };
}

function familyOf(link: unknown, name: string, family: FamilyNumber, routes: readonly Route[]): KernelFamily {
  const own = routes.filter((route) => route.name === name);
  const assigned = entriesOf(link, family).flatMap((entry): Assigned[] => {
    const [address, bits] = [addressText(fieldOf(entry, 'local'), family), fieldOf(entry, 'prefixlen')];
    return address === null || !isPrefixLength(bits, family) ? [] : [{ address, bits }];
  });
  const onLink = own.flatMap(({ destination, gateway }) =>
    destination === 'default' || gateway !== null ? [] : [destination],
  );
  const defaults = own.filter(({ destination }) => destination === 'default');
  return {
    addresses: withPrefix(assigned, onLink, { family, name }),
    gateways: kept(defaults, ({ gateway }) => {
      const address = addressText(gateway, family);
      return address === null || isUnspecified(address) ? null : scoped(address, name);
    }),
  };
}

/**
 * @param told what `ip` printed, parsed
 * @returns every interface but the loopback
 * @throws {ERR_HAL_ANSWER_INVALID}
 */
export function kernelLinks(told: {
  readonly links: unknown;
  readonly routes4: unknown;
  readonly routes6: unknown;
}): readonly KernelLink[] {
  const [routes4, routes6] = [routesOf(told.routes4, 4), routesOf(told.routes6, 6)];
  return listAt(told.links, 'links', MAX_LINKS).flatMap((link): KernelLink[] => {
    const name = fieldOf(link, 'ifname');
    const flags = listIn(link, 'flags');
    if (!isInterfaceName(name) || flags.includes('LOOPBACK')) return [];
    return [
      {
        name,
        // IFF_UP says that somebody wants it up, IFF_LOWER_UP that there is a carrier.
        up: flags.includes('UP') && flags.includes('LOWER_UP') && textIn(link, 'operstate') !== 'DORMANT',
        ipv4: familyOf(link, name, 4, routes4),
        ipv6: familyOf(link, name, 6, routes6),
        dynamic: kept(
          entriesOf(link, 4).filter((entry) => fieldOf(entry, 'dynamic') === true),
          (entry) => addressText(fieldOf(entry, 'local'), 4),
        ),
      },
    ];
  });
}
