/**
 * Networks for a daemon that is a process of its own: they are written into the script of its simulation
 * (`simulation.surroundings`), a file that is replaced whenever something has changed. The daemon says of itself that its
 * machine is a simulated one.
 */
import { rename, writeFile } from 'node:fs/promises';
import { toHex, utf8 } from '../../drivers/base/bytes.ts';
import type { IpConfigObservation, IpFamily, WifiObservation } from '../../drivers/observation.ts';
import type { LaneDevice, SystemDaemon } from '../walkthrough/lane.ts';
import type { Walkthrough } from '../walkthrough/schema.ts';
import { type NetworkStep, Networks, rootDigest } from './networks.ts';

const NOTHING: IpFamily = { addresses: null, gateways: null, dhcpServers: null, dnsServers: null };
const QUALITY = 80;

export class ScriptedNetworks {
  readonly path: string;
  readonly #networks: Networks;

  private constructor(given: Walkthrough['given'], path: string) {
    this.#networks = new Networks(given);
    this.path = path;
  }

  /** Null: no network is given, and nothing is to be simulated. */
  static async of(given: Walkthrough['given'], path: string): Promise<ScriptedNetworks | null> {
    if (Object.keys(given.networks).length + Object.keys(given.wifi).length === 0) return null;
    const made = new ScriptedNetworks(given, path);
    await made.#write([...made.#observed()]);
    return made;
  }

  devices(): readonly LaneDevice[] {
    return this.#networks.devices();
  }

  async move(step: NetworkStep): Promise<void> {
    this.#networks.move(step);
    await this.#write([...this.#observed()]);
  }

  /** What is known of networks is lost, and found again. @returns why it cannot be; null: done */
  async restart(what: SystemDaemon): Promise<string | null> {
    if (what !== 'NetworkManager') return `there is no ${what} here`;
    const gone = ['ipConfig', 'wifi'].map((kind) => ({ kind, unavailable: 'failed' }));
    const [first, ...others] = this.#observed();
    await this.#write([...gone, { ...first, afterSeconds: 1 }, ...others]);
    return null;
  }

  *#observed(): Generator<Readonly<Record<string, unknown>>> {
    const { joined, wired } = this.#networks;
    const wifi: WifiObservation = {
      associations:
        joined === null
          ? []
          : [
              {
                interface: 'wlan0',
                ssidHex: toHex(utf8(joined.ssid)),
                bssid: joined.bssid,
                security: joined.security,
                quality: QUALITY,
                rootThumbprints:
                  joined.root === null ? null : [rootDigest('sha1', joined.root), rootDigest('sha256', joined.root)],
              },
            ],
    };
    const ipConfig: IpConfigObservation = {
      primaryDnsSuffix: null,
      interfaces:
        wired === null
          ? []
          : [
              {
                name: 'eth0',
                kind: 'ethernet',
                connected: true,
                ipv4: {
                  addresses: [wired.address],
                  gateways: [wired.gateway],
                  dhcpServers: [wired.dhcpServer],
                  dnsServers: wired.dnsServers,
                },
                ipv6: NOTHING,
              },
            ],
    };
    yield { kind: 'wifi', observation: wifi };
    yield { kind: 'ipConfig', observation: ipConfig };
  }

  /** In one step: whoever reads it meanwhile has the one before. */
  async #write(lines: readonly unknown[]): Promise<void> {
    const next = `${this.path}.next`;
    await writeFile(next, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), { mode: 0o600 });
    await rename(next, this.path);
  }
}
