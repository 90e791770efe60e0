/**
 * `bluetooth`: a condition held against the bonded devices. Beyond what the rule asks, a phone counts only when it
 * proved its bond just now and was enrolled for this user: address, class and strength are satisfied by an impostor
 * without any key.
 */
import type { BluetoothDevice, BluetoothObservation } from '../../../drivers/observation.ts';
import type { Matching } from '../model.ts';
import { BLUETOOTH_DEFAULTS, type BluetoothCondition, MAJOR_DEVICE_CLASSES } from '../rules.ts';
import { type Check, type Matcher, matcherOf, type View } from './check.ts';

/** A device, and who wants to unlock: numeric id, null: unknown, so nobody's phone counts but a paired one. */
export interface NearbyDevice {
  readonly device: BluetoothDevice;
  readonly user: number | null;
}

/** Where there is none. */
const NO_DEVICE: BluetoothDevice = {
  address: '',
  name: null,
  classOfDevice: null,
  users: [],
  proved: false,
  rssi: null,
  rssiBest: null,
};

/** Bits of the Class of Device that hold the major class (Bluetooth assigned numbers, baseband). */
const MAJOR_CLASS = 0x1f00;

const classWords = (major: number): string => `${MAJOR_DEVICE_CLASSES[major] ?? 'unknown'} (${major})`;

const majorOf = ({ classOfDevice }: BluetoothDevice): number | null =>
  classOfDevice === null ? null : classOfDevice & MAJOR_CLASS;

const strengthWords = ({ rssi }: BluetoothDevice): string | null => {
  if (rssi === null) return null;
  return rssi.scale === 'relative' ? `${rssi.value} dB` : `${rssi.value} dBm, another scale`;
};

/** On the scale of the rules; null: there is none. */
const relative = ({ rssi }: BluetoothDevice): number | null => (rssi?.scale === 'relative' ? rssi.value : null);

const isOf = ({ users }: BluetoothDevice, user: number | null): boolean => user !== null && users.includes(user);

/** Of somebody else than who asks: whose it is, and how near, is not for them to know. Who asks for nobody sees all. */
const isForeign = ({ device, user }: NearbyDevice): boolean =>
  user !== null && device.users.length > 0 && !isOf(device, user);

const enrolled: Check<NearbyDevice> = {
  name: 'user',
  holds: ({ device, user }) => isOf(device, user),
  expected: (nearby) => {
    const user = nearby?.user ?? null;
    return user === null ? 'enrolled for this user' : `enrolled for uid ${user}`;
  },
  found: ({ device, user }) => {
    if (device.users.length === 0) return 'paired with the machine only';
    return isOf(device, user) ? `enrolled for uid ${user}` : `enrolled for uid ${device.users.join(', ')}`;
  },
};

const proved: Check<NearbyDevice> = {
  name: 'proved',
  holds: ({ device }) => device.proved,
  expected: () => 'a link under the bonded key',
  found: ({ device }) => (device.proved ? 'proved' : 'not proved'),
};

function checksOf(condition: BluetoothCondition, matching: Matching): readonly Check<NearbyDevice>[] {
  const { classOfDevice, rssiMin, rssiMaxDelta, rssiFar } = { ...BLUETOOTH_DEFAULTS, rssiFar: undefined, ...condition };
  const thresholdFor = (device: BluetoothDevice): number =>
    rssiFar !== undefined && device.rssiBest !== null ? rssiFar : rssiMin;
  return [
    ...(matching.phones === 'enrolled' ? [enrolled] : []),
    proved,
    {
      name: 'classOfDevice',
      holds: ({ device }) => majorOf(device) === classOfDevice,
      expected: () => classWords(classOfDevice),
      found: ({ device }) => {
        const major = majorOf(device);
        return major === null ? null : classWords(major);
      },
    },
    {
      name: 'rssiMin',
      holds: ({ device }) => {
        const value = relative(device);
        return value !== null && value >= thresholdFor(device);
      },
      expected: (nearby) => `at least ${thresholdFor(nearby?.device ?? NO_DEVICE)} dB`,
      found: ({ device }) => strengthWords(device),
    },
    {
      name: 'rssiMaxDelta',
      holds: ({ device }) => {
        const [value, best] = [relative(device), device.rssiBest];
        return value !== null && (best === null || value - best >= rssiMaxDelta);
      },
      expected: () => `weaker by at most ${-rssiMaxDelta} dB`,
      found: ({ device }) => {
        const [value, best] = [relative(device), device.rssiBest];
        if (value === null) return null;
        return best === null ? 'it was not near before' : `${value - best} dB since ${best} dB`;
      },
    },
  ];
}

/** The condition made ready. Its reasons tell nothing of the phones of others, unless those count here too. */
export function bluetoothMatcher(condition: BluetoothCondition, matching: Matching): Matcher<NearbyDevice> {
  const { holds, match } = matcherOf<NearbyDevice>({
    checks: checksOf(condition, matching),
    repeated: 'all',
    where: (nearby) =>
      isForeign(nearby) ? 'the phone of another user' : (nearby.device.name ?? nearby.device.address),
  });
  if (matching.phones === 'any-paired') return { holds, match };
  const own = ({ candidates, none }: View<NearbyDevice>): View<NearbyDevice> => ({
    candidates: candidates.filter((nearby) => !isForeign(nearby)),
    none,
  });
  return { holds, match: (view) => match(own(view)) };
}

export const bluetoothView = ({ devices }: BluetoothObservation, user: number | null): View<NearbyDevice> => ({
  candidates: devices.map((device) => ({ device, user })),
  none: { device: NO_DEVICE, user },
});
