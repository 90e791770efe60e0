/**
 * Addresses of a Windows host: GetAdaptersAddresses, and Windows' own notices of changes. Nothing in it is authenticated;
 * it needs no rights.
 */
import { type Milliseconds, seconds } from '../../base/brand.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import { UnlockdError } from '../../base/errors.ts';
import type { HostInterface, IpHal, IpSnapshot, NetworkEvent } from '../../hal/network.ts';
import { refusal } from '../native-library.ts';
import { type NoticeSink, watchNotices } from '../notices.ts';
import { type Adapter, decodeAdapters } from './adapter-addresses.ts';
import { isHardware } from './interface-row.ts';
import { type IpLibrary, loadIpLibrary } from './library.ts';

export interface WindowsIpOptions {
  readonly clock?: Clock;
  /** Pause between two tries to be told of changes. */
  readonly retry?: Milliseconds;
  readonly load?: () => IpLibrary;
}

type Waiting = { readonly signal: AbortSignal };

const RETRY = seconds(30);

class WindowsIp implements IpHal {
  readonly name = 'Windows';
  readonly simulated = false;
  readonly #options: Required<WindowsIpOptions>;
  #library: IpLibrary | null = null;
  #closed = false;

  constructor(options: Required<WindowsIpOptions>) {
    this.#options = options;
  }

  #use(): IpLibrary {
    if (this.#closed) throw new UnlockdError('ERR_HAL_CLOSED', 'the addresses were closed');
    this.#library ??= this.#options.load();
    return this.#library;
  }

  async read({ signal }: Waiting): Promise<IpSnapshot> {
    signal.throwIfAborted();
    const library = this.#use();
    const at = this.#options.clock.now();
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
      const notices = this.#use().notify(changed);
      if ('failed' in notices) throw refusal('NotifyIpInterfaceChange', notices);
      return notices;
    };
    return watchNotices(begin, { clock: this.#options.clock, retry: this.#options.retry, signal });
  }

  async close(): Promise<void> {
    this.#closed = true;
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
export const windowsIp = (options: WindowsIpOptions = {}): IpHal =>
  new WindowsIp({ clock: systemClock, retry: RETRY, load: loadIpLibrary, ...options });
