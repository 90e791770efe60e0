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

function covers({ destination, bits }: OnLinkRoute, address: string, family: FamilyNumber): boolean {
  const list = new BlockList();
  list.addSubnet(destination, bits, familyName(family));
  return list.check(address, familyName(family));
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
  const links = routes.filter(({ bits }) => bits > 0 && bits < whole).sort((a, b) => b.bits - a.bits);
  return kept(addresses, ({ address, bits }) => {
    const link = bits === whole ? links.find((route) => covers(route, address, family)) : undefined;
    return `${scoped(address, name)}/${link?.bits ?? bits}`;
  });
}
