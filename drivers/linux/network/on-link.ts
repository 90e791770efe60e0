/**
 * The prefix of an address: how far the link reaches, which is not always what the address was assigned with. DHCPv6
 * hands out single addresses (`/128`), and the router says which prefix is on the link (RFC 5942 §3): the route tells.
 */
import { BlockList } from 'node:net';
import { type FamilyNumber, kept, scoped } from './host-text.ts';

/** A route without a next hop. */
export interface OnLinkRoute {
  readonly destination: string;
  readonly bits: number;
}

export interface Assigned {
  readonly address: string;
  readonly bits: number;
}

const familyName = (family: FamilyNumber) => (family === 4 ? 'ipv4' : 'ipv6');
const wholeLength = (family: FamilyNumber): number => (family === 4 ? 32 : 128);

export const isPrefixLength = (bits: unknown, family: FamilyNumber): bits is number =>
  typeof bits === 'number' && Number.isInteger(bits) && bits >= 0 && bits <= wholeLength(family);

/** Anybody on the link may announce prefixes, so there may be many; more than these are not looked at. */
const MAX_LINKS = 256;
const MAX_ADDRESSES = 64;

/** Addresses that a route reaches. */
function reachOf({ destination, bits }: OnLinkRoute, family: FamilyNumber): { bits: number; list: BlockList } {
  const list = new BlockList();
  list.addSubnet(destination, bits, familyName(family));
  return { bits, list };
}

/**
 * Addresses of one interface with their prefix length (`192.0.2.5/24`).
 * @param routes on-link routes of the same interface; addresses in canonical text
 */
export function withPrefix(
  addresses: readonly Assigned[],
  routes: readonly OnLinkRoute[],
  { family, name }: { readonly family: FamilyNumber; readonly name: string },
): readonly string[] {
  const whole = wholeLength(family);
  // A default route without a next hop (a tunnel) makes nothing near, a host route makes only that host so.
  const links = routes
    .filter(({ bits }) => bits > 0 && bits < whole)
    .slice(0, MAX_LINKS)
    .sort((a, b) => b.bits - a.bits)
    .map((route) => reachOf(route, family));
  return kept(addresses.slice(0, MAX_ADDRESSES), ({ address, bits }) => {
    const link = bits === whole ? links.find(({ list }) => list.check(address, familyName(family))) : undefined;
    return `${scoped(address, name)}/${link?.bits ?? bits}`;
  });
}
