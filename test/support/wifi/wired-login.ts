/**
 * A real 802.1X login: wpa_supplicant and hostapd, each in a network namespace, over a cable (a veth pair) between them,
 * with wpa_supplicant on a private bus. There is no radio, so it shows what concerns certificates and nothing of SSIDs.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { BusConnection } from '../../../drivers/linux/dbus/connection.ts';
import type { Started } from '../network/network-lab.ts';
import type { PrivateBus } from '../session/private-bus.ts';
import { missingForBus } from '../session/private-bus.ts';
import { missingCommand } from '../umockdev/bridge.ts';
import type { Chain } from './certificates.ts';
import { Hand, type Typed } from './mock-service.ts';
import { missingForNamespaces, Namespace } from './namespace.ts';

export const missingForLogin = (): string | null =>
  missingForBus() ??
  missingForNamespaces() ??
  missingCommand('wpa_supplicant', 'wpasupplicant') ??
  missingCommand('hostapd', 'hostapd') ??
  missingCommand('openssl', 'openssl');

const NAME = 'fi.w1.wpa_supplicant1';
const ROOT = '/fi/w1/wpa_supplicant1';
const FACE = `${NAME}.Interface`;
/** The end of the cable at which wpa_supplicant logs in. */
export const CABLE = 'wlan0';

const hostapdConfig = (folder: string, { shown, key }: Chain): string => `interface=cable1
driver=wired
ieee8021x=1
eap_server=1
eap_reauth_period=0
use_pae_group_addr=1
eap_user_file=${folder}/users
server_cert=${shown}
private_key=${key}
tls_session_lifetime=3600
`;

export class WiredLogin implements AsyncDisposable {
  readonly folder: string;
  readonly #bus: PrivateBus;
  readonly #hand: Hand;
  /** What wpa_supplicant has told of logins. */
  readonly told: LoginCounter;
  readonly #machine: Namespace;
  readonly #network: Namespace;
  #supplicant: Started | null = null;
  #authenticator: Started | null = null;
  #face = '';

  private constructor(bus: PrivateBus, folder: string, told: LoginCounter, ends: readonly [Namespace, Namespace]) {
    this.#bus = bus;
    this.folder = folder;
    this.told = told;
    this.#hand = new Hand(bus);
    [this.#machine, this.#network] = ends;
    this.#machine.ip('link', 'add', CABLE, 'type', 'veth', 'peer', 'name', 'cable1', 'netns', this.#network.pid);
    this.#machine.ip('link', 'set', CABLE, 'up');
    this.#network.ip('link', 'set', 'cable1', 'up');
  }

  static async start(bus: PrivateBus): Promise<WiredLogin> {
    const folder = await mkdtemp(join(tmpdir(), 'unlockd-login-'));
    await writeFile(join(folder, 'users'), '* PEAP\n"user" MSCHAPV2 "word" [2]\n');
    const ends = [await Namespace.create(), await Namespace.create()] as const;
    return new WiredLogin(bus, folder, await LoginCounter.start(bus.address), ends);
  }

  /** The network's side shows this chain from now on. */
  async serve(chain: Chain): Promise<void> {
    await this.#authenticator?.kill();
    const config = join(this.folder, 'hostapd.conf');
    await writeFile(config, hostapdConfig(this.folder, chain));
    this.#authenticator = this.#network.start(['hostapd', config]);
  }

  async startSupplicant(): Promise<void> {
    const env = { DBUS_SYSTEM_BUS_ADDRESS: this.#bus.address };
    this.#supplicant = this.#machine.start(['wpa_supplicant', '-u'], env);
    for (let tries = 0; !(await this.#hand.names()).includes(NAME); tries++) {
      if (tries > 400) throw new Error('wpa_supplicant did not come up');
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    const how: readonly (readonly [string, Typed])[] = [
      ['Ifname', ['s', CABLE]],
      ['Driver', ['s', 'wired']],
    ];
    this.#face = String(await this.#hand.call(NAME, ROOT, NAME, 'CreateInterface', 'a{sv}', [how]));
  }

  async stopSupplicant(): Promise<void> {
    await this.#supplicant?.kill();
  }

  /** @returns the path of a network with these settings beyond those of every login here */
  async addNetwork(settings: Readonly<Record<string, string>>): Promise<string> {
    const all = { key_mgmt: 'IEEE8021X', eap: 'PEAP', identity: 'user', password: 'word', ...settings };
    const dict = Object.entries({ phase2: 'auth=MSCHAPV2', ...all }).map(([name, value]) => [name, ['s', value]]);
    return String(await this.#onFace('AddNetwork', 'a{sv}', [dict]));
  }

  /** Logs in and waits for how it ends. @returns whether it went well */
  logIn(network: string): Promise<boolean> {
    return this.#loginAfter(() => this.#onFace('SelectNetwork', 'o', [network]));
  }

  /** Logs in again to the same network, by which a TLS session is resumed. */
  logInAgain(): Promise<boolean> {
    return this.#loginAfter(() => this.#onFace('Reassociate'));
  }

  async #loginAfter(start: () => Promise<unknown>): Promise<boolean> {
    const { logins, failures } = this.told;
    await start();
    await this.#until(async () => this.told.failures > failures || this.told.logins > logins);
    if (this.told.logins === logins) return false;
    await this.#until(async () => (await this.#state()) === 'completed');
    return true;
  }

  async removeNetworks(): Promise<void> {
    await this.#onFace('RemoveAllNetworks');
  }

  async #state(): Promise<string> {
    return String(
      await this.#hand.call(NAME, this.#face, 'org.freedesktop.DBus.Properties', 'Get', 'ss', [FACE, 'State']),
    );
  }

  /** Looks every 50 ms. */
  async #until(done: () => Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < 600; tries++) {
      if (await done()) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('the login has not ended');
  }

  #onFace(member: string, signature = '', body: readonly unknown[] = []): Promise<unknown> {
    return this.#hand.call(NAME, this.#face, FACE, member, signature, body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#supplicant?.kill();
    await this.#authenticator?.kill();
    await this.told[Symbol.asyncDispose]();
    this.#hand.close();
    await this.#machine[Symbol.asyncDispose]();
    await this.#network[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Counts signals of wpa_supplicant. */
export class LoginCounter implements AsyncDisposable {
  certifications = 0;
  /** Those that ended well, and those that did not. */
  logins = 0;
  failures = 0;
  readonly #connection: BusConnection;

  private constructor(connection: BusConnection) {
    this.#connection = connection;
  }

  static async start(address: string): Promise<LoginCounter> {
    let counter: LoginCounter | null = null;
    const options = { address, clock: systemClock, within: seconds(5), signal: new AbortController().signal };
    const connection = await BusConnection.open(options, ({ member, body }) => {
      if (counter === null) return;
      if (member === 'Certification') counter.certifications++;
      if (member !== 'EAP' || body[0] !== 'completion') return;
      if (body[1] === 'success') counter.logins++;
      else counter.failures++;
    });
    await connection.addMatch(`type='signal',interface='${FACE}'`, options);
    counter = new LoginCounter(connection);
    return counter;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#connection.close();
  }
}
