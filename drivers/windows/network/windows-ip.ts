/**
 * Addresses of a Windows host: GetAdaptersAddresses, and Windows' own notices of changes. Nothing in it is authenticated;
 * it needs no rights.
 */
import type { HostInterface, IpHal, IpSnapshot, NetworkEvent } from '../../hal/network.ts';
import { type HostOptions, LazyLibrary } from '../lazy-library.ts';
import { refusal } from '../native-library.ts';
import { type NoticeSink, watchNotices } from '../notices.ts';
import { type Adapter, decodeAdapters } from './adapter-addresses.ts';
import { isHardware } from './interface-row.ts';
import { type IpLibrary, loadIpLibrary } from './library.ts';

type Waiting = { readonly signal: AbortSignal };

class WindowsIp implements IpHal {
  readonly name = 'Windows';
  readonly simulated = false;
  readonly #library: LazyLibrary<IpLibrary>;

  constructor(options: HostOptions<IpLibrary>) {
    this.#library = new LazyLibrary('the reader of addresses', loadIpLibrary, options);
  }

  async read({ signal }: Waiting): Promise<IpSnapshot> {
    signal.throwIfAborted();
    const library = this.#library.use();
    const at = this.#library.clock.now();
    const found = library.adapters();
    if ('failed' in found) throw refusal('GetAdaptersAddresses', found);
    const suffix = library.primaryDnsSuffix();
    const primary = typeof suffix === 'string' && suffix !== '' ? suffix : null;
    return {
      at,
      interfaces: decodeAdapters(found.bytes, found.base).map((adapter) => interfaceOf(adapter, library)),
      primaryDnsSuffix: primary === null ? null : { value: primary, source: 'GetComputerNameEx' },
    };
  }

  watch({ signal }: Waiting): AsyncIterable<NetworkEvent> {
    const begin = ({ changed }: NoticeSink) => {
      const notices = this.#library.use().notify(changed);
      if ('failed' in notices) throw refusal('NotifyIpInterfaceChange', notices);
      return notices;
    };
    return watchNotices(begin, { ...this.#library.timing, signal });
  }

  async close(): Promise<void> {
    this.#library.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** An interface that Windows does not describe has no hardware: it may be anything. */
function interfaceOf({ luid, up, ...adapter }: Adapter, library: IpLibrary): HostInterface {
  const row = library.interfaceRow(luid);
  return { ...adapter, connected: up, physical: !('failed' in row) && isHardware(row) };
}

/** The addresses of a Windows machine. Nothing is loaded before it is first used. */
export const windowsIp = (options: HostOptions<IpLibrary> = {}): IpHal => new WindowsIp(options);
