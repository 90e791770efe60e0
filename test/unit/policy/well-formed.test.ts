/** Every field of an observation: left out, or of a wrong type, and the whole observation is one that nobody can read. */
import { describe, expect, test } from 'vitest';
import { isObservationOf } from '../../../agent/policy/match/well-formed.ts';
import type { SurroundingKind } from '../../../drivers/signal.ts';
import { associated, phone, suffixed, wired } from './situations.ts';

const full = { addresses: ['a'], gateways: ['b'], dhcpServers: ['c'], dnsServers: ['d'] };
const SOUND: Readonly<Record<SurroundingKind, unknown>> = {
  bluetooth: { devices: [phone({ rssiBest: -3 })] },
  ipConfig: suffixed('corp.example', wired({ ipv4: full, ipv6: full })),
  wifi: { associations: [associated({ rootThumbprints: ['ab'] })] },
};
/** Fields that a system may not tell. */
const NULLABLE = [
  'name',
  'classOfDevice',
  'rssi',
  'rssiBest',
  'primaryDnsSuffix',
  'addresses',
  'gateways',
  'dhcpServers',
  'dnsServers',
  'bssid',
  'security',
  'quality',
  'rootThumbprints',
];

type Path = readonly (string | number)[];

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [
    path,
    ...Object.entries(value).flatMap(([key, inner]) =>
      pathsOf(inner, [...path, Array.isArray(value) ? Number(key) : key]),
    ),
  ];
}

function withAt(value: unknown, [key, ...rest]: Path, put: unknown): unknown {
  if (key === undefined) return put;
  if (Array.isArray(value)) return value.map((entry, i) => (i === key ? withAt(entry, rest, put) : entry));
  const fields = value as Record<string, unknown>;
  return { ...fields, [key]: withAt(fields[key], rest, put) };
}

const cases = (Object.entries(SOUND) as [SurroundingKind, unknown][]).flatMap(([kind, sound]) =>
  pathsOf(sound).map((path): [SurroundingKind, string, Path] => [kind, path.join('.'), path]),
);

describe('an observation', () => {
  test.each(Object.entries(SOUND) as [SurroundingKind, unknown][])('of %s that is sound is one', (kind, sound) => {
    expect(isObservationOf(kind, sound)).toBe(true);
    expect(isObservationOf(kind, JSON.parse(JSON.stringify(sound)))).toBe(true);
  });

  test.each(cases)('of %s is none with something else at "%s"', (kind, _, path) => {
    const own = path.reduce<unknown>((at, key) => (at as Record<string | number, unknown>)[key], SOUND[kind]);
    const types = ['text', 7, true, [7], { a: 1 }];
    const wrong = types.filter((other) => typeof other !== typeof own || Array.isArray(other) !== Array.isArray(own));
    const others = [...wrong, undefined, ...(typeof own === 'number' ? [Number.NaN, Number.POSITIVE_INFINITY] : [])];
    for (const other of others) {
      expect([other, isObservationOf(kind, withAt(SOUND[kind], path, other))]).toEqual([other, false]);
    }
    // An interface has a name of its own, a phone may have none.
    const mayBeNull = NULLABLE.includes(String(path.at(-1))) && !(kind === 'ipConfig' && path.at(-1) === 'name');
    expect(isObservationOf(kind, withAt(SOUND[kind], path, null))).toBe(mayBeNull);
  });

  test('of ipConfig may say who said what, as text by name', () => {
    const face = (SOUND.ipConfig as { interfaces: object[] }).interfaces[0];
    const told = (sources: unknown) => ({ primaryDnsSuffix: null, interfaces: [{ ...face, sources }] });
    for (const sources of [undefined, {}, { 'ipv4.addresses': 'a' }]) {
      expect(isObservationOf('ipConfig', told(sources))).toBe(true);
    }
    for (const sources of [null, 'a', 7, { 'ipv4.addresses': 7 }, { 'ipv4.addresses': 'a', 'ipv4.gateways': null }]) {
      expect(isObservationOf('ipConfig', told(sources))).toBe(false);
    }
    const suffix = (source: unknown) => ({ ...(SOUND.ipConfig as object), primaryDnsSuffixSource: source });
    expect([undefined, 'a', null, 7].map((source) => isObservationOf('ipConfig', suffix(source)))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test.each(Object.keys(SOUND) as SurroundingKind[])('of %s may be of nothing', (kind) => {
    const list = { bluetooth: 'devices', ipConfig: 'interfaces', wifi: 'associations' }[kind];
    expect(isObservationOf(kind, { primaryDnsSuffix: null, [list]: [] })).toBe(true);
    expect(isObservationOf(kind, { primaryDnsSuffix: null, [list]: [null] })).toBe(false);
    for (const other of Object.keys(SOUND) as SurroundingKind[]) {
      if (other !== kind) expect(isObservationOf(other, SOUND[kind])).toBe(false);
    }
  });
});
