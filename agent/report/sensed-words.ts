/**
 * What a driver observes around the machine, in a few words for the picture. It is read field by field from what a daemon sends,
 * which may be of another version: what is not understood is left out.
 */
import { ssidWords } from '../../drivers/base/ssid.ts';

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});
const listOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(fieldsOf) : []);
const texts = (value: unknown): readonly string[] =>
  (Array.isArray(value) ? value : [value]).filter((each): each is string => typeof each === 'string' && each !== '');

const phone = ({ name, address, proved }: Fields): string =>
  `${texts(name)[0] ?? texts(address)[0] ?? 'a phone'}${proved === true ? '' : ' not proved'}`;

function link({ name, connected, ipv4, ipv6 }: Fields): string {
  const families = [fieldsOf(ipv4), fieldsOf(ipv6)];
  const addresses = families.flatMap((family) => texts(family.addresses));
  const dns = families.flatMap((family) => texts(family.dnsServers));
  const facts = [
    ...texts(name),
    ...(connected === true ? [] : ['not connected']),
    ...addresses,
    ...(dns.length === 0 ? [] : ['DNS', ...dns]),
  ];
  return facts.join(' ');
}

const association = ({ ssidHex, security }: Fields): string =>
  [...texts(ssidHex).map((hex) => ssidWords(hex)), ...texts(security)].join(' ');

interface Observed {
  readonly words: string;
  /** Whether anything is there that a policy could rest on. */
  readonly isThere: boolean;
}

/** @returns null: nothing that is understood was observed */
export function observed(observation: unknown): Observed | null {
  const { devices, interfaces, associations } = fieldsOf(observation);
  const of = (
    all: readonly Fields[],
    words: (each: Fields) => string,
    none: string,
    isThere: (each: Fields) => boolean,
  ) => ({
    words: all.length === 0 ? none : all.map(words).join(', '),
    isThere: all.some(isThere),
  });
  if (Array.isArray(devices)) return of(listOf(devices), phone, 'no phone', ({ proved }) => proved === true);
  if (Array.isArray(interfaces)) {
    return of(listOf(interfaces), link, 'no network', ({ connected }) => connected === true);
  }
  return Array.isArray(associations) ? of(listOf(associations), association, 'not joined', () => true) : null;
}
