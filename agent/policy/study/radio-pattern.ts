/** Patterns of `wifi` and `bluetooth` conditions: what they ask of one association or one device. */
import type { BluetoothDevice, WifiAssociation } from '../../../drivers/observation.ts';
import { DEFAULT_MATCHING, type Matching } from '../model.ts';
import { BLUETOOTH_DEFAULTS, type BluetoothCondition, type WifiCondition } from '../rules.ts';
import { conditionHolds } from './one-condition.ts';
import { type Pattern, PatternSpace } from './pattern.ts';

interface WifiPattern extends Pattern<WifiAssociation> {
  readonly condition: WifiCondition;
}

interface BluetoothPattern extends Pattern<BluetoothDevice> {
  readonly condition: BluetoothCondition;
  readonly phones: Matching['phones'];
}

const elementWords = (condition: WifiCondition | BluetoothCondition): readonly string[] => {
  const { type: _type, ...elements } = condition;
  return Object.entries(elements)
    .flatMap(([element, value]) => (value === undefined ? [] : [`${element} ${value}`]))
    .sort();
};

const hexOf = (text: string): string =>
  [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, '0')).join('');

export function wifiPattern(condition: WifiCondition): WifiPattern {
  const words = elementWords(condition);
  const ssidHex = hexOf(condition.ssid);
  const matches = conditionHolds(condition, DEFAULT_MATCHING, 0);
  return {
    key: JSON.stringify(words),
    words: words.join(' and '),
    holds: (association) => association.ssidHex === ssidHex && matches({ associations: [association] }),
    condition,
  };
}

export const wifiSpace = (): PatternSpace<'wifi'> =>
  new PatternSpace('wifi', (index, patterns) => {
    const { ssid, bssid, security, trustedRootCA, signalQuality } = (patterns[index] as WifiPattern).condition;
    return [
      {
        interface: 'wlan0',
        ssidHex: hexOf(ssid),
        bssid: bssid ?? null,
        security,
        quality: signalQuality ?? null,
        rootThumbprints: trustedRootCA === undefined ? null : [trustedRootCA],
      },
    ];
  });

/** @param user whoever unlocks, in all situations that are compared */
export function bluetoothPattern(own: BluetoothCondition, matching: Matching, user: number): BluetoothPattern {
  const condition = { ...BLUETOOTH_DEFAULTS, ...own };
  const { phones } = matching;
  const words = elementWords(condition);
  const matches = conditionHolds(own, matching, user);
  return {
    key: JSON.stringify([words, phones]),
    words: [phones === 'enrolled' ? 'an enrolled device' : 'any paired device', ...words].join(' and '),
    holds: (device) => matches({ devices: [device] }),
    condition,
    phones,
  };
}

/**
 * A device is near by its strength, or where it was near before by its strength and by how much weaker it got. In each of
 * the two, what lies exactly on the thresholds of a condition satisfies the least of the others.
 */
export const bluetoothSpace = (user: number): PatternSpace<'bluetooth'> =>
  new PatternSpace('bluetooth', (index, patterns) => {
    const { condition, phones } = patterns[index] as BluetoothPattern;
    const { classOfDevice, rssiMin, rssiMaxDelta } = { ...BLUETOOTH_DEFAULTS, ...condition };
    const device = (value: number, rssiBest: number | null): BluetoothDevice => ({
      address: '02:00:00:00:00:01',
      name: 'device',
      classOfDevice,
      users: phones === 'enrolled' ? [user] : [],
      proved: true,
      rssi: { scale: 'relative', value },
      rssiBest,
    });
    const far = condition.rssiFar ?? rssiMin;
    const best = far - rssiMaxDelta;
    // Numbers with a fraction: the difference of what is stored may be a little less than what was asked for.
    return [device(rssiMin, null), device(far, far - best >= rssiMaxDelta ? best : best - 1e-9)];
  });
