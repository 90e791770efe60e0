/**
 * Leases of ISC dhclient (dhclient.leases(5)), the only DHCP client that keeps what a server told it where we may read it
 * (udhcpc keeps nothing, dhcpcd and NetworkManager have formats of their own). A lease in a file is a memory: it counts
 * only while its address is on the interface, as one that expires, and before its own end.
 */
import { constants, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { UnixMs } from '../../base/brand.ts';
import { addressText, domainText, kept } from './host-text.ts';

export const LEASE_FOLDERS: readonly string[] = ['/var/lib/dhcp', '/var/lib/dhclient'];

export interface DhclientLease {
  readonly address: string;
  readonly server: string | null;
  readonly dnsServers: readonly string[];
  readonly suffixes: readonly string[];
}

/** dhclient writes a file anew before it grows far. */
const MAX_FILE_BYTES = 256 * 1024;
const MAX_FILES = 64;

const statement = (block: string, name: string): string | null =>
  new RegExp(`^\\s*${name}\\s+([^;\\n]*);`, 'm').exec(block)?.[1]?.trim() ?? null;
const unquoted = (text: string): string => /^"([^"\\]*)"$/.exec(text)?.[1] ?? '';
const listed = (text: string | null): readonly string[] => (text === null ? [] : text.split(',').map((e) => e.trim()));

/** `never`, `epoch 1795529497; ...` or `2 2026/11/24 14:12:13` in UTC. */
function endsAfter(text: string | null, now: UnixMs): boolean {
  if (text === 'never') return true;
  const epoch = /^epoch (\d{1,12})$/.exec(text ?? '')?.[1];
  if (epoch !== undefined) return Number(epoch) * 1000 > now;
  const [, day, time] = /^[0-6] (\d{4}\/\d{2}\/\d{2}) (\d{2}:\d{2}:\d{2})$/.exec(text ?? '') ?? [];
  if (day === undefined || time === undefined) return false;
  return Date.parse(`${day.replaceAll('/', '-')}T${time}Z`) > now;
}

/**
 * The lease of an interface that stands: the last in the file, if it has not ended.
 * @param name of the interface
 */
export function leaseIn(text: string, name: string, now: UnixMs): DhclientLease | null {
  const blocks = text.split(/^lease \{$/m).slice(1);
  const block = blocks
    .map((each) => each.split(/^\}/m, 1)[0] ?? '')
    .findLast((each) => unquoted(statement(each, 'interface') ?? '') === name);
  if (block === undefined || !endsAfter(statement(block, 'expire'), now)) return null;
  const address = addressText(statement(block, 'fixed-address'), 4);
  if (address === null) return null;
  const server = addressText(statement(block, 'option dhcp-server-identifier'), 4);
  const domains = ['option domain-name', 'option domain-search'].flatMap((option) => listed(statement(block, option)));
  return {
    address,
    server,
    dnsServers: kept(listed(statement(block, 'option domain-name-servers')), (each) => addressText(each, 4)),
    suffixes: kept(domains, (each) => domainText(unquoted(each))),
  };
}

/** Only what root wrote, and only a plain file of a size that dhclient would leave. Null: not that. */
async function textOfLeases(path: string): Promise<string | null> {
  try {
    // Not to wait for whoever writes to a pipe.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = await file.stat();
    if (!found.isFile() || found.uid !== 0 || (found.mode & 0o022) !== 0 || found.size > MAX_FILE_BYTES) return null;
    return await file.readFile('utf8');
  } catch {
    return null;
  }
}

/** The texts of all lease files, as they are now. */
export async function readLeases(folders: readonly string[]): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const folder of folders) {
    const names = await readdir(folder).catch(() => []);
    for (const name of names.filter((each) => /^dhclient.*\.leases?$/.test(each)).slice(0, MAX_FILES)) {
      const text = await textOfLeases(join(folder, name));
      if (text !== null) texts.push(text);
    }
  }
  return texts;
}
