/**
 * Bonds as BlueZ has them, with the strength of their keys, and what follows from that for a probe: a key that is not
 * good enough is refused before anything is sent, and what the radio says afterwards is held against it once more.
 */
import type { Bearer, BondedDevice, KeyStrength, LinkLevel, Probe, ProbeFailure } from '../../hal/bluetooth.ts';
import type { AnyRssi } from '../../hal/rssi.ts';
import type { BluezAdapter, BluezDevice, BluezObjects } from './bluez-objects.ts';
import { type BondKeys, readBond, strengthRank } from './bond-file.ts';

export interface Bond {
  readonly adapter: BluezAdapter;
  readonly device: BondedDevice;
}

/** Bytes of a link's key below which it can be searched for (KNOB). */
const KEY_BYTES = 16;

export const notProved = (reason: ProbeFailure, detail: string | null): Probe['outcome'] => ({
  proved: false,
  reason,
  detail,
});

/** The bearers it was bonded over with the strength of their keys, the better provable first. */
function bearersOf(keys: BondKeys | null, { addressType }: BluezDevice): readonly [Bearer, KeyStrength][] {
  const found: [Bearer, KeyStrength][] = [];
  if (keys !== null && keys.linkKey !== null) found.push(['BR/EDR', keys.linkKey]);
  if (keys !== null && keys.longTermKey !== null) found.push(['LE', keys.longTermKey]);
  // Stable: of two that are as strong, BR/EDR.
  found.sort(([, a], [, b]) => strengthRank(b) - strengthRank(a));
  // BR/EDR knows no random addresses.
  return found.length > 0 ? found : [[addressType === 'random' ? 'LE' : 'BR/EDR', 'unknown']];
}

async function bondOf(adapter: BluezAdapter, device: BluezDevice, folder: string): Promise<Bond> {
  const keys = await readBond(folder, adapter.address, device.address);
  const bearers = bearersOf(keys, device);
  const { addressType, name, classOfDevice } = device;
  const digest = keys === null ? null : keys.bonds[bearers[0]?.[0] === 'LE' ? 'longTermKey' : 'linkKey'];
  return {
    adapter,
    device: {
      address: device.address.toLowerCase(),
      addressType,
      bearers: bearers.map(([bearer]) => bearer),
      name,
      classOfDevice,
      key: bearers[0]?.[1] ?? 'unknown',
      identityKey: keys?.identityKey ?? null,
      ...(digest === null ? {} : { bond: digest }),
    },
  };
}

/** Whether it is still the bond that it was: between two readings somebody may have paired the device anew. */
export async function stands({ adapter, device: { address, bond } }: Bond, folder: string): Promise<boolean> {
  if (bond === undefined) return true;
  const now = await readBond(folder, adapter.address, address.toUpperCase());
  return now?.bonds.linkKey === bond || now?.bonds.longTermKey === bond;
}

const isBetter = (a: Bond, b: Bond): boolean => {
  if (a.adapter.powered !== b.adapter.powered) return a.adapter.powered;
  return strengthRank(a.device.key) > strengthRank(b.device.key);
};

/** Every bonded device once; bonded with several adapters, as the one has it that can prove it best. */
export async function bondsOf({ adapters, devices }: BluezObjects, folder: string): Promise<readonly Bond[]> {
  const best = new Map<string, Bond>();
  for (const device of devices) {
    const adapter = adapters.find(({ path }) => path === device.adapterPath);
    if (adapter === undefined) continue;
    const bond = await bondOf(adapter, device, folder);
    const known = best.get(bond.device.address);
    if (known === undefined || isBetter(bond, known)) best.set(bond.device.address, bond);
  }
  return [...best.values()];
}

const STRENGTH_WORDS: Readonly<Record<KeyStrength, string>> = {
  authenticated: '',
  unauthenticated: 'it was paired without a check against somebody in between (Just Works); pair it anew with a number',
  debug: 'its key is a debug key, which everybody knows; pair it anew',
  unknown: 'how its key was agreed is not known: the bond file of BlueZ cannot be read or believed',
};

/** Why this bond is not even asked; null: it is. */
export function keyProblem({ adapter, device: { key } }: Bond, minLevel: LinkLevel): Probe['outcome'] | null {
  if (!adapter.powered) return notProved('radio-off', null);
  const enough = minLevel === 'high' ? key === 'authenticated' : key !== 'debug';
  return enough ? null : notProved('weak-link', STRENGTH_WORDS[key]);
}

/** Only on the scale that the bearer measures on; null: it is not told. */
function strengthOf(rssi: AnyRssi | null, bearer: Bearer): AnyRssi | null {
  const scale = bearer === 'LE' ? 'dBm' : 'relative';
  return rssi?.scale === scale && Number.isFinite(rssi.value) ? rssi : null;
}

/** What the radio said, as far as the bond bears it. */
export function checkedOutcome(outcome: Probe['outcome'], { device }: Bond, minLevel: LinkLevel): Probe['outcome'] {
  if (!outcome.proved) return outcome;
  const { keySize } = outcome;
  if (!(keySize >= KEY_BYTES)) return notProved('weak-link', `the key of the link has ${keySize} bytes`);
  const authenticated = outcome.authenticated && device.key === 'authenticated';
  if (minLevel === 'high' && !authenticated) return notProved('weak-link', 'the link is not authenticated');
  const [bearer = 'BR/EDR'] = device.bearers;
  return { proved: true, encrypted: true, authenticated, keySize, rssi: strengthOf(outcome.rssi, bearer) };
}
