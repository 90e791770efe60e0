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

/** @returns null: nothing that is understood was observed */
export function observationWords(observation: unknown): string | null {
  const { devices, interfaces, associations } = fieldsOf(observation);
  if (Array.isArray(devices)) return devices.length === 0 ? 'no phone' : listOf(devices).map(phone).join(', ');
  if (Array.isArray(interfaces))
    return interfaces.length === 0 ? 'no network' : listOf(interfaces).map(link).join(', ');
  if (!Array.isArray(associations)) return null;
  return associations.length === 0 ? 'not joined' : listOf(associations).map(association).join(', ');
}
