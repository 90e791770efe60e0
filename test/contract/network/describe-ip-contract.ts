/** What every host of the IP seam does, whatever it runs on. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import type { HostInterface, IpHal } from '../../../drivers/hal/network.ts';
import { UPLINK } from '../../support/network/network-lab.ts';
import { anySignal, SeenIp, uplinkOf } from '../../support/network/seen-ip.ts';

/** A host whose interface `uplink` is plugged into the network of the tests. */
export interface IpWorld extends AsyncDisposable {
  readonly hal: IpHal;
  /** Pulls the cable, or plugs it in again. */
  cable(plugged: boolean): Promise<void>;
  /** Whoever tells of addresses dies, and comes back. Null: the kernel, which does neither. */
  readonly daemon: { kill(): Promise<void>; start(): Promise<void> } | null;
}

/** What this host can tell of the network, and whom it names for it. */
export interface Tells {
  readonly physical: boolean;
  readonly kind: HostInterface['kind'];
  /** Of every field that it tells. */
  readonly source: RegExp;
  readonly dhcpServer6: 'told' | 'not told';
  readonly dnsServer6: 'told' | 'not told';
  /** Whether it is said of what came by DHCP that it did. */
  readonly dhcp: 'said' | 'not said';
}

type Fields = readonly (readonly [string, { readonly source: string } | null])[];
const fieldsOf = (face: HostInterface): Fields => [
  ...Object.entries(face.ipv4).map(([name, told]) => [`ipv4.${name}`, told] as const),
  ...Object.entries(face.ipv6).map(([name, told]) => [`ipv6.${name}`, told] as const),
  ['dnsSuffixes', face.dnsSuffixes] as const,
];

/** Everything that the network serves and this host tells has arrived. */
function isComplete(face: HostInterface | undefined, tells: Tells): boolean {
  if (face?.connected !== true) return false;
  const { ipv4, ipv6, dnsSuffixes } = face;
  const wanted = [ipv4.addresses, ipv4.gateways, ipv4.dhcpServers, ipv4.dnsServers, ipv6.gateways, dnsSuffixes];
  if (tells.dhcpServer6 === 'told') wanted.push(ipv6.dhcpServers);
  if (tells.dnsServer6 === 'told') wanted.push(ipv6.dnsServers);
  const leased = ipv6.addresses?.value.some((address) => address.startsWith('2001:'));
  return leased === true && wanted.every((told) => told?.value[0] !== undefined);
}

export function describeIpContract(
  name: string,
  tells: Tells,
  open: (() => Promise<IpWorld>) | { readonly skip: string },
): void {
  if ('skip' in open) {
    it.skip(`the IP host ${name} (skipped: ${open.skip})`, () => undefined);
    return;
  }
  describe(`the IP host ${name}`, () => {
    let world: IpWorld;
    let seen: SeenIp;
    let uplink: HostInterface;
    beforeAll(async () => {
      world = await open();
      seen = new SeenIp(world.hal);
      const found = uplinkOf(await seen.until((face) => isComplete(face, tells)));
      if (found === undefined) throw new Error('no uplink');
      uplink = found;
    });
    afterAll(async () => {
      await seen?.[Symbol.asyncDispose]();
      await world?.[Symbol.asyncDispose]();
    });

    it('begins its events with whether it can be asked', () => {
      expect(seen.all[0]?.type).toBe('available');
    });

    it('tells what the network serves over IPv4', () => {
      expect(uplink.ipv4.addresses?.value).toEqual(['192.0.2.50/24']);
      expect(uplink.ipv4.gateways?.value).toEqual(['192.0.2.1']);
      expect(uplink.ipv4.dhcpServers?.value).toEqual(['192.0.2.1']);
      expect(uplink.ipv4.dnsServers?.value).toEqual(['192.0.2.53']);
      expect(uplink.dnsSuffixes?.value).toEqual(['ward.clinic.example']);
    });

    it('takes the IPv6 prefix from the route on the link, although the address was assigned alone', () => {
      expect(uplink.ipv6.addresses?.value).toContain('2001:db8:1::100/64');
    });

    it('tells a link-local gateway with the interface as its scope', () => {
      expect(uplink.ipv6.gateways?.value).toEqual([expect.stringMatching(new RegExp(`^fe80::[0-9a-f:]+%${UPLINK}$`))]);
    });

    it(`has the IPv6 DHCP server ${tells.dhcpServer6}, the IPv6 DNS server ${tells.dnsServer6}`, () => {
      const { dhcpServers, dnsServers } = uplink.ipv6;
      if (tells.dhcpServer6 === 'told') {
        expect(dhcpServers?.value).toEqual([expect.stringMatching(new RegExp(`^fe80::[0-9a-f:]+%${UPLINK}$`))]);
      } else expect(dhcpServers).toBeNull();
      if (tells.dnsServer6 === 'told') expect(dnsServers?.value).toEqual(['2001:db8:1::53']);
      else expect(dnsServers).toBeNull();
    });

    it('says of every field that it tells who said so', () => {
      const sources = fieldsOf(uplink).flatMap(([, told]) => (told === null ? [] : [told.source]));
      expect(sources.length).toBeGreaterThan(5);
      for (const source of sources) expect(source).toMatch(tells.source);
    });

    it(`has it ${tells.dhcp} of the DHCP server that it came by DHCP`, () => {
      if (tells.dhcp === 'said') expect(uplink.ipv4.dhcpServers?.source).toMatch(/^DHCP/);
      else expect(uplink.ipv4.dhcpServers?.source).not.toMatch(/DHCP/);
    });

    it(`takes the interface for ${tells.physical ? 'a physical' : 'no physical'} one of the kind ${tells.kind}`, () => {
      expect([uplink.physical, uplink.kind]).toEqual([tells.physical, tells.kind]);
    });

    it('says when what it tells was so', async () => {
      const first = await world.hal.read({ signal: anySignal() });
      const second = await world.hal.read({ signal: anySignal() });
      expect(second.at).toBeGreaterThanOrEqual(first.at);
    });

    it('tells that the cable was pulled, and then does not call it connected', async () => {
      const from = seen.all.length;
      await world.cable(false);
      const now = await seen.until((face) => face?.connected !== true);
      expect(uplinkOf(now)?.connected).not.toBe(true);
      expect(seen.all.slice(from).some(({ type }) => type === 'changed')).toBe(true);
    });

    it('tells that the cable is in again', async () => {
      await world.cable(true);
      await seen.until((face) => face?.connected === true && face.ipv4.addresses?.value[0] === '192.0.2.50/24');
    });

    const [death, because] = tells.source.test('kernel') ? [it.skip, ' (skipped: the kernel does not die)'] : [it, ''];
    death(`declares everything void when whoever told it dies, and never repeats it${because}`, async () => {
      const from = seen.all.length;
      await world.daemon?.kill();
      expect(await seen.next('unavailable', from)).toMatchObject({ reason: 'daemon-gone' });
      const snapshot = await world.hal.read({ signal: anySignal() }).catch((error: unknown) => error);
      if (snapshot instanceof Error) expect(isUnlockdError(snapshot, 'ERR_HAL_NOT_FOUND')).toBe(true);
      else expect(JSON.stringify(snapshot)).not.toMatch(tells.source);
    });

    death(`comes back by itself when it is started again${because}`, async () => {
      const from = seen.all.length;
      await world.daemon?.start();
      await seen.next('available', from);
      const isBack = (face: HostInterface | undefined) => face?.ipv4.dhcpServers?.value[0] === '192.0.2.1';
      const now = uplinkOf(await seen.until(isBack));
      expect(now?.ipv4.dhcpServers?.source).toMatch(tells.source);
    });

    it('gives a reading up when nobody wants it any more', async () => {
      const abort = new AbortController();
      const reason = new Error('not wanted');
      abort.abort(reason);
      await expect(world.hal.read({ signal: abort.signal })).rejects.toBe(reason);
    });

    it('ends its events when nobody wants them any more', async () => {
      const abort = new AbortController();
      const done = (async () => {
        for await (const _event of world.hal.watch({ signal: abort.signal })) abort.abort();
      })();
      await expect(done).resolves.toBeUndefined();
    });

    it('once closed is not there, and says so to whoever watches', async () => {
      const from = seen.all.length;
      await world.hal[Symbol.asyncDispose]();
      await expect(world.hal.read({ signal: anySignal() })).rejects.toMatchObject({ code: 'ERR_HAL_CLOSED' });
      await seen.next('unavailable', from);
    });
  });
}
