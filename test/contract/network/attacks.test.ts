/**
 * Who tries to be believed: other programs on the bus, a network that serves everything, software that calls itself an
 * interface, and what a dead daemon or an old lease has left behind.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { evaluate } from '../../../agent/policy/evaluate.ts';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { policyFor } from '../../../agent/policy/model.ts';
import { lint } from '../../../agent/policy/study/lint.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import type { HostInterface, IpHal } from '../../../drivers/hal/network.ts';
import { linuxIp } from '../../../drivers/linux/network/linux-ip.ts';
import { IpDriver } from '../../../drivers/network/ip-driver.ts';
import type { SurroundingSignal } from '../../../drivers/signal.ts';
import { labIp, noFiles, pretendDevices } from '../../support/network/lab-ip.ts';
import { MockIpDaemon, NM_DEVICE, NM_IP4 } from '../../support/network/mock-ip-daemon.ts';
import { missingForLab, NetworkLab, UPLINK } from '../../support/network/network-lab.ts';
import { anySignal, SeenIp, uplinkOf } from '../../support/network/seen-ip.ts';
import { missingForBus, PrivateBus } from '../../support/session/private-bus.ts';

const PROPERTIES = 'org.freedesktop.DBus.Properties';

/** The network of the tests, asked for in every way, beside a PIN. */
const DOCUMENT = checkedDocument({
  version: 2,
  contexts: { unlock: { require: { all: ['pin', 'network'] }, acceptAsserted: true } },
  rules: [
    {
      name: 'ward',
      all: [
        {
          type: 'ipConfig',
          ipv4Prefix: '192.0.2.0/24',
          ipv4Gateway: '192.0.2.1',
          ipv4DhcpServer: '192.0.2.1',
          ipv4DnsServer: ['192.0.2.53'],
          ipv6Prefix: '2001:db8:1::/64',
        },
      ],
    },
  ],
});

function isInWard(signal: SurroundingSignal): boolean {
  const policy = policyFor(DOCUMENT, 'unlock');
  const options = { machineSimulated: false, pinIsBound: true };
  const decision = evaluate(policy, new Map([[signal.kind, signal]]), systemClock.now(), options);
  return decision.reasons.children
    .flatMap(({ children }) => children)
    .some(({ factor, ok }) => factor === 'network' && ok);
}

/** The first signal that the driver tells. */
async function sensed(hal: IpHal): Promise<SurroundingSignal> {
  const abort = new AbortController();
  const driver = new IpDriver({ hal, clock: systemClock, settle: milliseconds(1) });
  for await (const signal of driver.watch({ signal: abort.signal })) {
    abort.abort();
    return signal;
  }
  throw new Error('no signal');
}

const because = (missing: string | null) => (missing === null ? '' : ` (skipped: ${missing})`);

describe.skipIf(missingForBus() !== null)(`others on the bus${because(missingForBus())}`, () => {
  let bus: PrivateBus;
  let daemon: MockIpDaemon;
  let hal: IpHal;
  let seen: SeenIp;
  let wire: string;
  beforeEach(async () => {
    bus = await PrivateBus.start();
    daemon = new MockIpDaemon(bus);
    await daemon.start();
    wire = await daemon.addWire(UPLINK);
    hal = linuxIp({ bus: bus.address, ipPrograms: [], files: await noFiles(bus.folder) });
    seen = new SeenIp(hal);
    await seen.until((face) => face?.connected === true);
  });
  afterEach(async () => {
    await seen[Symbol.asyncDispose]();
    await hal[Symbol.asyncDispose]();
    await daemon.close();
    await bus[Symbol.asyncDispose]();
  });

  const FORGED = [
    ['that the device is up', PROPERTIES, 'PropertiesChanged', 'sa{sv}as', [NM_DEVICE, [['State', ['u', 100]]], []]],
    ['other addresses', PROPERTIES, 'PropertiesChanged', 'sa{sv}as', [NM_IP4, [['Gateway', ['s', '192.0.2.9']]], []]],
    ['a change of state', NM_DEVICE, 'StateChanged', 'uuu', [100, 30, 0]],
  ] as const;
  for (const [what, iface, member, signature, body] of FORGED) {
    it(`neither wake nor change anything by telling us alone ${what}`, async () => {
      const before = await hal.read({ signal: anySignal() });
      const events = seen.all.length;
      const stranger = bus.stranger();
      for (const destination of await stranger.others()) {
        stranger.forgeSignal(destination, { path: wire, interface: iface, member, signature, body: [...body] });
      }
      await stranger.settled();
      // What is answered after the forgery came after it on the same connection.
      const after = await hal.read({ signal: anySignal() });
      await new Promise((resolve) => setImmediate(resolve));
      expect(after.interfaces).toEqual(before.interfaces);
      expect(seen.all.slice(events)).toEqual([]);
    });
  }

  it('the daemon itself does wake with the same signal', async () => {
    const events = seen.all.length;
    await daemon.emit(wire, NM_DEVICE, 'StateChanged', 'uuu', [
      ['u', 100],
      ['u', 30],
      ['u', 0],
    ]);
    await seen.next('changed', events);
  });

  it('are not heard when the daemon has died: what it said is gone, and nobody repeats it', async () => {
    const stranger = bus.stranger();
    const ours = await stranger.others();
    await daemon.stop();
    await seen.next('unavailable');
    for (const destination of ours) {
      const body = [NM_DEVICE, [['State', ['u', 100]]], []];
      stranger.forgeSignal(destination, {
        path: wire,
        interface: PROPERTIES,
        member: 'PropertiesChanged',
        signature: 'sa{sv}as',
        body,
      });
    }
    await stranger.settled();
    await expect(hal.read({ signal: anySignal() })).rejects.toMatchObject({ code: 'ERR_HAL_NOT_FOUND' });
    expect(seen.all.at(-1)?.type).toBe('unavailable');
  });

  it('are not believed as the daemon that they replace: all of the first one is void', async () => {
    const events = seen.all.length;
    await daemon.stop();
    await seen.next('unavailable', events);
    const stranger = bus.stranger();
    // A bus with the stock policy does not let them; the name says nothing by itself.
    expect(await stranger.own('org.freedesktop.NetworkManager')).toBe(true);
    await seen.next('available', events);
    await expect(hal.read({ signal: AbortSignal.timeout(300) })).rejects.toThrow();
  });

  it('nothing of a bus that has died lives on, and it comes back by itself', async () => {
    const events = seen.all.length;
    await bus.stopDaemon();
    await seen.next('unavailable', events);
    await expect(hal.read({ signal: anySignal() })).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_HAL_/) });
    await daemon.close();
    await bus.startDaemon();
    await daemon.start();
    await seen.next('available', events);
    expect((await hal.read({ signal: anySignal() })).interfaces).toEqual([]);
  });

  const TRANSITIONS = [10, 20, 30, 40, 50, 60, 70, 80, 90, 110, 120];
  it(`a device in the states ${TRANSITIONS.join(', ')} is not connected, whatever its objects still say`, async () => {
    for (const state of TRANSITIONS) {
      await daemon.state(wire, state);
      const face = uplinkOf(await hal.read({ signal: anySignal() }));
      expect([state, face?.connected, face?.ipv4.addresses]).toEqual([state, false, null]);
    }
  });

  it('a device that NetworkManager does not manage is not told by it', async () => {
    await daemon.update(wire, NM_DEVICE, { Managed: ['b', false] });
    expect(uplinkOf(await hal.read({ signal: anySignal() }))).toBeUndefined();
  });

  it('a device with the name of a path is not looked for', async () => {
    await daemon.update(wire, NM_DEVICE, { Interface: ['s', '../../../etc'], IpInterface: ['s', ''] });
    expect((await hal.read({ signal: anySignal() })).interfaces).toEqual([]);
  });

  it('a suffix with control characters of a terminal is left out, and the other is not', async () => {
    await daemon.update(daemon.ip4ConfigOf(wire), NM_IP4, {
      Domains: ['as', ['corp.example\u001b[2J', 'ward.clinic.example\n✓ granted', 'fine.example']],
    });
    const face = uplinkOf(await hal.read({ signal: anySignal() }));
    expect(face?.dnsSuffixes?.value).toEqual(['fine.example']);
  });

  it('a value of another type than its interface says is an error of ours', async () => {
    await daemon.update(daemon.ip4ConfigOf(wire), NM_IP4, { Gateway: ['u', 16_908_480] });
    await expect(hal.read({ signal: anySignal() })).rejects.toMatchObject({ code: 'ERR_HAL_ANSWER_INVALID' });
  });

  it('five hundred servers are kept to sixty-four', async () => {
    const servers = Array.from({ length: 500 }, (_, i) => [['address', ['s', `198.51.${i >> 8}.${i & 255}`]]]);
    await daemon.update(daemon.ip4ConfigOf(wire), NM_IP4, { NameserverData: ['aa{sv}', servers] });
    const face = uplinkOf(await hal.read({ signal: anySignal() }));
    expect(face?.ipv4.dnsServers?.value).toHaveLength(64);
  });
});

describe.skipIf(missingForBus() !== null)(`a network that serves everything${because(missingForBus())}`, () => {
  let bus: PrivateBus;
  let daemon: MockIpDaemon;
  beforeAll(async () => {
    bus = await PrivateBus.start();
    daemon = new MockIpDaemon(bus);
    await daemon.start();
    await daemon.addWire('enx00e04c680001');
  });
  afterAll(async () => {
    await daemon?.close();
    await bus?.[Symbol.asyncDispose]();
  });

  it('satisfies the rule over a USB adapter that somebody has plugged in: it is physical, and lint says who can do that', async () => {
    const files = { ...(await noFiles(bus.folder)), sysClassNet: await pretendDevices(bus.folder, 'enx00e04c680001') };
    await using hal = linuxIp({ bus: bus.address, ipPrograms: [], files });
    const signal = await sensed(hal);
    expect(isInWard(signal)).toBe(true);
    const { findings } = lint(DOCUMENT, { pinIsBound: true });
    expect(findings.filter(({ code }) => code === 'rule-unproved')).toMatchObject([
      { message: expect.stringContaining('whoever runs a network gives it any address, server and name') },
    ]);
  });

  it('satisfies nothing over the same interface without a device behind it', async () => {
    const folder = join(bus.folder, 'without-device');
    await mkdir(join(folder, 'enx00e04c680001'), { recursive: true });
    await writeFile(join(folder, 'enx00e04c680001', 'type'), '1\n');
    await using hal = linuxIp({
      bus: bus.address,
      ipPrograms: [],
      files: { ...(await noFiles(bus.folder)), sysClassNet: folder },
    });
    const signal = await sensed(hal);
    expect(signal).toMatchObject({ state: 'observed', observation: { interfaces: [] } });
    expect(isInWard(signal)).toBe(false);
  });
});

const missing = missingForLab() ?? missingForBus();
describe.skipIf(missing !== null)(`software that calls itself an interface, and old leases${because(missing)}`, () => {
  let lab: NetworkLab;
  let bus: PrivateBus;
  let hal: IpHal;
  beforeAll(async () => {
    lab = await NetworkLab.start(null);
    bus = await PrivateBus.start();
    hal = await labIp(lab, bus);
    await lab.runOnRouter('ip', 'link', 'set', 'served', 'up');
    for (const [name, ...type] of [
      ['br0', 'type', 'bridge'],
      ['veth7', 'type', 'veth', 'peer', 'name', 'veth8'],
    ]) {
      await lab.run('ip', 'link', 'add', name ?? '', ...type);
    }
    await lab.run('ip', 'tuntap', 'add', 'tun0', 'mode', 'tun');
    await lab.run('ip', 'tuntap', 'add', 'tap0', 'mode', 'tap');
    await lab.run('ip', 'link', 'set', 'veth8', 'up');
    for (const name of ['br0', 'veth7', 'tun0', 'tap0', UPLINK]) {
      await lab.run('ip', 'addr', 'add', '192.0.2.50/24', 'dev', name);
      await lab.run('ip', 'link', 'set', name, 'up');
    }
  });
  afterAll(async () => {
    await hal?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
    await bus?.[Symbol.asyncDispose]();
  });

  const KINDS = [
    ['a bridge', 'br0', 'virtual'],
    ["a veth pair's end", 'veth7', 'virtual'],
    ['a tun, as a VPN has it', 'tun0', 'vpn'],
    ['a tap, as a VM has it', 'tap0', 'virtual'],
  ] as const;
  for (const [what, name, kind] of KINDS) {
    it(`${what} with the addresses of the network is no physical interface, and of the kind ${kind}`, async () => {
      const { interfaces } = await hal.read({ signal: anySignal() });
      const face = interfaces.find((each) => each.name === name);
      expect([face?.physical, face?.kind, face?.ipv4.addresses?.value]).toEqual([false, kind, ['192.0.2.50/24']]);
    });
  }

  it('none of them is observed', async () => {
    expect(await sensed(hal)).toMatchObject({ state: 'observed', observation: { interfaces: [] } });
  });

  const END = { past: '1 2020/01/06 00:00:00', future: 'never' } as const;
  const leave = (end: keyof typeof END): Promise<void> =>
    writeFile(
      lab.file(`/var/lib/dhcp/dhclient.${UPLINK}.leases`),
      `lease {\n  interface "${UPLINK}";\n  fixed-address 192.0.2.50;\n  option dhcp-server-identifier 192.0.2.1;\n  expire ${END[end]};\n}\n`,
    );
  const dhcpServers = async (): Promise<HostInterface['ipv4']['dhcpServers'] | undefined> =>
    uplinkOf(await hal.read({ signal: anySignal() }))?.ipv4.dhcpServers;
  const assign = async (address: string, ...lifetime: readonly string[]): Promise<void> => {
    await lab.run('ip', '-4', 'addr', 'flush', 'dev', UPLINK);
    await lab.run('ip', 'addr', 'add', address, 'dev', UPLINK, ...lifetime);
  };
  const LIMITED = ['valid_lft', '600', 'preferred_lft', '600'] as const;

  it('a lease counts while its address is there as one that expires', async () => {
    await leave('future');
    await assign('192.0.2.50/24', ...LIMITED);
    expect((await dhcpServers())?.value).toEqual(['192.0.2.1']);
  });

  it('a lease that has ended does not count', async () => {
    await leave('past');
    await assign('192.0.2.50/24', ...LIMITED);
    expect(await dhcpServers()).toBeNull();
  });

  it('a lease does not count for an address that somebody has set by hand', async () => {
    await leave('future');
    await assign('192.0.2.50/24');
    expect(await dhcpServers()).toBeNull();
  });

  it('a lease does not count for another address', async () => {
    await leave('future');
    await assign('192.0.2.51/24', ...LIMITED);
    expect(await dhcpServers()).toBeNull();
  });

  it('an address counts also when nobody answers any more: what is configured is told, and a cable may end anywhere', async () => {
    await assign('192.0.2.50/24', ...LIMITED);
    await lab.cable(false);
    const up = async () => uplinkOf(await hal.read({ signal: anySignal() }))?.connected === true;
    while (await up()) await new Promise((resolve) => setTimeout(resolve, 20));
    await lab.cable(true);
    while (!(await up())) await new Promise((resolve) => setTimeout(resolve, 20));
    const face = uplinkOf(await hal.read({ signal: anySignal() }));
    expect(face?.ipv4.addresses?.value).toEqual(['192.0.2.50/24']);
  });

  const servers = async () => uplinkOf(await hal.read({ signal: anySignal() }))?.ipv4.dnsServers;

  it('servers of resolv.conf count for the only way out of this machine', async () => {
    await writeFile(lab.file('/etc/resolv.conf'), 'nameserver 192.0.2.53\n');
    await assign('192.0.2.50/24', ...LIMITED);
    await lab.run('ip', 'route', 'replace', 'default', 'via', '192.0.2.1', 'dev', UPLINK);
    expect((await servers())?.value).toEqual(['192.0.2.53']);
  });

  it('and for none when there are two', async () => {
    await lab.run('ip', 'route', 'add', 'default', 'via', '192.0.2.9', 'dev', 'veth7', 'metric', '500');
    expect(await servers()).toBeNull();
  });
});
