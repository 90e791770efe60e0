/**
 * Wi-Fi associations of a Windows host, by wlanapi. Windows 11 24H2 tells them only to whom the location is allowed: a
 * refusal is an error of rights, never "no link". The root is that of the active profile; Windows does not tell the chain
 * of the login.
 */
import { createHash } from 'node:crypto';
import { fromHex } from '../../base/bytes.ts';
import type { UnlockdError } from '../../base/errors.ts';
import type { NetworkEvent, VerifiedRoot, WifiHal, WifiLink, WifiSnapshot } from '../../hal/network.ts';
import { type HostOptions, LazyLibrary } from '../lazy-library.ts';
import { type Failed, refusal } from '../native-library.ts';
import { type NoticeSink, watchNotices } from '../notices.ts';
import { loadWlanLibrary, type WlanClient, type WlanLibrary } from './library.ts';
import { pinnedRoot } from './profile-root.ts';
import { decodeConnection, decodeInterfaces, type WlanConnection, type WlanInterface } from './wlan-structures.ts';

type Waiting = { readonly signal: AbortSignal };

const SOURCE = 'wlanapi';
/** The service is not there (servers), or has gone: the handle, or the way to it, is void. */
const ERROR_INVALID_HANDLE = 6;
const ABSENT = [ERROR_INVALID_HANDLE, 1060, 1062, 1722, 1726];
/** ERROR_INVALID_STATE: an interface without a connection; ERROR_NOT_FOUND: one that was pulled in between. */
const NO_CONNECTION = [5023, 1168];

class WindowsWifi implements WifiHal {
  readonly name = 'Windows';
  readonly simulated = false;
  readonly #library: LazyLibrary<WlanLibrary>;
  #client: WlanClient | null = null;
  /** Told when a reading shows that the service has gone: then no notice comes from it either. */
  readonly #watching = new Set<() => void>();

  constructor(options: HostOptions<WlanLibrary>) {
    this.#library = new LazyLibrary('the Wi-Fi', loadWlanLibrary, options);
  }

  #open(): WlanClient {
    const client = this.#library.use().open();
    if ('failed' in client) throw refusal('WlanOpenHandle', client, ABSENT);
    return client;
  }

  async read({ signal }: Waiting): Promise<WifiSnapshot> {
    signal.throwIfAborted();
    this.#client ??= this.#open();
    const client = this.#client;
    const at = this.#library.clock.now();
    const found = client.interfaces();
    if ('failed' in found) throw this.#lost('WlanEnumInterfaces', found);
    const interfaces = decodeInterfaces(found);
    const links = interfaces.map((each) => this.#link(client, each)).filter((link) => link !== null);
    return { at, present: interfaces.length > 0, links };
  }

  /** The next reading begins with a handle of its own. */
  #lost(what: string, failed: Failed): UnlockdError {
    this.#client?.close();
    this.#client = null;
    if (ABSENT.includes(failed.failed)) for (const gone of this.#watching) gone();
    return refusal(what, failed, ABSENT);
  }

  #link(client: WlanClient, { guid, name }: WlanInterface): WifiLink | null {
    const answer = client.connection(guid);
    if ('failed' in answer) {
      if (NO_CONNECTION.includes(answer.failed)) return null;
      throw this.#lost('WlanQueryInterface', answer);
    }
    const connection = decodeConnection(answer);
    if (connection === null) return null;
    const { ssid, bssid, security, quality } = connection;
    const root = this.#root(client, guid, connection);
    return { interface: name, ssid, bssid, security, quality, root, source: SOURCE, weak: false };
  }

  /** A profile that may not be read pins nothing. */
  #root(client: WlanClient, guid: Uint8Array, { oneX, security, profile }: WlanConnection): VerifiedRoot | null {
    if (!oneX || security === null || !/Enterprise/.test(security)) return null;
    const xml = client.profile(guid, profile);
    const pinned = typeof xml === 'string' ? pinnedRoot(xml) : null;
    // The profile has a thumbprint alone; what it stands for is among the machine's own roots, or Windows trusts it not.
    const der = pinned === null ? null : this.#library.use().rootCertificate(fromHex(pinned.sha1));
    if (pinned === null || der === null) return null;
    const hash = (algorithm: string) => createHash(algorithm).update(der).digest('hex');
    return hash('sha1') === pinned.sha1 ? { ...pinned, sha256: hash('sha256'), source: 'profile' } : null;
  }

  watch({ signal }: Waiting): AsyncIterable<NetworkEvent> {
    const begin = ({ changed, gone }: NoticeSink) => {
      const client = this.#open();
      const notices = client.notify(changed);
      if ('failed' in notices) {
        client.close();
        throw refusal('WlanRegisterNotification', notices, ABSENT);
      }
      this.#watching.add(gone);
      const stop = async () => {
        this.#watching.delete(gone);
        await notices.stop().finally(() => client.close());
      };
      return { stop };
    };
    return watchNotices(begin, { ...this.#library.timing, signal });
  }

  async close(): Promise<void> {
    this.#library.close();
    this.#client?.close();
    this.#client = null;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The Wi-Fi of a Windows machine. Nothing is loaded before it is first used. */
export const windowsWifi = (options: HostOptions<WlanLibrary> = {}): WifiHal => new WindowsWifi(options);
