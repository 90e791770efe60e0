/**
 * `bluetooth`: a condition held against the bonded devices. Beyond what the rule asks, a phone counts only when it
 * proved its bond just now and was enrolled for this user: address, class and strength are satisfied by an impostor
 * without any key.
 */
import type { BluetoothDevice, BluetoothObservation } from '../../../drivers/observation.ts';
import type { Matching } from '../model.ts';
import { BLUETOOTH_DEFAULTS, type BluetoothCondition, MAJOR_DEVICE_CLASSES } from '../rules.ts';
import { closest, type ElementReason, element, type Match } from './element.ts';

/** Bits of the Class of Device that hold the major class (Bluetooth assigned numbers, baseband). */
const MAJOR_CLASS = 0x1f00;

const classWords = (major: number): string => `${MAJOR_DEVICE_CLASSES[major] ?? 'unknown'} (${major})`;

type Check = (device: BluetoothDevice | null, user: number | null) => ElementReason;

const strengthWords = (device: BluetoothDevice | null): string | null => {
  if (device?.rssi == null) return null;
  return device.rssi.scale === 'relative' ? `${device.rssi.value} dB` : `${device.rssi.value} dBm, another scale`;
};

/** On the scale of the rules; null: there is none. */
const relative = (device: BluetoothDevice | null): number | null =>
  device?.rssi?.scale === 'relative' && Number.isFinite(device.rssi.value) ? device.rssi.value : null;

function checksOf(condition: BluetoothCondition, matching: Matching): readonly Check[] {
  const { classOfDevice, rssiMin, rssiMaxDelta, rssiFar } = { ...BLUETOOTH_DEFAULTS, rssiFar: undefined, ...condition };
  const checks: Check[] = [
    (device) =>
      element(
        'proved',
        'a link under the bonded key',
        device === null ? null : device.proved ? 'proved' : 'not proved',
        device?.proved === true,
      ),
    (device) => {
      const major = device?.classOfDevice == null ? null : device.classOfDevice & MAJOR_CLASS;
      return element(
        'classOfDevice',
        classWords(classOfDevice),
        major === null ? null : classWords(major),
        major === classOfDevice,
      );
    },
    (device) => {
      const value = relative(device);
      const wasNear = (device?.rssiBest ?? null) !== null;
      const threshold = wasNear && rssiFar !== undefined ? rssiFar : rssiMin;
      return element(
        'rssiMin',
        `at least ${threshold} dB`,
        strengthWords(device),
        value !== null && value >= threshold,
      );
    },
    (device) => {
      const [value, best] = [relative(device), device?.rssiBest ?? null];
      const found =
        value === null ? null : best === null ? 'it was not near before' : `${value - best} dB since ${best} dB`;
      const ok = value !== null && (best === null || value - best >= rssiMaxDelta);
      return element('rssiMaxDelta', `weaker by at most ${-rssiMaxDelta} dB`, found, ok);
    },
  ];
  if (matching.phones === 'enrolled') {
    checks.unshift((device, user) => {
      const found =
        device === null
          ? null
          : device.users.length === 0
            ? 'paired with the machine only'
            : `enrolled for uid ${device.users.join(', ')}`;
      return element(
        'user',
        user === null ? 'enrolled for this user' : `enrolled for uid ${user}`,
        found,
        user !== null && (device?.users.includes(user) ?? false),
      );
    });
  }
  return checks;
}

/** The condition made ready. `user`: numeric id of whoever unlocks; null: nobody's phone counts but a paired one. */
export function bluetoothMatcher(
  condition: BluetoothCondition,
  matching: Matching,
): (observation: BluetoothObservation, user: number | null) => Match {
  const checks = checksOf(condition, matching);
  return ({ devices }, user) => {
    const candidates = devices.map((device): Match => {
      const elements = checks.map((check) => check(device, user));
      return { ok: elements.every(({ ok }) => ok), where: device.name ?? device.address, elements };
    });
    return closest(
      candidates,
      checks.map((check) => check(null, user)),
    );
  };
}
