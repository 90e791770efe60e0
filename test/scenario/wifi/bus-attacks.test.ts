/**
 * Attacks on a host that reads its Wi-Fi over the bus: signals forged by another connection, profiles and access points
 * that do not agree, a hotspot of the machine's own, services that die or lie, a bus that dies.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { seconds } from '../../../drivers/base/brand.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import type { WifiHal, WifiLink } from '../../../drivers/hal/network.ts';
import { linuxWifi } from '../../../drivers/linux/wifi/linux-wifi.ts';
import { missingForBus, PrivateBus } from '../../support/session/private-bus.ts';
import { missingCommand } from '../../support/umockdev/bridge.ts';
import {
  AKM,
  MockNetworkManager,
  NM_DEVICE,
  NM_POINT,
  NM_WIRELESS,
  OPEN_POINT,
  type PlayedProfile,
  profileOf,
  rsn,
} from '../../support/wifi/mock-network-manager.ts';
import { MockWpaSupplicant, WPA_FACE } from '../../support/wifi/mock-wpa-supplicant.ts';
import { anySignal, SeenWifi } from '../../support/wifi/seen-wifi.ts';

const PROPERTIES = 'org.freedesktop.DBus.Properties';
const SSID = utf8('Corp');
const BSSID = '00:23:f8:7e:12:bb';
const PSK = profileOf(SSID, { 'key-mgmt': ['s', 'wpa-psk'] });
/** A profile that trusts the system's store and names the server: only a login that was heard gives it a root. */
const EAP = profileOf(
  SSID,
  { 'key-mgmt': ['s', 'wpa-eap'] },
  { eap: ['as', ['peap']], 'system-ca-certs': ['b', true], 'domain-suffix-match': ['s', 'lab.example'] },
);
const missing = missingForBus() ?? missingCommand('openssl', 'openssl');

/** DER of a root. */
function makeRoot(): Uint8Array {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '/dev/null'];
  const argv = ['req', '-x509', ...key, '-outform', 'der', '-subj', '/CN=Root'];
  return new Uint8Array(execFileSync('openssl', argv, { stdio: ['ignore', 'pipe', 'ignore'] }));
}

describe.skipIf(missing !== null)(
  `attacks on the Wi-Fi over the bus${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let bus: PrivateBus;
    let manager: MockNetworkManager;
    let device: string;
    let hal: WifiHal;

    beforeAll(async () => {
      bus = await PrivateBus.start();
      await startManager();
      hal = linuxWifi({ bus: bus.address, within: seconds(5) });
      await hal.read({ signal: anySignal() });
    });
    afterEach(async () => {
      await manager.update(device, NM_WIRELESS, { Mode: ['u', 2] });
      await manager.update(device, NM_DEVICE, { Managed: ['b', true] });
      await manager.deactivate(device);
    });
    afterAll(async () => {
      await hal[Symbol.asyncDispose]();
      await manager.close();
      await bus[Symbol.asyncDispose]();
    });

    const startManager = async (): Promise<void> => {
      manager = new MockNetworkManager(bus);
      await manager.start();
      device = await manager.addRadio('wlan0');
    };
    const links = async (): Promise<readonly WifiLink[]> => (await hal.read({ signal: anySignal() })).links;
    const hear = (
      offer: { flags: number; wpaFlags: number; rsnFlags: number },
      more: { ssid?: Uint8Array; bssid?: string } = {},
    ) => manager.addPoint(device, { ssid: SSID, bssid: BSSID, quality: 70, ...offer, ...more });
    const forge = async (path: string, iface: string, member: string, signature: string, body: unknown[]) => {
      const stranger = bus.stranger();
      for (const name of await stranger.others()) {
        stranger.forgeSignal(name, { path, interface: iface, member, signature, body });
      }
      await stranger.settled();
    };

    describe('forged signals', () => {
      it.each([
        ['a state', 'PropertiesChanged', 'sa{sv}as', [NM_DEVICE, [['State', ['u', 100]]], []]],
        ['an access point', 'PropertiesChanged', 'sa{sv}as', [NM_WIRELESS, [['ActiveAccessPoint', ['o', '/x']]], []]],
        ['a strength', 'PropertiesChanged', 'sa{sv}as', [NM_POINT, [['Strength', ['y', 99]]], []]],
      ])('of another connection wake nobody: %s', async (_, member, signature, body) => {
        const point = await hear(rsn(AKM.psk));
        await manager.activate(device, point, PSK);
        expect(await links()).toHaveLength(1);
        await using seen = new SeenWifi(hal);
        await seen.next('available');
        await forge(body[0] === NM_POINT ? point : device, PROPERTIES, member, signature, body);
        expect(seen.all).toEqual([{ type: 'available' }]);
        // A genuine one, sent after it, comes after it: by then the forgery has been dropped.
        await manager.setPoint(point, { Strength: ['y', 12] });
        const { links: now } = await seen.until(({ links: [link] }) => link?.quality === 12);
        expect(now).toMatchObject([{ bssid: BSSID, security: 'WPA2-Personal' }]);
        expect(seen.all).toEqual([{ type: 'available' }, { type: 'changed' }]);
      });

      it('what a genuine signal claims is not believed either: it is read again', async () => {
        const point = await hear(rsn(AKM.psk));
        await manager.activate(device, point, PSK);
        await using seen = new SeenWifi(hal);
        await seen.next('available');
        await manager.emit(device, PROPERTIES, 'PropertiesChanged', 'sa{sv}as', [
          ['s', NM_DEVICE],
          ['a{sv}', [['State', ['u', 30]]]],
          ['as', []],
        ]);
        await seen.next('changed');
        expect(await links()).toHaveLength(1);
      });

      it('of a login have no root: neither the certificates nor the success are believed', async () => {
        const wpa = new MockWpaSupplicant(bus);
        try {
          await wpa.start();
          const face = await wpa.addFace('wlan0');
          const network = await wpa.addNetwork(face, { key_mgmt: 'WPA-EAP', eap: 'PEAP' });
          await wpa.complete(
            face,
            network,
            await wpa.addBss(face, { ssid: SSID, bssid: BSSID, privacy: true, wpa: null, rsn: ['wpa-eap'] }),
            'EAP-PEAP',
          );
          await manager.activate(device, await hear(rsn(AKM.eap)), EAP);
          await links();
          const cert = Buffer.from('a certificate of the attacker');
          const dict = [
            ['depth', ['u', 0]],
            ['subject', ['s', '/CN=Root']],
            ['cert_hash', ['s', createHash('sha256').update(cert).digest('hex')]],
            ['cert', ['ay', cert]],
          ];
          const tell = async (how: (member: string, signature: string, body: unknown[]) => Promise<void>) => {
            await how('EAP', 'ss', ['started', '']);
            await how('Certification', 'a{sv}', [dict]);
            await how('EAP', 'ss', ['completion', 'success']);
          };
          await tell((member, signature, body) => forge(face, WPA_FACE, member, signature, body));
          expect(await links()).toMatchObject([{ security: 'WPA2-Enterprise', root: null }]);
          // The forgeries within a genuine login: the chain is the genuine one.
          await wpa.eap(face, 'started', '');
          await forge(face, WPA_FACE, 'Certification', 'a{sv}', [dict]);
          await wpa.eap(face, 'completion', 'success');
          expect(await links()).toMatchObject([{ root: null }]);
          // The same words from wpa_supplicant itself count, so it was the sender that they failed for.
          const bodies: Record<string, (body: unknown[]) => [string, unknown][]> = {
            ss: ([a, b]) => [
              ['s', a],
              ['s', b],
            ],
            'a{sv}': ([a]) => [['a{sv}', a]],
          };
          await tell((member, signature, body) =>
            wpa.emit(face, WPA_FACE, member, signature, bodies[signature]?.(body) ?? []),
          );
          await using seen = new SeenWifi(hal);
          const { links: now } = await seen.until(({ links: [link] }) => link?.root !== null);
          expect(now).toMatchObject([{ root: { source: 'login', serverName: 'lab.example' } }]);
        } finally {
          await wpa.close();
        }
      });
    });

    describe('access points and profiles that do not agree', () => {
      it.each<[string, PlayedProfile, { flags: number; wpaFlags: number; rsnFlags: number }]>([
        ['a passphrase, and the access point is open', PSK, OPEN_POINT],
        ['a passphrase, and the access point offers WEP', PSK, { ...OPEN_POINT, flags: 1 }],
        ['802.1X, and the access point is open', EAP, OPEN_POINT],
        ['802.1X, and the access point offers a passphrase', EAP, rsn(AKM.psk)],
        ['open, and the access point offers WPA2', profileOf(SSID, null), rsn(AKM.psk)],
        ['a passphrase for WPA2 or WPA3, and nobody tells which it was', PSK, rsn(AKM.psk | AKM.sae)],
        ['OWE', profileOf(SSID, { 'key-mgmt': ['s', 'owe'] }), rsn(AKM.owe)],
      ])('have no security and no root: %s', async (_, profile, offer) => {
        await manager.activate(device, await hear(offer), profile);
        expect(await links()).toMatchObject([{ security: null, root: null }]);
      });

      it('what wpa_supplicant negotiated decides in a network in transition', async () => {
        const wpa = new MockWpaSupplicant(bus);
        try {
          await wpa.start();
          const face = await wpa.addFace('wlan0');
          await wpa.complete(face, '/n', '/b', 'SAE');
          await manager.activate(device, await hear(rsn(AKM.psk | AKM.sae)), PSK);
          await using seen = new SeenWifi(hal);
          await seen.until(({ links: [link] }) => link?.security === 'WPA3-Personal');
          await wpa.set(face, { CurrentAuthMode: ['s', 'WPA2-PSK'] });
          await seen.until(({ links: [link] }) => link?.security === 'WPA2-Personal');
        } finally {
          await wpa.close();
        }
      });

      it('an access point of another name than the profile wants is no link', async () => {
        await manager.activate(device, await hear(rsn(AKM.psk), { ssid: utf8('Corp\0') }), PSK);
        expect(await links()).toEqual([]);
      });

      it('the hotspot of the machine itself is no link, whatever its name', async () => {
        await manager.activate(device, await hear(rsn(AKM.psk)), PSK);
        await manager.update(device, NM_WIRELESS, { Mode: ['u', 3] });
        expect(await links()).toEqual([]);
      });

      it('a profile that its owner changed after it was activated counts as it was', async () => {
        const root = makeRoot();
        const pinned = { '802-1x': { eap: ['as', ['peap']], 'ca-cert': ['ay', root] } } as const;
        await manager.activate(device, await hear(rsn(AKM.eap)), EAP, { ...EAP, ...pinned });
        expect(await links()).toMatchObject([{ security: 'WPA2-Enterprise', root: null }]);
        // Activated with it, it counts.
        await manager.activate(device, await hear(rsn(AKM.eap)), { ...EAP, ...pinned });
        expect(await links()).toMatchObject([{ security: 'WPA2-Enterprise', root: { source: 'profile' } }]);
      });
    });

    describe('services that die or lie', () => {
      it('the bus dies: unavailable at once, and back by itself', async () => {
        await manager.activate(device, await hear(rsn(AKM.psk)), PSK);
        expect(await links()).toHaveLength(1);
        await using seen = new SeenWifi(hal);
        await seen.next('available');
        await bus.stopDaemon();
        expect(await seen.next('unavailable')).toEqual({ type: 'unavailable', reason: 'daemon-gone' });
        await expect(links()).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_HAL_/) });
        await manager.close();
        await bus.startDaemon();
        await startManager();
        await seen.next('available', 2);
        expect(await links()).toEqual([]);
      });

      it('an association that wpa_supplicant has lost is gone at once, though NetworkManager waits for it', async () => {
        const wpa = new MockWpaSupplicant(bus);
        try {
          await wpa.start();
          const face = await wpa.addFace('wlan0');
          await wpa.complete(face, '/n', '/b', 'WPA2-PSK');
          await manager.activate(device, await hear(rsn(AKM.psk)), PSK);
          await using seen = new SeenWifi(hal);
          await seen.until((snapshot) => snapshot.links.length === 1);
          await wpa.set(face, { State: ['s', '4way_handshake'] });
          await seen.until((snapshot) => snapshot.links.length === 0);
        } finally {
          await wpa.close();
        }
      });

      it('a NetworkManager that stops answering is an error in time', async () => {
        await using hasty = linuxWifi({ bus: bus.address, within: seconds(1) });
        await manager.activate(device, await hear(rsn(AKM.psk)), PSK);
        expect((await hasty.read({ signal: anySignal() })).links).toHaveLength(1);
        bus.freezeDaemon(true);
        const answer = await hasty.read({ signal: anySignal() }).catch((error: unknown) => error);
        bus.freezeDaemon(false);
        expect(isUnlockdError(answer, 'ERR_HAL_TIMEOUT')).toBe(true);
        expect((await hasty.read({ signal: anySignal() })).links).toHaveLength(1);
      });

      it.each([
        ['an SSID of 33 bytes', 'Ssid', ['ay', Buffer.alloc(33)]],
        ['an SSID that is text', 'Ssid', ['s', 'Corp']],
        ['a strength that is text', 'Strength', ['s', '70']],
        ['flags that are a list', 'RsnFlags', ['au', [1]]],
      ] as const)('an access point with %s is an error, not a link', async (_, name, value) => {
        const point = await hear(rsn(AKM.psk));
        await manager.activate(device, point, PSK);
        await manager.setPoint(point, { [name]: value });
        await expect(links()).rejects.toMatchObject({ code: 'ERR_HAL_ANSWER_INVALID' });
      });

      it('a radio that roams at every look stands still for none, so there is no link', async () => {
        const points = [await hear(rsn(AKM.psk)), await hear(rsn(AKM.psk), { bssid: '66:66:66:00:00:01' })];
        await manager.activate(device, points[0] ?? '', PSK);
        const roam = `self.props["${NM_WIRELESS}"]["ActiveAccessPoint"] = dbus.ObjectPath("${points[0]}" if self.props["${NM_WIRELESS}"]["ActiveAccessPoint"] == "${points[1]}" else "${points[1]}")`;
        await manager.applyAndRun(device, PSK, roam);
        expect(await links()).toEqual([]);
        await manager.applyAndRun(device, PSK, 'pass');
        expect(await links()).toHaveLength(1);
      });
    });

    it('an interface that NetworkManager does not manage is read from wpa_supplicant', async () => {
      const wpa = new MockWpaSupplicant(bus);
      try {
        await wpa.start();
        const face = await wpa.addFace('wlan0');
        const bss = await wpa.addBss(face, { ssid: SSID, bssid: BSSID, privacy: true, wpa: null, rsn: ['sae'] });
        await wpa.complete(face, await wpa.addNetwork(face, { key_mgmt: 'SAE' }), bss, 'SAE');
        await using seen = new SeenWifi(hal);
        await seen.next('available');
        expect(await links()).toEqual([]);
        await manager.update(device, NM_DEVICE, { Managed: ['b', false] });
        const { links: now } = await seen.until((snapshot) => snapshot.links.length === 1);
        expect(now).toMatchObject([{ interface: 'wlan0', source: 'wpa_supplicant', security: 'WPA3-Personal' }]);
      } finally {
        await wpa.close();
      }
    });
  },
);
