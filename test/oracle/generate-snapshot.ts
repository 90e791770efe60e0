/**
 * Generated snapshots: about the policy, so that both verdicts come up. Of each kind there is mostly a signal that could
 * count; a part of them is old, of the future, simulated, filed wrongly, or garbage.
 */
import type { UnlockPolicy } from '../../agent/policy/model.ts';
import type { BluetoothCondition, IpConfigCondition, WifiCondition } from '../../agent/policy/rules.ts';
import { INTERFACE_KINDS, WIFI_SECURITIES } from '../../drivers/observation.ts';
import { GESTURE_KINDS, UNAVAILABLE_REASONS, UNSATISFIED_REASONS } from '../../drivers/signal.ts';
import type { SeededDice } from './dice.ts';
import type { Facts, PlainSignal } from './facts.ts';
import { OBSERVED, OWN_SUFFIXES, ROOTS, SERVERS, SSIDS } from './words.ts';

const NOW = 100_000;
const USER = 1000;
type Fields = Record<string, unknown>;

const maybe = (dice: SeededDice, share: number, fields: () => Fields): Fields => (dice.chance(share) ? fields() : {});

/** What every signal has, and what may be wrong with it. */
function base(dice: SeededDice, kind: string): Fields {
  return {
    kind,
    source: 'generated',
    observedAt: NOW - dice.pick([0, 400, 900, 1000, 1001]),
    validFor: dice.pick([1000, 5000, 10_000]),
    simulated: false,
    ...maybe(dice, 0.04, () => ({ observedAt: NOW - dice.pick([5000, 5001, 10_000, 10_001]) })),
    ...maybe(dice, 0.02, () => ({ observedAt: NOW + dice.pick([1, 0.5, 1e9]) })),
    ...maybe(dice, 0.03, () => ({ simulated: true })),
    ...maybe(dice, 0.02, () => ({
      [dice.pick(['observedAt', 'validFor', 'simulated', 'kind'])]: dice.pick([
        Number.NaN,
        Infinity,
        '1',
        null,
        undefined,
        -1,
      ]),
    })),
  };
}

function gesture(dice: SeededDice, kind: string): PlainSignal {
  const common = base(dice, kind);
  const state = dice.roll(16);
  if (state < 13) {
    return { ...common, state: 'satisfied', strength: dice.chance(0.9) ? 'bound' : 'gate', evidence: {} };
  }
  if (state < 14) return { ...common, state: 'unsatisfied', reason: dice.pick(UNSATISFIED_REASONS) };
  if (state < 15) return { ...common, state: 'unavailable', reason: dice.pick(UNAVAILABLE_REASONS) };
  return { ...common, state: dice.pick(['observed', 'granted', null, 'satisfied']), observation: {}, evidence: null };
}

const conditionsOf = (policy: UnlockPolicy, type: string) =>
  policy.rules.flatMap(({ all }) => all.filter((condition) => condition.type === type));

function device(dice: SeededDice, like: BluetoothCondition | undefined): Fields {
  const { classOfDevice = 512, rssiMin = -10 } = like ?? {};
  const near = rssiMin + dice.pick([0, 1, 5, -0.5, -3, -8]);
  return {
    address: '02:00:00:00:00:01',
    name: dice.chance(0.5) ? 'phone' : null,
    classOfDevice: dice.chance(0.85) ? 0x5a000c + classOfDevice : dice.pick([null, 0x1f00, 0x5a020c, -1]),
    users: dice.chance(0.75) ? [USER] : dice.pick([[], [1001], [1001, USER]]),
    proved: dice.chance(0.9),
    rssi: dice.chance(0.9) ? { scale: dice.chance(0.95) ? 'relative' : 'dBm', value: near } : null,
    rssiBest: dice.chance(0.5) ? null : near + dice.pick([0, 3, 8, 10, 10.5, 20]),
  };
}

function family(dice: SeededDice, which: 'ipv4' | 'ipv6', like: IpConfigCondition | undefined): Fields {
  const list = (wanted: readonly (string | undefined)[], others: readonly string[]): unknown => {
    if (dice.chance(0.08)) return null;
    const own = wanted.flatMap((entry) => (entry !== undefined && dice.chance(0.9) ? [entry] : []));
    return dice.shuffled([...own, ...dice.some(others, 0, 2)]);
  };
  const prefix = like?.[`${which}Prefix`];
  const host = prefix === undefined || dice.chance(0.5) ? undefined : `${prefix.split('/')[0]}/9`;
  return {
    addresses: list([host, prefix === undefined ? undefined : dice.pick(OBSERVED[which].slice(0, 2))], OBSERVED[which]),
    gateways: list([like?.[`${which}Gateway`]], SERVERS[which]),
    dhcpServers: list([like?.[`${which}DhcpServer`]], SERVERS[which]),
    dnsServers: list(like?.[`${which}DnsServer`] ?? [], SERVERS[which]),
  };
}

function face(dice: SeededDice, like: IpConfigCondition | undefined): Fields {
  return {
    name: dice.pick(['eth0', 'wlan0', 'tun0']),
    kind: dice.chance(0.8) ? dice.pick(['ethernet', 'wifi']) : dice.pick([...INTERFACE_KINDS, 'else']),
    connected: dice.chance(0.92),
    ipv4: family(dice, 'ipv4', like),
    ipv6: family(dice, 'ipv6', like),
  };
}

function association(dice: SeededDice, like: WifiCondition | undefined): Fields {
  const ssid = Buffer.from(like !== undefined && dice.chance(0.9) ? like.ssid : dice.pick(SSIDS), 'utf8').toString(
    'hex',
  );
  return {
    interface: 'wlan0',
    ssidHex: dice.chance(0.95) ? ssid : dice.pick(['', 'ff00fe', `${ssid}00`, ssid.toUpperCase()]),
    bssid: dice.chance(0.9) ? (like?.bssid ?? '02:00:00:00:00:0A') : dice.pick([null, '02:00:00:00:00:0b']),
    security: like !== undefined && dice.chance(0.9) ? like.security : dice.pick([...WIFI_SECURITIES, null]),
    quality: dice.chance(0.9) ? Math.min(100, (like?.signalQuality ?? 50) + dice.pick([0, 0, 1, 20, -1])) : null,
    rootThumbprints: dice.chance(0.8) ? dice.some(ROOTS, 1, 2) : dice.pick([null, [], ['ab']]),
  };
}

/** Something of it is not what it should be. */
function spoiled(dice: SeededDice, observation: Fields): unknown {
  const copy = structuredClone(observation);
  let at: Fields = copy;
  for (;;) {
    const keys = Object.keys(at);
    const key = keys[dice.roll(keys.length)];
    if (key === undefined) return null;
    const inner = at[key];
    if (typeof inner === 'object' && inner !== null && Object.keys(inner).length > 0 && dice.chance(0.75)) {
      at = inner as Fields;
      continue;
    }
    at[key] = dice.pick([undefined, null, 7, 'text', true, {}, [], Number.NaN, [null], { length: 3 }]);
    return copy;
  }
}

/** A few things, one of which mostly is like a condition of the policy. */
function several(dice: SeededDice, one: (like: boolean) => Fields): Fields[] {
  const things = Array.from({ length: dice.pick([0, 1, 1, 1, 2, 2, 3]) }, (_, i) => one(i === 0 && dice.chance(0.85)));
  return dice.shuffled(things);
}

function surroundings(dice: SeededDice, kind: string, policy: UnlockPolicy): PlainSignal {
  const common = base(dice, kind);
  if (dice.chance(0.05)) return { ...common, state: 'unavailable', reason: dice.pick(UNAVAILABLE_REASONS) };
  if (dice.chance(0.02)) return { ...common, state: 'satisfied', strength: 'bound', evidence: {} };
  const conditions = conditionsOf(policy, kind);
  const like = conditions.length === 0 ? undefined : dice.pick(conditions);
  const observation: Fields =
    kind === 'bluetooth'
      ? { devices: several(dice, (is) => device(dice, is ? (like as BluetoothCondition | undefined) : undefined)) }
      : kind === 'wifi'
        ? {
            associations: several(dice, (is) =>
              association(dice, is ? (like as WifiCondition | undefined) : undefined),
            ),
          }
        : {
            primaryDnsSuffix: suffixLike(dice, like as IpConfigCondition | undefined),
            interfaces: several(dice, (is) => face(dice, is ? (like as IpConfigCondition | undefined) : undefined)),
          };
  return { ...common, state: 'observed', observation: dice.chance(0.05) ? spoiled(dice, observation) : observation };
}

function suffixLike(dice: SeededDice, like: IpConfigCondition | undefined): string | null {
  const wanted = like?.dnsSuffix?.[0];
  if (wanted === undefined || dice.chance(0.2)) return dice.pick(OWN_SUFFIXES);
  return dice.chance(0.5) ? wanted : `x.${wanted}`;
}

export function generatedFacts(dice: SeededDice, policy: UnlockPolicy): Facts {
  const signals = new Map<string, PlainSignal>();
  for (const kind of GESTURE_KINDS) if (dice.chance(0.85)) signals.set(kind, gesture(dice, kind));
  for (const kind of ['bluetooth', 'ipConfig', 'wifi']) {
    if (dice.chance(0.85)) signals.set(kind, surroundings(dice, kind, policy));
  }
  return {
    signals,
    now: dice.chance(0.995) ? NOW : dice.pick([Number.NaN, Infinity, -Infinity, 0]),
    machineSimulated: dice.chance(0.3),
    pinIsBound: dice.chance(0.8),
    user: dice.chance(0.9) ? USER : dice.pick([null, 1001]),
    localTime: dice.chance(0.9)
      ? {
          day: dice.pick(['monday', 'wednesday', 'saturday', 'sunday'] as const),
          minute: dice.pick([0, 1, 359, 360, 480, 749, 750, 1049, 1050, 1080, 1320, 1439]),
        }
      : null,
  };
}
