/** What stands in resolv.conf and in dhclient's leases, as far as it can be believed. */
import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unixMs } from '../../../drivers/base/brand.ts';
import { leaseIn, readLeases } from '../../../drivers/linux/network/dhclient-leases.ts';
import { parseResolvConf } from '../../../drivers/linux/network/resolv-conf.ts';

/** As dhclient 4.4.3 writes it. */
const lease = (more: Readonly<Record<string, string>> = {}) => {
  const fields = {
    interface: '"eth0"',
    'fixed-address': '192.0.2.60',
    'option subnet-mask': '255.255.255.0',
    'option routers': '192.0.2.1',
    'option domain-name-servers': '192.0.2.53,192.0.2.54',
    'option dhcp-server-identifier': '192.0.2.1',
    'option domain-name': '"ward.clinic.example"',
    expire: '2 2026/11/24 14:12:13',
    ...more,
  };
  return `lease {\n${Object.entries(fields)
    .map(([name, value]) => `  ${name} ${value};\n`)
    .join('')}}\n`;
};
const BEFORE = unixMs(Date.UTC(2026, 10, 24, 14, 12, 12));
const AFTER = unixMs(Date.UTC(2026, 10, 24, 14, 12, 14));

describe('a lease of dhclient', () => {
  it('tells the address, the server, the DNS servers and the suffix', () => {
    expect(leaseIn(lease(), 'eth0', BEFORE)).toEqual({
      address: '192.0.2.60',
      server: '192.0.2.1',
      dnsServers: ['192.0.2.53', '192.0.2.54'],
      suffixes: ['ward.clinic.example'],
    });
  });

  it('counts until it ends', () => expect(leaseIn(lease(), 'eth0', AFTER)).toBeNull());
  it('counts without an end', () => expect(leaseIn(lease({ expire: 'never' }), 'eth0', AFTER)).not.toBeNull());
  it('may tell its end in seconds since 1970', () => {
    const text = lease({ expire: `epoch ${Math.floor(AFTER / 1000)}` });
    expect(leaseIn(text, 'eth0', BEFORE)).not.toBeNull();
    expect(leaseIn(text, 'eth0', AFTER)).toBeNull();
  });
  for (const expire of ['', 'soon', '2 9999/99/99 99:99:99', 'epoch 99999999999999999999']) {
    it(`with the end ${JSON.stringify(expire)} does not count`, () =>
      expect(leaseIn(lease({ expire }), 'eth0', BEFORE)).toBeNull());
  }
  it('of another interface does not count', () => expect(leaseIn(lease(), 'eth1', BEFORE)).toBeNull());
  it('is the last of its interface, also when that one has ended', () => {
    const old = lease({ expire: '1 2020/01/01 00:00:00' });
    expect(leaseIn(lease() + old, 'eth0', BEFORE)).toBeNull();
    expect(leaseIn(old + lease({ interface: '"eth1"' }) + lease(), 'eth0', BEFORE)).not.toBeNull();
  });
  it('of IPv6 is none of IPv4', () => expect(leaseIn(lease().replace('lease', 'lease6'), 'eth0', BEFORE)).toBeNull());
  it('without an address is none', () =>
    expect(leaseIn(lease({ 'fixed-address': 'localhost' }), 'eth0', BEFORE)).toBeNull());
  it('loses what is no address and no name, and keeps the rest', () => {
    const text = lease({
      'option domain-name-servers': '192.0.2.53, evil, 0x7f000001',
      'option domain-name': '"corp.example\u001b[2J"',
      'option dhcp-server-identifier': '"192.0.2.1"',
    });
    expect(leaseIn(text, 'eth0', BEFORE)).toMatchObject({ server: null, dnsServers: ['192.0.2.53'], suffixes: [] });
  });
  it('is not cut short by braces in a text of the network', () => {
    const text = lease({ 'option domain-name': '"}\\nlease {"' });
    expect(leaseIn(text, 'eth0', BEFORE)?.server).toBe('192.0.2.1');
  });
});

describe('files of leases', () => {
  it('count only when root wrote them, nobody else may, and they are of a size that dhclient leaves', async (test) => {
    if (process.getuid?.() !== 0) test.skip('needs root: only its files count');
    const folder = await mkdtemp(join(tmpdir(), 'unlockd-leases-'));
    try {
      const at = (name: string) => join(folder, name);
      await writeFile(at('dhclient.eth0.leases'), 'good', { mode: 0o644 });
      await writeFile(at('dhclient.all.leases'), 'bad: writable');
      await chmod(at('dhclient.all.leases'), 0o666);
      await writeFile(at('dhclient.big.leases'), 'bad'.repeat(100_000));
      await writeFile(at('other.leases'), 'bad: another program');
      await symlink('/dev/zero', at('dhclient.zero.leases'));
      await symlink('/nowhere', at('dhclient.gone.leases'));
      expect(await readLeases([folder, '/nowhere/at/all'])).toEqual(['good']);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('resolv.conf', () => {
  it('tells servers of both families and the first name of the last list', () => {
    const text = [
      '# made by hand',
      'domain old.example',
      'nameserver 192.0.2.53',
      'nameserver\t2001:db8:1::53 # six',
      'search ward.clinic.example clinic.example',
      'options edns0',
    ].join('\n');
    expect(parseResolvConf(text, 'eth0')).toEqual({
      servers4: ['192.0.2.53'],
      servers6: ['2001:db8:1::53'],
      suffix: 'ward.clinic.example',
      suffixes: ['ward.clinic.example', 'clinic.example'],
    });
  });

  it('takes a resolver on this machine for nothing', () => {
    const text = 'nameserver 127.0.0.53\nnameserver ::1\nnameserver 0.0.0.0\n';
    expect(parseResolvConf(text, 'eth0')).toMatchObject({ servers4: [], servers6: [] });
  });

  it('takes a link-local server only on the interface that it names', () => {
    const text = 'nameserver fe80::53%eth0\nnameserver fe80::54%wlan0\n';
    expect(parseResolvConf(text, 'eth0').servers6).toEqual(['fe80::53%eth0']);
  });

  it('is nothing when it is empty, or no such file at all', () => {
    for (const text of ['', '\0\0\0', 'search\nnameserver\n', '{"search": "x"}']) {
      expect(parseResolvConf(text, 'eth0')).toEqual({ servers4: [], servers6: [], suffix: null, suffixes: [] });
    }
  });
});
