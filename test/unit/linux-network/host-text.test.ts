import { describe, expect, it } from 'vitest';
import {
  addressOfBytes,
  addressText,
  domainText,
  isInterfaceName,
  kept,
  scoped,
} from '../../../drivers/linux/network/host-text.ts';
import { withPrefix } from '../../../drivers/linux/network/on-link.ts';

describe('addresses as text', () => {
  const TAKEN = [
    ['192.0.2.1', 4, '192.0.2.1'],
    ['2001:DB8:0:0:0:0:0:1', 6, '2001:db8::1'],
    ['::ffff:192.0.2.1', 6, '::ffff:192.0.2.1'],
  ] as const;
  for (const [text, family, canonical] of TAKEN) {
    it(`${text} is ${canonical}`, () => expect(addressText(text, family)).toBe(canonical));
  }

  const REFUSED: readonly (readonly [unknown, 4 | 6])[] = [
    ['192.0.2.1', 6],
    ['2001:db8::1', 4],
    ['192.0.2', 4],
    ['192.0.2.010', 4],
    ['192.0.2.1/24', 4],
    ['192.0.2.1 ', 4],
    ['fe80::1%eth0', 6],
    ['fe80::1%eth0%eth1', 6],
    ['', 4],
    ['1'.repeat(1_000_000), 4],
    [null, 4],
    [3221225985, 4],
    [['192.0.2.1'], 4],
  ];
  for (const [text, family] of REFUSED) {
    it(`${String(text).slice(0, 30)} is no address of IPv${family}`, () =>
      expect(addressText(text, family)).toBeNull());
  }

  it('bytes become the same text', () => {
    expect(addressOfBytes([192, 0, 2, 53], 4)).toBe('192.0.2.53');
    expect(addressOfBytes(Buffer.from('20010db8000100000000000000000053', 'hex'), 6)).toBe('2001:db8:1::53');
  });

  for (const bytes of [
    [],
    [1, 2, 3],
    [1, 2, 3, 4, 5],
    [256, 0, 0, 1],
    [-1, 0, 0, 1],
    [1.5, 0, 0, 1],
    [Number.NaN, 0, 0, 1],
  ]) {
    it(`the bytes ${JSON.stringify(bytes)} are no address`, () => expect(addressOfBytes(bytes, 4)).toBeNull());
  }

  it('only what is link-local gets a scope', () => {
    expect(scoped('fe80::1', 'eth0')).toBe('fe80::1%eth0');
    expect(scoped('febf::1', 'eth0')).toBe('febf::1%eth0');
    expect(scoped('2001:db8::1', 'eth0')).toBe('2001:db8::1');
    expect(scoped('fec0::1', 'eth0')).toBe('fec0::1');
  });
});

describe('names', () => {
  for (const name of ['eth0', 'wlp2s0', 'enx00e04c680001', 'br-1', 'ppp0.1']) {
    it(`${name} is a name of an interface`, () => expect(isInterfaceName(name)).toBe(true));
  }
  for (const name of ['', '.', '..', '../../etc', 'a/b', 'eth0\n', 'a b', 'a'.repeat(16), 'é', '\0', 7, null]) {
    it(`${JSON.stringify(name)} is none`, () => expect(isInterfaceName(name)).toBe(false));
  }

  for (const [text, name] of [
    ['ward.clinic.example', 'ward.clinic.example'],
    ['Ward.Clinic.Example.', 'Ward.Clinic.Example'],
    ['_tcp.example', '_tcp.example'],
    ['localdomain', 'localdomain'],
  ]) {
    it(`${text} is a name of a domain`, () => expect(domainText(text)).toBe(name));
  }
  for (const text of [
    'corp.example\n✓ granted',
    'corp.example\u001b[2J',
    'corp.example\0.evil.example',
    'corp example',
    '~corp.example',
    '.',
    '',
    '..example',
    '-a.example',
    'a..b',
    `${'a'.repeat(64)}.example`,
    'a.'.repeat(200),
    '\u202eelpmaxe',
    12,
    undefined,
  ]) {
    it(`${JSON.stringify(text)} is none`, () => expect(domainText(text)).toBeNull());
  }
});

describe('lists', () => {
  it('have each entry once, and 64 at most', () => {
    expect(kept(['a', 'b', 'a'], (each) => each)).toEqual(['a', 'b']);
    expect(
      kept(
        Array.from({ length: 5000 }, (_, i) => `${i}`),
        (each) => each,
      ),
    ).toHaveLength(64);
  });

  it('are looked at for 1024 entries, whatever they hold', () => {
    let looked = 0;
    kept(Array.from({ length: 100_000 }), () => {
      looked++;
      return null;
    });
    expect(looked).toBe(1024);
  });
});

describe('the prefix of an address', () => {
  const six = { family: 6, name: 'eth0' } as const;
  const of = (bits: number, routes: readonly (readonly [string, number])[]) =>
    withPrefix(
      [{ address: '2001:db8:1::100', bits }],
      routes.map(([destination, length]) => ({ destination, bits: length })),
      six,
    );

  it('is that of the route on the link when it was assigned alone', () =>
    expect(of(128, [['2001:db8:1::', 64]])).toEqual(['2001:db8:1::100/64']));
  it('is that of the narrowest such route', () =>
    expect(
      of(128, [
        ['2001:db8::', 32],
        ['2001:db8:1::', 64],
        ['2001:db8:1::', 48],
      ]),
    ).toEqual(['2001:db8:1::100/64']));
  it('stays alone without such a route', () =>
    expect(of(128, [['2001:db8:2::', 64]])).toEqual(['2001:db8:1::100/128']));
  it('is not taken from a default route, nor from the route of the host itself', () =>
    expect(
      of(128, [
        ['::', 0],
        ['2001:db8:1::100', 128],
      ]),
    ).toEqual(['2001:db8:1::100/128']));
  it('is the assigned one where there is one', () =>
    expect(of(64, [['2001:db8::', 32]])).toEqual(['2001:db8:1::100/64']));
  it('of IPv4 likewise', () =>
    expect(
      withPrefix([{ address: '192.0.2.5', bits: 32 }], [{ destination: '192.0.2.0', bits: 24 }], {
        family: 4,
        name: 'x',
      }),
    ).toEqual(['192.0.2.5/24']));
});
