/**
 * What BlueZ keeps of a bond: /var/lib/bluetooth/<adapter>/<device>/info (settings-storage.txt). Read for how the keys
 * were agreed, for the identity key and for a digest that tells one bond from another; the link keys themselves never
 * become text and never leave this file. BlueZ tells none of it over D-Bus.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeyStrength } from '../../hal/bluetooth.ts';

export const BOND_FOLDER = '/var/lib/bluetooth';

/** Keys of one bond; null: it has no such key. */
export interface BondKeys {
  /** BR/EDR. */
  readonly linkKey: KeyStrength | null;
  /** LE. */
  readonly longTermKey: KeyStrength | null;
  /** Most significant byte first. */
  readonly identityKey: Uint8Array | null;
  /** Of the keys of each bearer, hexadecimal: another bond has another one. Null: there is no such key to be read. */
  readonly bonds: { readonly linkKey: string | null; readonly longTermKey: string | null };
}

/** Many times what a bond takes. */
const MAX_BYTES = 64 * 1024;
const MAX_LINES = 4096;
const KEY_BYTES = 16;
const LINE_FEED = 0x0a;
const EQUALS = 0x3d;

/** `Type` of [LinkKey]: HCI, Link Key Notification. */
const LINK_KEYS: Readonly<Record<string, KeyStrength>> = {
  // A combination key of the old pairing with digits: how many there were is not told.
  0: 'unauthenticated',
  3: 'debug',
  4: 'unauthenticated',
  5: 'authenticated',
  7: 'unauthenticated',
  8: 'authenticated',
};

/** `Authenticated` of a long-term key, which is a number for all that its documentation says: MGMT, Load Long Term Keys. */
const LONG_TERM_KEYS: Readonly<Record<string, KeyStrength>> = {
  0: 'unauthenticated',
  1: 'authenticated',
  2: 'unauthenticated',
  3: 'authenticated',
  4: 'debug',
};

/** Keys of the peripheral's role, which serve both roles when they were made by Secure Connections (2, 3, 4). */
const PERIPHERAL_KEYS = ['PeripheralLongTermKey', 'SlaveLongTermKey'] as const;

/** From weak to strong. */
const ORDER: readonly KeyStrength[] = ['debug', 'unknown', 'unauthenticated', 'authenticated'];

export const strengthRank = (strength: KeyStrength): number => ORDER.indexOf(strength);

type Group = ReadonlyMap<string, Uint8Array>;

const ascii = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1').trim();

/** The groups of a key file; null: it is not one, or says something twice. */
function groupsOf(bytes: Uint8Array): ReadonlyMap<string, Group> | null {
  if (bytes.length > MAX_BYTES || bytes.includes(0)) return null;
  const groups = new Map<string, Map<string, Uint8Array>>();
  let group: Map<string, Uint8Array> | null = null;
  let lines = 0;
  for (let at = 0; at < bytes.length; ) {
    if (++lines > MAX_LINES) return null;
    const feed = bytes.indexOf(LINE_FEED, at);
    const line = bytes.subarray(at, feed < 0 ? bytes.length : feed);
    at = feed < 0 ? bytes.length : feed + 1;
    const equals = line.indexOf(EQUALS);
    if (equals < 0) {
      const text = ascii(line);
      if (text === '' || text.startsWith('#')) continue;
      const name = /^\[([^[\]]{1,64})\]$/.exec(text)?.[1];
      if (name === undefined || groups.has(name)) return null;
      group = new Map();
      groups.set(name, group);
      continue;
    }
    const key = ascii(line.subarray(0, equals));
    if (key.startsWith('#')) continue;
    if (group === null || key === '' || group.has(key)) return null;
    group.set(key, line.subarray(equals + 1));
  }
  return groups;
}

function strengthIn(group: Group, key: string, known: Readonly<Record<string, KeyStrength>>): KeyStrength {
  const value = group.get(key);
  const text = value === undefined || value.length > 4 ? '' : ascii(value);
  return Object.hasOwn(known, text) ? (known[text] ?? 'unknown') : 'unknown';
}

function longTermKeyOf(groups: ReadonlyMap<string, Group>): KeyStrength | null {
  const found: KeyStrength[] = [];
  const own = groups.get('LongTermKey');
  if (own !== undefined) found.push(strengthIn(own, 'Authenticated', LONG_TERM_KEYS));
  for (const name of PERIPHERAL_KEYS) {
    const group = groups.get(name);
    const type = group?.get('Authenticated');
    if (group === undefined || type === undefined || !/^[234]$/.test(ascii(type))) continue;
    found.push(strengthIn(group, 'Authenticated', LONG_TERM_KEYS));
  }
  // Which of them the kernel takes is its affair: the weakest counts.
  return found.sort((a, b) => strengthRank(a) - strengthRank(b))[0] ?? null;
}

/**
 * A digest of the keys of these groups. Each is 16 random bytes, so nothing of them follows from it. The case of their
 * digits is BlueZ's affair.
 */
function digestOf(groups: ReadonlyMap<string, Group>, names: readonly string[]): string | null {
  const hash = createHash('sha256').update('unlockd bond v1');
  let known = false;
  for (const name of names) {
    const value = groups.get(name)?.get('Key');
    const digits = value === undefined || value.length > 64 ? '' : ascii(value).replace(/^0x/, '').toLowerCase();
    if (!/^[0-9a-f]{32}$/.test(digits)) continue;
    hash.update(`|${name}|${digits}`);
    known = true;
  }
  return known ? hash.digest('hex') : null;
}

/** BlueZ writes the identity key least significant byte first. */
function identityKeyOf(group: Group | undefined): Uint8Array | null {
  const value = group?.get('Key');
  const digits = value === undefined || value.length > 64 ? '' : ascii(value).replace(/^0x/, '');
  if (!/^[0-9A-Fa-f]{32}$/.test(digits)) return null;
  const key = new Uint8Array(Buffer.from(digits, 'hex')).reverse();
  // All zero says that there is none; taken for a key, everybody could have made its addresses.
  return key.length === KEY_BYTES && key.some((byte) => byte !== 0) ? key : null;
}

/** What a bond file says; null: it is no such file. Total. */
export function parseBond(bytes: Uint8Array): BondKeys | null {
  const groups = groupsOf(bytes);
  if (groups === null) return null;
  const link = groups.get('LinkKey');
  return {
    linkKey: link === undefined ? null : strengthIn(link, 'Type', LINK_KEYS),
    longTermKey: longTermKeyOf(groups),
    identityKey: identityKeyOf(groups.get('IdentityResolvingKey')),
    bonds: {
      linkKey: digestOf(groups, ['LinkKey']),
      longTermKey: digestOf(groups, ['LongTermKey', ...PERIPHERAL_KEYS]),
    },
  };
}

/** Whose word on a bond counts: the system's, or that of whoever runs this program; and nobody else may write it. */
const isTrusted = ({ uid, mode }: { readonly uid: number; readonly mode: number }): boolean =>
  (uid === 0 || uid === process.getuid?.()) && (mode & 0o022) === 0;

/**
 * Reads the bond file of a device.
 * @param folder see {@link BOND_FOLDER}
 * @param adapter `AA:BB:CC:DD:EE:FF`, checked by the caller; as `device`
 * @returns null: there is none, or it cannot be read or believed. Never throws.
 */
export async function readBond(folder: string, adapter: string, device: string): Promise<BondKeys | null> {
  let bytes: Uint8Array | null = null;
  try {
    const place = join(await realpath(folder), adapter, device);
    // A folder that stands somewhere else is not the one that BlueZ made.
    if ((await realpath(place)) !== place) return null;
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    await using file = await open(join(place, 'info'), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const facts = await file.stat();
    if (!facts.isFile() || facts.size > MAX_BYTES || !isTrusted(facts)) return null;
    bytes = new Uint8Array(facts.size);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    return bytesRead === bytes.length ? parseBond(bytes) : null;
  } catch {
    return null;
  } finally {
    bytes?.fill(0);
  }
}
