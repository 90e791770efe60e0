/**
 * The Wi-Fi of the guest: radios of mac80211_hwsim, a real hostapd for each access point, and the real wpa_supplicant under
 * NetworkManager. Logins have real chains of certificates, made for the run. A profile pins its access point's address,
 * so that which of two with the same name is joined is the operator's choice.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import type { LaneDevice } from '../../../agent/walkthrough/lane.ts';
import { rootsOf } from '../../../agent/walkthrough/roots.ts';
import type { Walkthrough } from '../../../agent/walkthrough/schema.ts';
import { until } from '../../radio/guest/world.ts';
import { type Chain, makeChain } from '../../support/wifi/certificates.ts';
import { BEYOND, beyond, beyondCommand, nmcli, writeProfile } from './network.ts';
import { ask, Service } from './programs.ts';

type Given = Walkthrough['given']['wifi'][string];
type Secure = { readonly hostapd: string; readonly profile: string };

export const WIRELESS = 'wlan0';
/** Nobody but root may exchange a certificate that a profile pins. */
const FOLDER = '/etc/unlockd-lab';
const PASSPHRASE = 'a passphrase of the lab';
const EAP_SERVER = 'wpa=2\nrsn_pairwise=CCMP\nieee8021x=1\neap_server=1\n';

/** How an access point is secured, and what a profile says then; null: not in this lab. */
function secured({ security }: Given, chain: Chain | null): Secure | null {
  const login =
    chain === null
      ? ''
      : `eap_user_file=${FOLDER}/users\nserver_cert=${chain.shown}\nprivate_key=${chain.key}\ntls_session_lifetime=3600\n`;
  const eap = `[802-1x]\neap=peap;\nidentity=person\npassword=word\nphase2-auth=mschapv2\n${chain === null ? '' : `ca-cert=${chain.root}\n`}`;
  switch (security) {
    case 'Open':
      return { hostapd: '', profile: '' };
    case 'WPA2-Personal':
      return {
        hostapd: `wpa=2\nwpa_key_mgmt=WPA-PSK\nrsn_pairwise=CCMP\nwpa_passphrase=${PASSPHRASE}\n`,
        profile: `[wifi-security]\nkey-mgmt=wpa-psk\nproto=rsn;\npsk=${PASSPHRASE}\n`,
      };
    case 'WPA3-Personal':
      return {
        hostapd: `wpa=2\nwpa_key_mgmt=SAE\nrsn_pairwise=CCMP\nieee80211w=2\nsae_password=${PASSPHRASE}\n`,
        profile: `[wifi-security]\nkey-mgmt=sae\npmf=3\npsk=${PASSPHRASE}\n`,
      };
    case 'WPA2-Enterprise':
      return chain === null
        ? null
        : {
            hostapd: `${EAP_SERVER}wpa_key_mgmt=WPA-EAP\n${login}`,
            profile: `[wifi-security]\nkey-mgmt=wpa-eap\nproto=rsn;\n${eap}`,
          };
    case 'WPA3-Enterprise':
      return chain === null
        ? null
        : {
            hostapd: `${EAP_SERVER}wpa_key_mgmt=WPA-EAP-SHA256\nieee80211w=2\n${login}`,
            profile: `[wifi-security]\nkey-mgmt=wpa-eap\nproto=rsn;\npmf=3\n${eap}`,
          };
    default:
      return null;
  }
}

interface Point {
  readonly name: string;
  readonly given: Given;
  readonly interface: string;
  readonly bssid: string;
  readonly radio: Service;
}

export class Wifi implements AsyncDisposable {
  readonly #given: Walkthrough['given'];
  readonly #points = new Map<string, Point>();
  readonly #chains = new Map<string, Chain>();
  readonly #supplicant = new Service('wpa_supplicant', ['wpa_supplicant', '-u', '-O', '/run/wpa_supplicant']);
  #dhcp: Service | null = null;

  constructor(given: Walkthrough['given']) {
    this.#given = given;
  }

  /** Thumbprints (SHA-256) of the roots, by name. */
  get roots(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#chains].map(([name, { thumbprints }]) => [name, thumbprints.sha256]));
  }

  /** Makes the radios and what goes with them, before NetworkManager looks. */
  async start(): Promise<void> {
    mkdirSync(FOLDER, { recursive: true, mode: 0o700 });
    writeFileSync(`${FOLDER}/users`, '* PEAP\n"person" MSCHAPV2 "word" [2]\n', { mode: 0o600 });
    for (const root of rootsOf(this.#given)) this.#chains.set(root, makeChain(FOLDER, root));
    const all = Object.entries(this.#given.wifi);
    await ask('modprobe', 'mac80211_hwsim', `radios=${all.length + 1}`);
    await ask('modprobe', '-a', 'ccm', 'gcm', 'ctr', 'cmac');
    for (const [index, [name, given]] of all.entries()) await this.#add(name, given, index + 1);
    this.#dhcp = new Service('dhcp-wifi', [
      ...beyondCommand('dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--no-ping'),
      ...['--log-facility=-', '--dhcp-leasefile=/run/dhcp-wifi.leases', '--bind-dynamic'],
      ...[...this.#points.values()].flatMap(({ interface: on }, at) => [
        `--interface=${on}`,
        `--dhcp-range=10.77.${at + 1}.10,10.77.${at + 1}.50,255.255.255.0,1h`,
      ]),
    ]);
    this.#dhcp.start();
    this.#supplicant.start();
    for (const [name, { is }] of all) if (is === 'on') await this.#switchOn(name);
  }

  async #add(name: string, given: Given, at: number): Promise<void> {
    const chain = given.root === undefined ? null : (this.#chains.get(given.root) ?? null);
    const how = secured(given, chain);
    if (how === null) throw new Error(`${name}: no access point of this lab is ${given.security}`);
    const on = `wlan${at}`;
    const bssid = given.bssid ?? `02:00:00:00:${at.toString(16).padStart(2, '0')}:00`;
    await ask('iw', 'phy', `phy${at}`, 'set', 'netns', 'name', BEYOND);
    await beyond('ip', 'link', 'set', on, 'down');
    await beyond('ip', 'link', 'set', on, 'address', bssid);
    const air = `interface=${on}\ndriver=nl80211\nssid=${given.ssid}\nhw_mode=g\nchannel=${[1, 6, 11][at % 3]}\n`;
    const config = `/run/hostapd-${name}.conf`;
    writeFileSync(config, `${air}${how.hostapd}`, { mode: 0o600 });
    const radio = new Service(`hostapd-${name}`, beyondCommand('hostapd', config));
    this.#points.set(name, { name, given, interface: on, bssid, radio });
    const connection = `[connection]\nid=${name}\nuuid=7c9e6679-7425-40de-944b-e07fc1f9${at.toString(16).padStart(4, '0')}\ntype=wifi\ninterface-name=${WIRELESS}\nautoconnect=false\n`;
    const network = `[wifi]\nmode=infrastructure\nssid=${given.ssid}\nbssid=${bssid}\n`;
    writeProfile(name, `${connection}${network}${how.profile}[ipv4]\nmethod=auto\n[ipv6]\nmethod=disabled\n`);
  }

  #point(name: string): Point {
    const point = this.#points.get(name);
    if (point === undefined) throw new Error(`there is no access point ${name}`);
    return point;
  }

  async #switchOn(name: string): Promise<void> {
    const { radio, interface: on } = this.#point(name);
    radio.start();
    const at = [...this.#points.keys()].indexOf(name) + 1;
    await until(`the access point ${name}`, 60, async () =>
      (await beyond('iw', 'dev', on, 'info')).includes('type AP'),
    );
    if (!(await beyond('ip', 'addr', 'show', 'dev', on)).includes('10.77.')) {
      await beyond('ip', 'addr', 'add', `10.77.${at}.1/24`, 'dev', on);
    }
  }

  async switch(name: string, is: 'on' | 'off'): Promise<void> {
    if (is === 'on') await this.#switchOn(name);
    else await this.#point(name).radio.end();
  }

  /** Joins as a person does who picks it from the list, again where it was not heard yet. */
  async join(name: string | null): Promise<void> {
    if (name === null) {
      await nmcli('--wait', '30', 'device', 'disconnect', WIRELESS);
      return;
    }
    const { bssid } = this.#point(name);
    await until(`${name} to be heard`, 90, async () => {
      const heard = await nmcli('--escape', 'no', '--fields', 'BSSID', 'device', 'wifi', 'list', '--rescan', 'yes');
      return heard.toLowerCase().includes(bssid);
    });
    await until(
      `${name} to be joined`,
      120,
      async () => (await nmcli('--wait', '60', 'connection', 'up', name)) !== '',
    );
  }

  devices(): readonly LaneDevice[] {
    const shared = { kind: 'wifi', nature: 'emulated', model: null, firmware: null } as const;
    const seam = 'mac80211_hwsim, wpa_supplicant, NetworkManager';
    return [
      { ...shared, name: WIRELESS, more: { adapter: WIRELESS, seam } },
      ...[...this.#points.values()].map(({ name, given: { ssid, security }, bssid }) => ({
        ...shared,
        name,
        more: { ssid, security, bssid, seam: 'hostapd' },
      })),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { radio } of this.#points.values()) await radio.end();
    await this.#dhcp?.end();
    await this.#supplicant.end();
  }
}
