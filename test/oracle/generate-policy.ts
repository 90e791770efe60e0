/** Generated policies: small, so that every way through them can be written down, and of all constructs. */
import { checkedDocument } from '../../agent/policy/forms/native-json.ts';
import { policyFor, type UnlockPolicy } from '../../agent/policy/model.ts';
import { isUnlockdError } from '../../drivers/base/errors.ts';
import { INTERFACE_KINDS, WIFI_SECURITIES } from '../../drivers/observation.ts';
import { FACTOR_KINDS, GESTURE_KINDS, SIGNAL_KINDS } from '../../drivers/signal.ts';
import type { SeededDice } from './dice.ts';
import { ADDRESSES, PREFIXES, ROOTS, SSIDS, SUFFIXES } from './words.ts';

type Json = Readonly<Record<string, unknown>>;

function bluetooth(dice: SeededDice): Json {
  const rssiMin = dice.pick([undefined, -10, -5, -20, 0]);
  return {
    type: 'bluetooth',
    ...(dice.chance(0.3) ? { classOfDevice: dice.pick([512, 1792]) } : {}),
    ...(rssiMin === undefined ? {} : { rssiMin }),
    ...(dice.chance(0.3) ? { rssiMaxDelta: dice.pick([-10, -8, 0]) } : {}),
    ...(dice.chance(0.3) ? { rssiFar: (rssiMin ?? -10) - dice.pick([0, 5, 10]) } : {}),
  };
}

function ipConfig(dice: SeededDice): Json {
  const condition: Record<string, unknown> = { type: 'ipConfig' };
  while (Object.keys(condition).length < 2 || dice.chance(0.35)) {
    const family = dice.pick(['ipv4', 'ipv4', 'ipv6'] as const);
    const addresses = ADDRESSES[family];
    const kind = dice.pick(['Prefix', 'Gateway', 'DhcpServer', 'DnsServer', 'suffix']);
    if (kind === 'Prefix') condition[`${family}Prefix`] = dice.pick(PREFIXES[family]);
    else if (kind === 'DnsServer') condition[`${family}DnsServer`] = dice.some(addresses, 1, 2);
    else if (kind === 'suffix') condition.dnsSuffix = dice.some(SUFFIXES, 1, 2);
    else condition[`${family}${kind}`] = dice.pick(addresses);
  }
  return condition;
}

function wifi(dice: SeededDice): Json {
  return {
    type: 'wifi',
    ssid: dice.pick(SSIDS),
    security: dice.pick(WIFI_SECURITIES.slice(4, 7)),
    ...(dice.chance(0.3) ? { bssid: dice.pick(['02:00:00:00:00:0a', '02:00:00:00:00:0b']) } : {}),
    ...(dice.chance(0.3) ? { trustedRootCA: dice.pick(ROOTS) } : {}),
    ...(dice.chance(0.4) ? { signalQuality: dice.pick([0, 65, 80, 100]) } : {}),
  };
}

const condition = (dice: SeededDice): Json => dice.pick([bluetooth, ipConfig, ipConfig, wifi])(dice);

function requirement(dice: SeededDice, names: readonly string[], windows: readonly string[], depth: number): unknown {
  const leaf = () => dice.pick(dice.chance(0.6) ? GESTURE_KINDS : names);
  if (depth === 0 || dice.chance(0.35)) return leaf();
  const parts = (least: number) => {
    const list = Array.from({ length: least + dice.roll(3) }, () => requirement(dice, names, windows, depth - 1));
    return list.filter((part, i) => typeof part !== 'string' || list.indexOf(part) === i);
  };
  const shape = dice.roll(10);
  if (shape < 2 && windows.length > 0) {
    return { during: dice.pick(windows), need: requirement(dice, names, windows, depth - 1) };
  }
  if (shape < 5) return { any: parts(2) };
  if (shape < 8) return { all: parts(2) };
  const of = parts(2);
  return { atLeast: 1 + dice.roll(of.length), of };
}

const time = (dice: SeededDice): string => dice.pick(['00:00', '08:00', '12:30', '17:30', '22:00', '23:59']);

const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

function timeWindow(dice: SeededDice): Json {
  const from = time(dice);
  return {
    days: dice.some(DAYS, 1, 7),
    from,
    to: dice.chance(0.2) ? '24:00' : dice.pick(['00:01', '06:00', '12:30', '18:00', from === '00:00' ? '12:00' : from]),
  };
}

function document(dice: SeededDice): Json {
  const rules = Array.from({ length: dice.roll(5) + (dice.chance(0.25) ? 4 : 0) }, (_, i) => ({
    name: `r${i}`,
    all: Array.from({ length: dice.chance(0.75) ? 1 : 2 }, () => condition(dice)),
  }));
  const windows = Object.fromEntries(Array.from({ length: dice.roll(3) }, (_, i) => [`w${i}`, timeWindow(dice)]));
  const names = [...FACTOR_KINDS, 'trustedSignal', 'trustedSignal', ...rules.map(({ name }) => `rule:${name}`)];
  const lists = () => ({ all: [{ any: dice.some(GESTURE_KINDS, 1, 4) }, { any: dice.some(names.slice(0, 7), 1, 4) }] });
  const tree = () => ({
    all: [requirement(dice, names, Object.keys(windows), 2), requirement(dice, names, Object.keys(windows), 2)],
  });
  return {
    version: 2,
    contexts: {
      unlock: {
        require: dice.chance(0.3)
          ? lists()
          : dice.chance(0.7)
            ? tree()
            : requirement(dice, names, Object.keys(windows), 3),
        acceptAsserted: dice.chance(0.6),
      },
    },
    rules,
    windows,
    matching: {
      ...(dice.chance(0.3) ? { dnsSuffix: 'substring' } : {}),
      ...(dice.chance(0.3) ? { adapters: 'mixed' } : {}),
      ...(dice.chance(0.4) ? { repeated: 'any' } : {}),
      ...(dice.chance(0.3) ? { phones: 'any-paired' } : {}),
      ...(dice.chance(0.2) ? { interfaceKinds: dice.some(INTERFACE_KINDS, 0, 6) } : {}),
    },
    freshnessSeconds: Object.fromEntries(dice.some(SIGNAL_KINDS, 0, 2).map((kind) => [kind, dice.pick([1, 5, 0.5])])),
  };
}

/** A policy that the product accepts; the few documents that it does not are thrown away. */
export function generatedPolicy(dice: SeededDice): UnlockPolicy {
  for (;;) {
    try {
      return policyFor(checkedDocument(document(dice)), 'unlock');
    } catch (error) {
      if (!isUnlockdError(error, 'ERR_POLICY_INVALID')) throw error;
    }
  }
}
