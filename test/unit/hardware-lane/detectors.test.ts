import { expect, test } from 'vitest';
import type { SignalChange } from '../../../agent/api/ports.ts';
import { signalDetector } from '../../../agent/lanes/hardware-detectors.ts';
import type { PhysicalStep } from '../../../drivers/hal/operator.ts';
import type { IpInterface } from '../../../drivers/observation.ts';
import { walkthroughOf } from '../../support/hardware-lane/found.ts';

const signal = new AbortController().signal;
const to = { address: '192.0.2.5/24', gateway: '192.0.2.1', dhcpServer: '192.0.2.1', dnsServers: ['192.0.2.53'] };
const { given } = walkthroughOf({
  networks: { office: to },
  wifi: { lobby: { ssid: 'Lobby', security: 'Open', bssid: '02:00:00:00:00:01' } },
});
const PHONE = 'aa:bb:cc:dd:ee:01';

const change = (kind: string, observation: unknown, state = 'observed'): SignalChange => ({
  type: 'signal',
  now: 0,
  signal: { kind, state, source: 'x', observedAt: 0, validFor: 1, simulated: false, observation },
});
const phone = (proved: boolean, address = PHONE) => change('bluetooth', { devices: [{ address, proved }] });
const wifi = (...associations: readonly object[]) => change('wifi', { associations });
const none = { addresses: null, gateways: null, dhcpServers: null, dnsServers: null };
const wired = (more: Partial<IpInterface>) =>
  change('ipConfig', {
    interfaces: [{ name: 'eth0', kind: 'ethernet', connected: true, ipv4: none, ipv6: none, ...more }],
  });

/** Which of the changes is the first that shows it; null: none does. */
async function shownBy(step: PhysicalStep, changes: readonly SignalChange[]): Promise<number | null> {
  let at = -1;
  const detector = await signalDetector(
    step,
    {
      client: {
        watchSignals: async function* () {
          for (const each of changes) {
            at++;
            yield each;
          }
        },
      },
      given,
      phoneAddress: (name) => (name === 'mine' ? PHONE : null),
      isEnrolled: async (address) => address === PHONE,
    },
    { signal },
  );
  if (detector === null) return null;
  return await detector.until({ signal }).then(
    () => at,
    () => null,
  );
}

const ssidHex = '4c6f626279';
const bssid = '02:00:00:00:00:01';
const other = change('fingerprint', null, 'unavailable');

test.each<[string, PhysicalStep, readonly SignalChange[], number]>([
  [
    'a phone that proves its pairing',
    { do: 'phone', phone: 'mine', is: 'near' },
    [other, phone(false), phone(true)],
    2,
  ],
  ['a phone that is gone', { do: 'phone', phone: 'mine', is: 'away' }, [phone(true), phone(false)], 1],
  ['a phone that is off', { do: 'phone', phone: 'mine', is: 'off' }, [change('bluetooth', { devices: [] })], 0],
  [
    'a Wi-Fi that is joined, at its own access point',
    { do: 'join', network: 'lobby' },
    [wifi(), wifi({ ssidHex, bssid: '02:00:00:00:00:02' }), wifi({ ssidHex, bssid })],
    2,
  ],
  ['a Wi-Fi that was left', { do: 'join', network: null }, [wifi({ ssidHex, bssid }), wifi()], 1],
  [
    'a cable that is in',
    { do: 'cable', network: 'office' },
    [wired({}), wired({ ipv4: { ...none, gateways: [to.gateway] } })],
    1,
  ],
  ['a cable that is out', { do: 'cable', network: null }, [wired({}), wired({ connected: false })], 1],
  [
    'other addresses',
    { do: 'renumber', network: 'office', to },
    [
      wired({ ipv4: { ...none, gateways: [to.gateway] } }),
      wired({ ipv4: { ...none, gateways: [to.gateway], dnsServers: to.dnsServers } }),
    ],
    1,
  ],
])('%s is seen', async (_name, step, changes, at) => {
  expect(await shownBy(step, changes)).toBe(at);
});

test.each<[string, PhysicalStep]>([
  ['a phone that has no address here', { do: 'phone', phone: 'other', is: 'near' }],
  ['an impostor', { do: 'phone', phone: 'mine', is: 'impostor' }],
  ['a Wi-Fi that is not given', { do: 'join', network: 'none' }],
  ['an access point', { do: 'access-point', network: 'lobby', is: 'off' }],
  ['a sleep', { do: 'suspend' }],
])('%s is seen by nobody', async (_name, step) => {
  expect(await shownBy(step, [phone(true), wifi()])).toBeNull();
});

test('another phone than the one that is meant does not count', async () => {
  expect(await shownBy({ do: 'phone', phone: 'mine', is: 'near' }, [phone(true, 'aa:bb:cc:dd:ee:02')])).toBeNull();
});
