/**
 * A real NetworkManager in a namespace without a radio: it says that there is none, and its own reading of Wi-Fi profiles
 * is what ours are read from.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { linuxWifi } from '../../../drivers/linux/wifi/linux-wifi.ts';
import { appliedProfile } from '../../../drivers/linux/wifi/nm-profile.ts';
import { missingForNetworkManager, startNetworkManager } from '../../support/network/host-daemons.ts';
import { NetworkLab, type Started } from '../../support/network/network-lab.ts';
import { PrivateBus } from '../../support/session/private-bus.ts';
import { Hand, type TypedProperties } from '../../support/wifi/mock-service.ts';
import { describeRadiolessContract, type WifiWorld } from './describe-wifi-contract.ts';

const missing = missingForNetworkManager();
const because = missing === null ? '' : ` (skipped: ${missing})`;

const NM = 'org.freedesktop.NetworkManager';
const SETTINGS = '/org/freedesktop/NetworkManager/Settings';

async function realWorld(): Promise<WifiWorld> {
  const bus = await PrivateBus.start();
  const lab = await NetworkLab.start(null);
  let daemon: Started = await startNetworkManager(lab, bus);
  const hal = linuxWifi({ bus: bus.address });
  return {
    hal,
    stop: () => daemon.kill(),
    start: async () => {
      daemon = await startNetworkManager(lab, bus);
    },
    [Symbol.asyncDispose]: async () => {
      await hal[Symbol.asyncDispose]();
      await lab[Symbol.asyncDispose]();
      await bus[Symbol.asyncDispose]();
    },
  };
}

describeRadiolessContract('a real NetworkManager without a radio', missing === null ? realWorld : { skip: missing });

describe.skipIf(missing !== null)(`a Wi-Fi profile as the real NetworkManager tells it${because}`, () => {
  let bus: PrivateBus;
  let lab: NetworkLab;
  let hand: Hand;

  beforeAll(async () => {
    bus = await PrivateBus.start();
    lab = await NetworkLab.start(null);
    await startNetworkManager(lab, bus);
    hand = new Hand(bus);
    // It takes its name before it shows its objects.
    const ready = () => hand.call(NM, SETTINGS, `${NM}.Settings`, 'ListConnections').then(Boolean, () => false);
    while (!(await ready())) await new Promise((resolve) => setTimeout(resolve, 25));
  });
  afterAll(async () => {
    hand.close();
    await lab[Symbol.asyncDispose]();
    await bus[Symbol.asyncDispose]();
  });

  /** Gives it a profile and reads back what it has made of it. */
  const readBack = async (ssid: Uint8Array, security: TypedProperties | null, eap: TypedProperties | null = null) => {
    const settings = {
      connection: { id: ['s', 'x'], type: ['s', '802-11-wireless'], autoconnect: ['b', false] },
      '802-11-wireless': { ssid: ['ay', Buffer.from(ssid)] },
      ...(security === null ? {} : { '802-11-wireless-security': security }),
      ...(eap === null ? {} : { '802-1x': eap }),
    };
    const dict = Object.entries(settings).map(([name, values]) => [name, Object.entries(values)]);
    const path = String(await hand.call(NM, SETTINGS, `${NM}.Settings`, 'AddConnectionUnsaved', 'a{sa{sv}}', [dict]));
    return appliedProfile(await hand.call(NM, path, `${NM}.Settings.Connection`, 'GetSettings'));
  };

  it('with a passphrase', async () => {
    const ssid = new Uint8Array(32).fill(0xff);
    const profile = await readBack(ssid, {
      'key-mgmt': ['s', 'wpa-psk'],
      psk: ['s', 'password'],
      proto: ['as', ['rsn']],
      pmf: ['i', 3],
    });
    expect(profile).toMatchObject({
      station: true,
      akms: new Set(['psk', 'sae']),
      allows: { wpa: false, rsn: true },
      managementFrameProtection: 'required',
      eap: null,
    });
    expect(new Uint8Array(profile.ssid ?? [])).toEqual(ssid);
    expect(profile.id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('without any', async () => {
    expect((await readBack(utf8('Open'), null)).akms).toEqual(new Set(['open']));
  });

  it('with 802.1X and a certificate in a file', async () => {
    const profile = await readBack(
      utf8('Corp'),
      { 'key-mgmt': ['s', 'wpa-eap'] },
      {
        eap: ['as', ['peap']],
        identity: ['s', 'user'],
        password: ['s', 'word'],
        'phase2-auth': ['s', 'mschapv2'],
        'ca-cert': ['ay', Buffer.from('file:///etc/ssl/corp.pem\0')],
        'domain-suffix-match': ['s', 'lab.example'],
      },
    );
    expect(profile.eap).toEqual({
      methods: ['peap'],
      trust: { kind: 'file', path: '/etc/ssl/corp.pem' },
      serverName: 'lab.example',
      innerTls: false,
    });
  });

  it('with 802.1X and the store of the system', async () => {
    const eap = {
      eap: ['as', ['ttls']],
      identity: ['s', 'u'],
      password: ['s', 'w'],
      'phase2-autheap': ['s', 'tls'],
    } as const;
    const certificates = { 'system-ca-certs': ['b', true] } as const;
    const profile = await readBack(utf8('Corp'), { 'key-mgmt': ['s', 'wpa-eap'] }, { ...eap, ...certificates }).catch(
      (error: unknown) => error,
    );
    expect(profile).toMatchObject({ eap: { methods: ['ttls'], trust: { kind: 'store' }, innerTls: true } });
  });
});
